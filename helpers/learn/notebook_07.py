"""The questions of notebook 7."""

from helpers.language import N_
from helpers.learn.quiz import Option, Question

EXERCISES = []

QUESTIONS = [
    Question(
        N_(
            "A model has dropout. Its checkpoint holds weights, optimizer and schedule, but not the random "
            "state. What happens after you resume?"
        ),
        (
            Option(
                N_("It ends in an error."),
                N_("Nothing is missing that a step needs: dropout is drawn anyhow."),
            ),
            Option(N_("The model gets worse."), N_("Other dropout is as good.")),
            Option(
                N_("The losses differ."),
                N_("Dropout is drawn differently. So you can't check that nothing else went wrong."),
                right=True,
            ),
        ),
    ),
    Question(
        N_("Why does a checkpoint take three times the model's size?"),
        (
            Option(N_("It keeps three epochs' weights."), N_("It keeps the latest only.")),
            Option(N_("AdamW has two numbers for each weight."), N_("They are saved with it."), right=True),
            Option(N_("It keeps the gradients and a spare copy."), N_("Each step computes gradients anew.")),
        ),
    ),
    Question(
        N_("You stream a dataset from the Hub for three epochs. What is fetched?"),
        (
            Option(
                N_("Every row, three times."),
                N_("If the disk has room, download it once instead."),
                right=True,
            ),
            Option(N_("Every row once, then the cache helps."), N_("Streaming writes nothing to the disk.")),
            Option(
                N_("Only the rows of the shuffle buffer."), N_("The buffer mixes rows; all pass through it.")
            ),
        ),
    ),
]
