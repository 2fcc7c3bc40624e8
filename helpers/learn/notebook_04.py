"""The questions of notebook 4. Its exercises are the experiments and the mystery fault."""

from helpers.learn.quiz import Option, Question

EXERCISES = []

QUESTIONS = [
    Question(
        "Two settings, one run each, 1,000 validation rows: 0.548 and 0.562. What do you say?",
        (
            Option("The second setting is better.", "The difference is 0.014, and its error alone is 0.022."),
            Option("Both settings are equally good.", "You saw no difference. There may still be one."),
            Option(
                "I can't tell yet.",
                "Train both with more seeds, and compare the means.",
                right=True,
            ),
        ),
    ),
    Question(
        "The training loss falls until step 80 and then rises. What do you change first?",
        (
            Option("learning_rate: lower.", "The steps are too long and throw the weights off.", right=True),
            Option(
                "num_train_epochs: fewer.",
                "Overfitting would show in the validation loss; the training loss would go on falling.",
            ),
            Option("train_size: larger.", "More texts do not make the steps shorter."),
        ),
    ),
    Question(
        "A frozen body has 0.43, all weights have 0.56, at the same learning rate. What does that show?",
        (
            Option(
                "At this rate, the frozen body is worse.",
                "That is just what was compared. At its own best rate, it may come closer.",
                right=True,
            ),
            Option(
                "A frozen body is always that much worse.",
                "Its best rate may be another one. A fair comparison gives each side its own.",
            ),
            Option(
                "What the body learned in pretraining is of no use.",
                "Only the classifier learned here, and guessing one of five classes would get about 0.2.",
            ),
        ),
    ),
    Question(
        "The validation accuracy is suddenly as high as that on the training rows. What do you check?",
        (
            Option(
                "Whether validation rows are among the training rows.",
                "A model that has seen the answers looks better than it is.",
                right=True,
            ),
            Option(
                "Whether the model overfits.",
                "Then the accuracy on the training rows would be the higher one.",
            ),
            Option("Nothing: the model generalizes well.", "That is the dangerous answer."),
        ),
    ),
]
