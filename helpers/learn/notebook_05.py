"""The exercises and questions of notebook 5: a leak, a paired error, class weights, too sure, the exam."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np

from helpers.judge.metrics import accuracy_interval, probabilities, standard_error
from helpers.language import N_, _
from helpers.learn.exercise import Function, Mistake, Names, Value, plain
from helpers.learn.quiz import Option, Question


def _close_to(right: Callable, share: float) -> Callable:
    """Return a comparison: the answer may differ from `right(names)` by this share of it."""
    return lambda answer, names: abs(answer - right(names)) <= share * abs(right(names))


# The leak


_TAUGHT = ["Great food.", "The waiter was slow", "It costs 5", "So so"]
_JUDGING = [
    "Cold soup",
    "great food.",
    "The waiter  was slow ",
    "GREAT\tFOOD.",
    "So so",
    "food",
    "It costs 9",
]


def _even(text: str) -> str:
    return " ".join(text.lower().split())


def _copies(same_text: Callable = _even) -> Callable:
    """Make a search for copies: `same_text(text)` is what two copies have in common."""

    def leaks(train_texts, other_texts):
        taught = {same_text(text) for text in train_texts}
        return [place for place, text in enumerate(other_texts) if same_text(text) in taught]

    return leaks


def _found(leaks: Callable, names: Names) -> dict:
    places = plain(leaks(list(_TAUGHT), list(_JUDGING)))
    if isinstance(places, (set, frozenset)) or (isinstance(places, list) and all(map(_is_place, places))):
        places = sorted(int(place) for place in places)
    return {_("the places of copies among seven texts"): places}


def _is_place(item) -> bool:
    return isinstance(item, (int, float)) and not isinstance(item, bool)


LEAKS = Function(
    name="leaks",
    minutes=5,
    right=_copies(),
    outcome=_found,
    because=N_("It finds copies in other capitals and with other blanks, and leaves similar texts alone."),
    hint=N_('`" ".join(text.lower().split())` is the same for a text and for its copies.'),
    solution="""def leaks(train_texts, other_texts):
    taught = {" ".join(text.lower().split()) for text in train_texts}
    return [i for i, text in enumerate(other_texts) if " ".join(text.lower().split()) in taught]""",
    mistakes=(
        Mistake(
            N_("You find only copies that are equal letter by letter. Capitals and blanks hide the others."),
            _copies(lambda text: text),
        ),
        Mistake(
            N_(
                "Copies with other blanks are missing: `strip` takes those at both ends and leaves those "
                "inside."
            ),
            _copies(lambda text: text.lower().strip()),
        ),
        Mistake(N_("Copies in other capitals are missing."), _copies(lambda text: " ".join(text.split()))),
        Mistake(
            N_("A copy with a tab between its words is missing. A tab is a blank, too: `split()` knows it."),
            _copies(lambda text: re.sub(" +", " ", text.lower()).strip(" ")),
        ),
        Mistake(
            N_('"It costs 5" and "It costs 9" are no copies. Leave digits as they are.'),
            _copies(lambda text: re.sub("[^a-z]", "", text.lower())),
        ),
        Mistake(
            N_(
                "You return True and False. Places were asked for: `np.flatnonzero` turns one into the other."
            ),
            lambda train_texts, other_texts: [
                place in _copies()(train_texts, other_texts) for place in range(len(other_texts))
            ],
        ),
        Mistake(
            N_("These are the places of the training texts. Return those of the texts that judge."),
            lambda train_texts, other_texts: _copies()(other_texts, train_texts),
        ),
        Mistake(
            N_("You return the texts. Their places were asked for: `enumerate` counts them."),
            lambda train_texts, other_texts: [
                other_texts[place] for place in _copies()(train_texts, other_texts)
            ],
        ),
        Mistake(
            N_("You return how many there are. Their places were asked for."),
            lambda train_texts, other_texts: len(_copies()(train_texts, other_texts)),
        ),
        Mistake(
            N_(
                'A text that is only *part* of a training text is no copy: "food" has been found in "Great '
                'food.". Compare whole texts.'
            ),
            lambda train_texts, other_texts: [
                place
                for place, text in enumerate(other_texts)
                if any(_even(text) in _even(taught) for taught in train_texts)
            ],
        ),
    ),
)


# The error of a difference


def _difference(names: Names) -> np.ndarray:
    return np.asarray(names.model_right, dtype=float) - np.asarray(names.counting_right, dtype=float)


def _paired(names: Names) -> float:
    return float(_difference(names).std() / math.sqrt(len(_difference(names))))


def _error(right) -> float:
    return standard_error(float(np.mean(right)), len(right))


def _unpaired(names: Names) -> float:
    return math.hypot(_error(names.model_right), _error(names.counting_right))


def _told_paired(right: float, names: Names) -> str:
    text = _(
        "It is {paired:.4f}. From two separate errors it would be {separate:.4f}: these do not know that "
        "both answered the same rows."
    )
    return text.format(paired=right, separate=_unpaired(names))


PAIRED_ERROR = Value(
    name="paired_error",
    minutes=5,
    right=_paired,
    tolerance=0.0002,
    accepts=_close_to(_paired, 0.02),
    because=_told_paired,
    hint=N_(
        "On each row the difference is 1, 0 or −1: `model_right.astype(float) - counting_right`. The "
        "standard error of a mean is the standard deviation, divided by the square root of the number of "
        "rows."
    ),
    solution="""difference = model_right.astype(float) - counting_right
paired_error = difference.std() / np.sqrt(len(difference))""",
    mistakes=(
        Mistake(
            N_(
                "This takes the two for independent. They answered the same rows: take the difference on "
                "each row first."
            ),
            _unpaired,
        ),
        Mistake(
            N_(
                "This is the standard deviation on one row. Divide it by the square root of the number of "
                "rows."
            ),
            lambda names: float(_difference(names).std()),
        ),
        Mistake(
            N_("You divided by the number of rows. Divide by its square root."),
            lambda names: float(_difference(names).std() / len(_difference(names))),
        ),
        Mistake(N_("This is the difference itself."), lambda names: float(_difference(names).mean())),
        Mistake(
            N_("This is half the width of the 95 % interval, 1.96 standard errors."),
            lambda names: 1.96 * _paired(names),
        ),
        Mistake(
            N_("This is twice the standard error, about half the width of the 95 % interval."),
            lambda names: 2 * _paired(names),
        ),
        Mistake(
            N_("This is the error of the model's accuracy alone."),
            lambda names: _error(names.model_right),
        ),
    ),
)


# Class weights


def _weights(weight: Callable) -> Callable:
    """Make weights: `weight(count, rows, classes, counts)` is that of a class with `count` rows."""

    def class_weights(labels, classes):
        counts = np.bincount(labels, minlength=classes)
        return [weight(count, len(labels), classes, counts) for count in counts]

    return class_weights


def _of_two_sets(class_weights: Callable, names: Names) -> dict:
    outcome = {}
    for labels, classes in (([0, 0, 0, 0, 0, 0, 1, 1, 2, 2], 3), ([1, 0, 1, 1], 2)):
        weights = class_weights(np.array(labels), classes)
        if isinstance(weights, dict):
            weights = [weights[label] for label in range(classes)]
        outcome[_("the weights for the labels {labels}").format(labels=labels)] = weights
    return outcome


CLASS_WEIGHTS = Function(
    name="class_weights",
    minutes=5,
    right=_weights(lambda count, rows, classes, counts: rows / (classes * count)),
    outcome=_of_two_sets,
    because=N_(
        "The rows of each class count as much together as those of any other, and all rows together as "
        "much as before."
    ),
    hint=N_(
        "Each class is to have the same part of all rows: rows / classes. Divide that among its own rows."
    ),
    solution=N_("""def class_weights(labels, classes):
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)  # a class may have no row
    return len(labels) / (classes * counts)"""),
    mistakes=(
        Mistake(
            N_(
                "These are the classes' shares: the common class counts most. It should be the other way "
                "round."
            ),
            _weights(lambda count, rows, classes, counts: count / rows),
        ),
        Mistake(
            N_(
                "The classes count the same now. But these weights are small, so the loss and its "
                "gradients shrink: let the mean weight of all rows be 1."
            ),
            _weights(lambda count, rows, classes, counts: 1 / count),
        ),
        Mistake(
            N_("The classes count the same now. But all weights are too large, by the number of classes."),
            _weights(lambda count, rows, classes, counts: rows / count),
        ),
        Mistake(
            N_(
                "You set the commonest class to 1. Then the weights of all rows add up to more than there "
                "are rows, and the loss and its gradients grow."
            ),
            _weights(lambda count, rows, classes, counts: counts.max() / count),
        ),
        Mistake(
            N_("The weights add up to 1 over the classes. Their mean over the *rows* should be 1."),
            _weights(lambda count, rows, classes, counts: (1 / count) / (1 / counts).sum()),
        ),
        Mistake(
            N_("The weights of the classes have the mean 1. Those of all *rows* should have it."),
            _weights(lambda count, rows, classes, counts: classes * (1 / count) / (1 / counts).sum()),
        ),
        Mistake(
            N_("A root makes the weights milder, and the classes still count differently."),
            _weights(lambda count, rows, classes, counts: math.sqrt(rows / (classes * count))),
        ),
    ),
)


# Too sure


def _confidences(logits) -> np.ndarray:
    return probabilities(logits).max(axis=-1)


def _too_sure(names: Names, confidence: Callable = _confidences) -> float:
    logits = np.asarray(names.logits, dtype=float)
    right = logits.argmax(axis=-1) == np.asarray(names.labels)
    return float(confidence(logits).mean() - right.mean())


def _of_the_labels(names: Names) -> Callable:
    labels = np.asarray(names.labels)
    return lambda logits: probabilities(logits)[np.arange(len(labels)), labels]


def _told_too_sure(right: float, names: Names) -> str:
    text = _(
        "The model's mean confidence is {distance:.3f} below its accuracy: it is not sure enough. So a "
        "temperature below 1 should help."
    )
    if right > 0:
        text = _(
            "The model's mean confidence is {distance:.3f} above its accuracy: it is too sure. So a "
            "temperature above 1 should help."
        )
    return text.format(distance=abs(right))


TOO_SURE = Value(
    name="too_sure",
    minutes=5,
    right=_too_sure,
    tolerance=0.001,
    because=_told_too_sure,
    hint=N_("`probabilities(logits)` has a row for each text. The confidence is the largest of the row."),
    solution="""confidences = probabilities(logits).max(axis=-1)
too_sure = confidences.mean() - model_right.mean()""",
    mistakes=(
        Mistake(
            N_(
                "The sign is the wrong way round: a model that is too sure has more confidence than accuracy."
            ),
            lambda names: -_too_sure(names),
        ),
        Mistake(
            N_("You took the largest logit. Logits are no probabilities: `probabilities` makes them."),
            lambda names: _too_sure(names, lambda logits: logits.max(axis=-1)),
        ),
        Mistake(
            N_("You took the probability of the right label. The confidence is that of the answer given."),
            lambda names: _too_sure(names, _of_the_labels(names)),
        ),
        Mistake(
            N_("You took the largest probability of each class. Take that of each row: axis=-1."),
            lambda names: _too_sure(names, lambda logits: probabilities(logits).max(axis=0)),
        ),
        Mistake(
            N_("`argmax` says where the largest stands. The confidence is the largest itself: `max`."),
            lambda names: _too_sure(names, lambda logits: probabilities(logits).argmax(axis=-1)),
        ),
        Mistake(
            N_("This is the mean confidence. How far is it from the accuracy?"),
            lambda names: float(_confidences(names.logits).mean()),
        ),
    ),
)


# The sealed exam


def _gap(names: Names) -> float:
    return 1.96 * math.sqrt(2) * _error(names.model_right)


GAP = Value(
    name="gap",
    minutes=4,
    right=_gap,
    tolerance=0.0003,
    accepts=_close_to(_gap, 0.04),  # 2 for 1.96, or Wilson's interval, are a little off
    because=lambda right, names: _(
        "Only a gap above {gap:.3f} is a finding. Both accuracies are samples, so the difference has the "
        "error of one times √2."
    ).format(gap=right),
    hint=N_(
        "The variance of a difference is the sum of both variances. Two equal ones: the error grows by √2."
    ),
    solution="""one = standard_error(model_right.mean(), len(model_right))
gap = 1.96 * np.sqrt(2) * one""",
    mistakes=(
        Mistake(
            N_("That would do if one of the two were known exactly. Both are samples."),
            lambda names: 1.96 * _error(names.model_right),
        ),
        Mistake(
            N_(
                "You added the halves of both intervals. Independent errors partly cancel: add the variances."
            ),
            lambda names: 2 * 1.96 * _error(names.model_right),
        ),
        Mistake(
            N_("This is one standard error of the difference. By chance, one gap in three is larger."),
            lambda names: math.sqrt(2) * _error(names.model_right),
        ),
        Mistake(
            N_(
                "This is twice the standard error of one accuracy. Both are samples: the difference has √2 "
                "times as large an error."
            ),
            lambda names: 2 * _error(names.model_right),
        ),
        Mistake(
            N_("This is the standard error of one accuracy."),
            lambda names: _error(names.model_right),
        ),
        Mistake(
            N_("This is in points of a hundred. Accuracies lie between 0 and 1."),
            lambda names: 100 * _gap(names),
        ),
        Mistake(
            N_("This is the upper end of the interval. The gap is a distance between two accuracies."),
            lambda names: accuracy_interval(names.model_right)[1],
        ),
    ),
)


EXERCISES = [LEAKS, PAIRED_ERROR, CLASS_WEIGHTS, TOO_SURE, GAP]

QUESTIONS = [
    Question(
        N_("You try ten learning rates. The best has a validation accuracy of 0.60. What do you report?"),
        (
            Option(N_("0.60: it was measured."), N_("It was also chosen by these rows, so luck is in it.")),
            Option(N_("The mean of the ten."), N_("That judges the search, not the model that you keep.")),
            Option(
                N_("Its accuracy on other rows."),
                N_("With its interval, and that it was the best of ten."),
                right=True,
            ),
        ),
    ),
    Question(
        N_("The intervals of two models overlap. What follows?"),
        (
            Option(
                N_("Nothing yet: compare them on the same rows."),
                N_("The paired test finds smaller differences."),
                right=True,
            ),
            Option(N_("They are equally good."), N_("Too few rows to see a difference prove no equality.")),
            Option(N_("The one with the higher accuracy is better."), N_("That may be chance.")),
        ),
    ),
    Question(
        N_("A slice of twelve rows has 0.33, all rows have 0.58. What do you say?"),
        (
            Option(N_("The model is bad at these texts."), N_("The interval goes from 0.14 to 0.61.")),
            Option(
                N_("Too few rows: collect more of them."), N_("0.58 lies within the interval."), right=True
            ),
            Option(N_("Leave such texts out."), N_("Then you would hide what you do not know.")),
        ),
    ),
    Question(
        N_("The temperature is 1.4. What changes when you divide the logits by it?"),
        (
            Option(
                N_("The accuracy rises."), N_("The largest logit stays the largest, so no answer changes.")
            ),
            Option(N_("The confidences fall."), N_("The model was too sure; its answers stay."), right=True),
            Option(N_("The model becomes surer."), N_("Smaller logits lie closer together.")),
        ),
    ),
]
