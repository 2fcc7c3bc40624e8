"""The questions of notebook 4. Its exercises are the experiments and the mystery fault."""

from helpers.language import N_
from helpers.learn.quiz import Option, Question

EXERCISES = []

QUESTIONS = [
    Question(
        N_("Two settings, one run each, 1,000 validation rows: 0.548 and 0.562. What do you say?"),
        (
            Option(
                N_("The second setting is better."),
                N_("The difference is 0.014, and its error alone is 0.022."),
            ),
            Option(
                N_("Both settings are equally good."), N_("You saw no difference. There may still be one.")
            ),
            Option(
                N_("I can't tell yet."),
                N_("Train both with more seeds, and compare the means."),
                right=True,
            ),
        ),
    ),
    Question(
        N_("The training loss falls until step 80 and then rises. What do you change first?"),
        (
            Option(
                N_("learning_rate: lower."),
                N_("The steps are too long and throw the weights off."),
                right=True,
            ),
            Option(
                N_("num_train_epochs: fewer."),
                N_("Overfitting would show in the validation loss; the training loss would go on falling."),
            ),
            Option(N_("train_size: larger."), N_("More texts do not make the steps shorter.")),
        ),
    ),
    Question(
        N_("A frozen body has 0.43, all weights have 0.56, at the same learning rate. What does that show?"),
        (
            Option(
                N_("At this rate, the frozen body is worse."),
                N_("That is just what was compared. At its own best rate, it may come closer."),
                right=True,
            ),
            Option(
                N_("A frozen body is always that much worse."),
                N_("Its best rate may be another one. A fair comparison gives each side its own."),
            ),
            Option(
                N_("What the body learned in pretraining is of no use."),
                N_("Only the classifier learned here, and guessing one of five classes would get about 0.2."),
            ),
        ),
    ),
    Question(
        N_("The validation accuracy is suddenly as high as that on the training rows. What do you check?"),
        (
            Option(
                N_("Whether validation rows are among the training rows."),
                N_("A model that has seen the answers looks better than it is."),
                right=True,
            ),
            Option(
                N_("Whether the model overfits."),
                N_("Then the accuracy on the training rows would be the higher one."),
            ),
            Option(N_("Nothing: the model generalizes well."), N_("That is the dangerous answer.")),
        ),
    ),
]
