"""The questions of notebook 7."""

from helpers.learn.quiz import Option, Question

EXERCISES = []

QUESTIONS = [
    Question(
        "A model has dropout. Its checkpoint holds weights, optimizer and schedule, but not the random state."
        " What happens after you resume?",
        (
            Option("It ends in an error.", "Nothing is missing that a step needs: dropout is drawn anyhow."),
            Option("The model gets worse.", "Other dropout is as good."),
            Option(
                "The losses differ.",
                "Dropout is drawn differently. So you can't check that nothing else went wrong.",
                right=True,
            ),
        ),
    ),
    Question(
        "Why does a checkpoint take three times the model's size?",
        (
            Option("It keeps three epochs' weights.", "It keeps the latest only."),
            Option("AdamW has two numbers for each weight.", "They are saved with it.", right=True),
            Option("It keeps the gradients and a spare copy.", "Each step computes gradients anew."),
        ),
    ),
    Question(
        "You stream a dataset from the Hub for three epochs. What is fetched?",
        (
            Option(
                "Every row, three times.",
                "If the disk has room, download it once instead.",
                right=True,
            ),
            Option("Every row once, then the cache helps.", "Streaming writes nothing to the disk."),
            Option("Only the rows of the shuffle buffer.", "The buffer mixes rows; all pass through it."),
        ),
    ),
]
