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
        "A frozen body has 0.43, all weights have 0.56, at the same learning rate. What would be unfair to"
        " say?",
        (
            Option("At this rate, the frozen body is worse.", "That is just what was compared."),
            Option(
                "A frozen body is always that much worse.",
                "Its best rate may be another one. A fair comparison gives each side its own.",
                right=True,
            ),
            Option(
                "The frozen body trained fewer weights.", "That is true: only those of the classifier on top."
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
            Option("Whether the learning rate is too high.", "That makes both of them worse, not alike."),
            Option("Nothing: the model generalizes well.", "That is the dangerous answer."),
        ),
    ),
]
