"""The experiments of notebook 4: two ways to train, a prediction, and what came out."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.judge.metrics import standard_error
from helpers.language import N_, _

_MEASURED = Path(__file__).parents[1] / "offline" / "experiments" / "experiments.json"
OUTCOMES = ("first", "second", "neither")


@dataclass(frozen=True)
class Arm:
    """One of the two ways to train: its name, and what it changes in the settings of the lab.

    `changes(settings)` gets these settings as `Controls.values` gives them, and returns those that differ.
    """

    name: str
    changes: Callable[[dict], dict] = lambda settings: {}

    def settings(self, lab: dict) -> dict:
        """Return the settings to train with: those of the lab, changed."""
        return lab | self.changes(lab)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A claim about two ways to train, and the question which one ends with the higher accuracy.

    `refuted_by` is the outcome that refutes the claim; None if the claim says only that the two differ.
    `seeds` says how many trainings of each kind the experiment asks for. `because` explains what came out on
    the bundled data. It is shown only after the learner's own trainings.
    """

    name: str
    claim: str
    first: Arm
    second: Arm
    because: str
    refuted_by: str | None = "second"
    seeds: int = 1

    def about_the_claim(self, outcome: str) -> str:
        """Say what an outcome means for the claim. Seeing no difference does not show that there is none."""
        if outcome == "neither":
            return _("So the claim is neither refuted nor supported.")
        refuted = outcome == self.refuted_by
        return _("So the claim is refuted.") if refuted else _("So the claim holds here.")

    def predictions(self) -> dict[str, str]:
        """Return what a learner can expect, by the name of the outcome: what is better, if anything is."""
        return {
            "first": _(self.first.name),
            "second": _(self.second.name),
            "neither": _("cannot be told apart"),
        }


@dataclass(frozen=True)
class Comparison:
    """The mean accuracies of the two ways to train, and the standard error of their difference."""

    first: float
    second: float
    error: float

    @property
    def outcome(self) -> str:
        """Name the better one, if the difference is larger than twice its standard error; else "neither"."""
        if abs(self.first - self.second) <= 2 * self.error:
            return "neither"
        return "first" if self.first > self.second else "second"

    def sentence(self, first: str, second: str) -> str:
        """Say both accuracies, their difference, and whether it is large enough. The names are the arms'."""
        text = (
            _(
                "{first}: {accuracy:.3f}; {second}: {other:.3f}. The difference is {difference:.3f}, "
                "no more than twice its standard error ({error:.3f}): these two cannot be told apart."
            )
            if self.outcome == "neither"
            else _(
                "{first}: {accuracy:.3f}; {second}: {other:.3f}. The difference is {difference:.3f}, "
                "more than twice its standard error ({error:.3f}): “{better}” is better."
            )
        )
        return text.format(
            first=first,
            accuracy=self.first,
            second=second,
            other=self.second,
            difference=abs(self.first - self.second),
            error=2 * self.error,
            better=first if self.outcome == "first" else second,
        )


def compare(first: Sequence[float], second: Sequence[float], rows: int) -> Comparison:
    """Compare the accuracies of trainings that differ in nothing but their seeds, on `rows` texts.

    The variance of one accuracy is that of the accuracies of its kind, and at least that of an accuracy on so
    many rows: three accuracies may lie close together by chance, and of one alone nothing else is known. All
    trainings answer the same rows, which this does not count in their favour. It called two
    groups of the same kind different in fewer than 1 of 100 draws from twenty bundled trainings. Raises
    ValueError if there is no accuracy.
    """
    if not first or not second:
        raise ValueError(
            _("Expected at least one accuracy of each kind, got {first} and {second}.").format(
                first=len(first), second=len(second)
            )
        )
    variance = 0.0
    for accuracies in (first, second):
        of_rows = standard_error(statistics.fmean(accuracies), rows) ** 2
        of_seeds = statistics.variance(accuracies) if len(accuracies) > 1 else 0.0
        variance += max(of_seeds, of_rows) / len(accuracies)
    return Comparison(statistics.fmean(first), statistics.fmean(second), math.sqrt(variance))


def judged(prediction: str | None, outcome: str, experiment: Experiment) -> str:
    """Say whether the learner's prediction came true, in the learner's own trainings."""
    if prediction is None:
        return _("You predicted nothing.")
    if prediction == outcome:
        text = _("You predicted “{prediction}”: so it came out.")
    elif outcome == "neither":
        text = _("You predicted “{prediction}”: these trainings do not show it.")
    elif prediction == "neither":
        text = _("You predicted “{prediction}”: they can.")
    else:
        text = _("You predicted “{prediction}”: it is the other way round.")
    return text.format(prediction=experiment.predictions()[prediction])


def measured(experiment: Experiment) -> tuple[Comparison, int, int] | None:
    """Return what we measured on the bundled data, with how many seeds, and in how many steps.

    It is None if it was not measured. `tests/benchmarks/experiments.py` made the figures.
    """
    found = json.loads(_MEASURED.read_text(encoding="utf-8"))
    if experiment.name not in found["experiments"]:
        return None
    trainings = [found["trainings"][name] for name in found["experiments"][experiment.name]]
    comparison = compare(*(training["accuracy"] for training in trainings), found["eval_size"])
    return comparison, found["seeds"], trainings[0]["steps"]


EXPERIMENTS = (
    Experiment(
        name="rate",
        claim=N_("The tutorial's 5e-5 suits every BERT."),
        first=Arm("5e-5", lambda lab: {"learning_rate": 5e-5}),
        second=Arm("5e-4", lambda lab: {"learning_rate": 5e-4}),
        because=N_(
            "The bundled model is small, and 375 short steps do not carry it far: at 5e-5 its validation"
            " loss ends at 1.55, and guessing has 1.61. BERT-base, for which the tutorial chose its rate,"
            " has about 90 times as many weights. A rate belongs to a model, and to a number of steps."
        ),
    ),
    Experiment(
        name="twice",
        claim=N_("Twice the rate is another training, so another accuracy will come out."),
        refuted_by=None,
        first=Arm(N_("the lab's rate")),
        second=Arm(N_("twice that rate"), lambda lab: {"learning_rate": 2 * lab["learning_rate"]}),
        seeds=3,
        because=N_(
            "Around the best rate lies a broad range in which the accuracy hardly changes. Whoever compares"
            " single runs there, and takes the higher one, chooses a seed and not a rate."
        ),
    ),
    Experiment(
        name="start",
        claim=N_("A thousand reviews are enough to learn the task from random weights."),
        first=Arm(N_("random weights"), lambda lab: {"start": "random weights"}),
        second=Arm(N_("pretrained weights")),
        because=N_(
            "From random weights, the model must learn the language and the task from the same thousand"
            " texts. The pretrained one brings the language along. More texts close the gap: notebook 5"
            " shows it."
        ),
    ),
    Experiment(
        name="frozen",
        claim=N_("The body knows the language already. It is enough to train the classifier."),
        first=Arm(N_("frozen body"), lambda lab: {"start": "frozen body"}),
        second=Arm(N_("all weights learn")),
        because=N_(
            "The body was pretrained to guess hidden words, and its view of a text is not made for stars."
            " But part of the gap is the rate: with sixteen times the rate, the frozen body reaches 0.506."
            " A fair comparison gives each side its own best rate. Try it in the lab."
        ),
    ),
    Experiment(
        name="decay",
        claim=N_("That protects against overfitting, so 0.3 is better than 0."),
        refuted_by="first",
        first=Arm("weight_decay 0", lambda lab: {"weight_decay": 0.0}),
        second=Arm("weight_decay 0.3", lambda lab: {"weight_decay": 0.3}),
        because=N_(
            "In each step, decay takes learning_rate × weight_decay of a weight away. Over all 375 steps,"
            " that is 2.8 % of it. Decay adds up in long trainings only."
        ),
    ),
    Experiment(
        name="texts",
        claim=N_("Steps are what counts, so this is no worse."),
        first=Arm(
            N_("half the texts, twice the epochs"),
            lambda lab: {
                "train_size": lab["train_size"] // 2,
                "num_train_epochs": 2 * lab["num_train_epochs"],
            },
        ),
        second=Arm(N_("all the texts")),
        because=N_(
            "The accuracy tells no difference, but look at the losses. With half the texts, the training"
            " loss ends at 0.50 instead of 0.79, and the validation loss at 1.17 instead of 1.05; it is"
            " higher with each of the five seeds. The model has seen each text twice as often, and begins"
            " to learn them by heart."
        ),
    ),
)
