"""The exercises and questions of notebook 2: a guesser's loss, an interval, recall, distance, one word."""

from __future__ import annotations

import math
import string
from dataclasses import dataclass

import numpy as np

from helpers.judge.metrics import accuracy_interval
from helpers.language import N_, _
from helpers.learn.exercise import Exercise, Mistake, Names, Value, not_yet, plain, praise, same, shown
from helpers.learn.quiz import Option, Question

# The loss of a guesser


def _classes(names: Names) -> int:
    return len(names.label_names)


FIRST_LOSS = Value(
    name="first_loss",
    minutes=3,
    right=lambda names: math.log(_classes(names)),
    because=lambda right, names: _(
        "−ln(1/{classes}) = ln {classes} = {loss:.2f}, whatever the texts are. A new "
        "layer that starts far from it is a sign of a fault."
    ).format(classes=_classes(names), loss=right),
    hint=N_(
        "Which probability does the right answer get? Its −ln is the loss of each text, so it is their "
        "mean, too."
    ),
    solution="first_loss = np.log(len(label_names))",
    mistakes=(
        Mistake(
            N_("This is the probability that each class gets. The loss is its −ln."),
            lambda names: 1 / _classes(names),
        ),
        Mistake(
            N_("The sign is missing: ln of a probability is below 0, and the loss is −ln."),
            lambda names: -math.log(_classes(names)),
        ),
        Mistake(
            N_("This is the logarithm to base 2. The loss takes the natural one, `np.log`."),
            lambda names: math.log2(_classes(names)),
        ),
        Mistake(
            N_("This is the logarithm to base 10. The loss takes the natural one, `np.log`."),
            lambda names: math.log10(_classes(names)),
        ),
        Mistake(
            N_(
                "This is the share of wrong answers. The loss asks how much probability the right answer got."
            ),
            lambda names: 1 - 1 / _classes(names),
        ),
    ),
)


# A 95 % interval


def _around(names: Names, errors: float) -> list[float]:
    """Return the ends of the interval of so many standard errors to each side."""
    return [names.accuracy - errors * names.error, names.accuracy + errors * names.error]


def _is_an_interval(answer: list, names: Names) -> bool:
    """Accept 1.96 standard errors, 2, or Wilson's interval, cut off at 0 and 1 or not, and rounded or not."""
    right = np.asarray(names.logits).argmax(axis=-1) == np.asarray(names.labels)
    intervals = np.array([_around(names, 1.96), _around(names, 2), accuracy_interval(right)])
    possible = [*intervals, *np.clip(intervals, 0, 1)]
    # No coarser rounding than one standard error, or an interval of one and of two would look the same
    roundings = [
        np.round(interval, digits) for interval in possible for digits in (2, 3) if 10**-digits <= names.error
    ]
    exact = any(same(answer, plain(interval), max(names.error / 10, 1e-4)) for interval in possible)
    return exact or any(same(answer, plain(interval), 1e-9) for interval in roundings)


def _told_interval(right: list[float], names: Names) -> str:
    low, high = np.clip(right, 0, 1)
    text = _(
        "It reaches from {low:.3f} to {high:.3f}. Four times as many rows as these {rows:,} "
        "would make it half as wide. A baseline above its lower end might be as good as this model."
    )
    return text.format(low=low, high=high, rows=len(names.labels))


INTERVAL = Value(
    name="interval",
    minutes=2,
    right=lambda names: _around(names, 2),
    accepts=_is_an_interval,
    tolerance=6e-4,  # of a wrong answer: it may be rounded to three digits
    because=_told_interval,
    hint=N_("`accuracy` and `error` hold the two numbers. How many standard errors belong to each side?"),
    solution="interval = (accuracy - 2 * error, accuracy + 2 * error)",
    mistakes=(
        Mistake(
            N_(
                "This is one standard error to each side. In about 32 of 100 cases the true accuracy lies "
                "outside."
            ),
            lambda names: _around(names, 1),
        ),
        Mistake(
            N_("This is 1.645 standard errors to each side, which is the 90 % interval."),
            lambda names: _around(names, 1.645),
        ),
        Mistake(
            N_("This is 2.58 standard errors to each side, which is the 99 % interval."),
            lambda names: _around(names, 2.576),
        ),
        Mistake(
            N_(
                "You go 5 % of the accuracy to each side. The 95 % say how often the interval holds the true "
                "accuracy. How wide it is follows from `error`."
            ),
            lambda names: [0.95 * names.accuracy, 1.05 * names.accuracy],
        ),
        Mistake(
            N_(
                "You go 0.05 to each side. The 95 % say how often the interval holds the true accuracy. Its "
                "width follows from `error`."
            ),
            lambda names: [names.accuracy - 0.05, names.accuracy + 0.05],
        ),
        Mistake(
            N_("This is three standard errors to each side, more than 95 of 100 cases need."),
            lambda names: _around(names, 3),
        ),
        Mistake(
            N_("The right two numbers, in the wrong order: first the lower end."),
            lambda names: _around(names, 2)[::-1],
        ),
        Mistake(
            N_("This is in percent. An accuracy lies between 0 and 1."),
            lambda names: [100 * end for end in _around(names, 2)],
        ),
        Mistake(
            N_(
                "This is how far single answers scatter. For their mean, divide by the square root of the "
                "number of rows: `error` holds it."
            ),
            lambda names: _around(names, 2 * math.sqrt(len(names.labels))),
        ),
        Mistake(
            N_("You multiply the error by the accuracy. It is a number to add and to subtract as it is."),
            lambda names: [names.accuracy * (1 + sign * 2 * names.error) for sign in (-1, 1)],
        ),
        Mistake(
            N_("This is how far to go to each side. Add it to the accuracy, and subtract it."),
            lambda names: [-2 * names.error, 2 * names.error],
        ),
    ),
)


# Recall


def _shares(names: Names, of: np.ndarray) -> list[float]:
    """Divide the right answers of each class by `of`, shape (classes,) or (). Nothing of nothing is 0."""
    return (np.diagonal(names.counts) / np.maximum(of, 1)).tolist()


def _recalls(names: Names) -> list[float]:
    return _shares(names, names.counts.sum(axis=1))


def _told_recall(right: list[float], names: Names) -> str:
    most, least = int(np.argmax(right)), int(np.argmin(right))
    if right[most] == right[least]:
        return _("The model finds the same share of each class, {share:.0%}.").format(share=right[most])
    text = _(
        "The model finds {best!r} best ({most:.0%}) and "
        "{worst!r} least ({least:.0%}). One accuracy for all hides that."
    )
    best, worst = names.label_names[most], names.label_names[least]
    return text.format(best=best, most=right[most], worst=worst, least=right[least])


RECALL = Value(
    name="recalls",
    minutes=5,
    right=_recalls,
    because=_told_recall,
    hint=N_(
        "In `counts`, which numbers are the right answers? And is a class one row of the table, or one "
        "column?"
    ),
    solution=N_("""recalls = np.diagonal(counts) / counts.sum(axis=1)
recalls = np.nan_to_num(recalls)  # changes something only if a class has no row at all"""),
    mistakes=(
        Mistake(
            N_(
                "You divide by the columns: of the answers that name a class, the share that is right. That "
                "is its precision. Recall asks how many of a class's texts were found, and these stand in a "
                "row."
            ),
            lambda names: _shares(names, names.counts.sum(axis=0)),
        ),
        Mistake(
            N_(
                "You divide by all rows of the table, so the classes add up to the accuracy. Divide each by "
                "its own."
            ),
            lambda names: _shares(names, names.counts.sum()),
        ),
        Mistake(
            N_("These are numbers of texts. Divide each by the number of texts of its class."),
            lambda names: np.diagonal(names.counts).tolist(),
        ),
        Mistake(
            N_("These are in percent. A share lies between 0 and 1."),
            lambda names: [100 * recall for recall in _recalls(names)],
        ),
        Mistake(
            N_("These are the shares that were missed. Recall is the share that was found."),
            lambda names: [1 - recall for recall in _recalls(names)],
        ),
        Mistake(
            N_("Each number stands in a list of its own. `keepdims=True` keeps that shape: leave it out."),
            lambda names: [[recall] for recall in _recalls(names)],
        ),
        Mistake(
            N_("This is the whole table in shares. The recalls stand on its diagonal."),
            lambda names: (names.counts / np.maximum(names.counts.sum(axis=1, keepdims=True), 1)).tolist(),
        ),
        Mistake(
            N_(
                "This is a table, with every right number divided by every sum. Without `keepdims=True` you "
                "get one number for each class."
            ),
            lambda names: (
                np.diagonal(names.counts) / np.maximum(names.counts.sum(axis=1, keepdims=True), 1)
            ).tolist(),
        ),
        Mistake(
            N_("This is how large each class is. How many of its texts did the model find?"),
            lambda names: (names.counts.sum(axis=1) / names.counts.sum()).tolist(),
        ),
    ),
)


# The distance


@dataclass(frozen=True, kw_only=True)
class Distance(Value):
    """A distance between classes. Where they have no order, there is none to compute."""

    def told(self, answer, names: Names) -> tuple[bool, str]:
        if not names.profile.ordered:
            return True, _(
                "Your classes have no order, so one is not nearer to another, and a distance says nothing. "
                "This exercise counts as solved."
            )
        return super().told(answer, names)


def _off(names: Names) -> np.ndarray:
    """Return how many classes each answer is too high, shape (rows,)."""
    return np.asarray(names.logits).argmax(axis=-1) - np.asarray(names.labels)


def _told_distance(right: float, names: Names) -> str:
    labels = np.asarray(names.labels)
    middle = int(np.median(labels))
    text = _(
        "An answer is {distance:.2f} classes off on average. Always saying {label!r} would be {other:.2f} "
        "off."
    )
    other = np.abs(labels - middle).mean()
    return text.format(distance=right, label=names.label_names[middle], other=other)


MEAN_DISTANCE = Distance(
    name="mean_distance",
    minutes=5,
    right=lambda names: np.abs(_off(names)).mean(),
    because=_told_distance,
    hint=N_(
        "Take each text's answer, the place of its largest logit, and see how far it lies from the label. "
        "A right answer is 0 away."
    ),
    solution="mean_distance = np.abs(logits.argmax(axis=-1) - labels).mean()",
    mistakes=(
        Mistake(
            N_(
                "Answers that are too high and too low cancel here. Take the absolute value of each "
                "difference."
            ),
            lambda names: _off(names).mean(),
        ),
        Mistake(
            N_(
                "They cancel, and you count from the wrong side, too. Take the absolute value of each "
                "difference."
            ),
            lambda names: -_off(names).mean(),
        ),
        Mistake(
            N_("This is the sum over all texts. Divide it by their number."),
            lambda names: np.abs(_off(names)).sum(),
        ),
        Mistake(
            N_("This is the mean of the wrong answers alone. The right ones count too, with 0."),
            lambda names: np.abs(_off(names)).sum() / max(1, np.count_nonzero(_off(names))),
        ),
        Mistake(
            N_("You squared the differences, so an answer that is two classes off counts four times."),
            lambda names: (_off(names) ** 2).mean(),
        ),
        Mistake(
            N_(
                "This is the root of the mean square. It lets the far ones count more. Take the mean as it "
                "is."
            ),
            lambda names: math.sqrt((_off(names) ** 2).mean()),
        ),
        Mistake(
            N_("This is the share of wrong answers. It does not ask how far off they are."),
            lambda names: (_off(names) != 0).mean(),
        ),
        Mistake(
            N_("You compare labels with the largest logit itself. Its place is the answer: take `argmax`."),
            lambda names: np.abs(np.asarray(names.logits).max(axis=-1) - names.labels).mean(),
        ),
    ),
)


# One word


_CONSTANT = N_(
    "Your model gives every validation text the same answer: no word changes it. Train it longer. "
    "This exercise counts as solved."
)
_SAME = N_("Both texts are the same. Change one word.")
_MORE = N_("More than one word differs. Then nobody knows which of them did it.")
_EQUAL = N_(
    "One answer for both: try another word, one that the texts above use and that carries an opinion."
)
_NEAR = N_("That is too near: two steps apart were asked for. Try a stronger word.")
_NEGATED = N_(
    "The model does not notice the negation: keep that in mind when you rely on it. For this exercise, try a "
    "word that says the opposite."
)
_DIRECTION = N_(
    "Does the word point that way for you, too? If not, the model has taken something else from its texts."
)
_LONG = N_("The shorter the text, the more one word weighs.")
_SHORT = N_("The model learned from whole sentences: take one of three or four words.")


@dataclass(frozen=True, kw_only=True)
class OneWord(Exercise):
    """Two texts, one word apart, to which the learner's own model gives answers two classes apart.

    Where the classes have no order, or are only two, the answers have to be different.
    """

    def told(self, answer, names: Names) -> tuple[bool, str]:
        texts = plain(answer)
        if not isinstance(texts, list) or len(texts) != 2 or not all(isinstance(text, str) for text in texts):
            text = _("Two texts were expected, in a list, and this is {answer}.")
            return False, text.format(answer=shown(texts))

        # A model that has learned nothing
        if len(set(np.asarray(names.logits).argmax(axis=-1).tolist())) == 1:
            return True, _(_CONSTANT)

        # The texts
        words = [text.split() for text in texts]
        if words[0] == words[1]:
            return False, not_yet(_(_SAME))
        bare = [[word.strip(string.punctuation) for word in text] for text in words]
        if not _one_word_apart(*words) and not _one_word_apart(*bare):  # a full stop may move to another word
            return False, not_yet(_(_MORE))

        # What the model says to them
        answers = [
            max(scores, key=lambda score: score["score"])["label"] for scores in _classified(texts, names)
        ]
        said = _("The model says {first!r} to the first and {second!r} to the second.")
        said = said.format(first=answers[0], second=answers[1])
        first, second = (list(names.label_names).index(label) for label in answers)
        size = max(map(len, words))
        shorter = f" {_(_LONG)}" if size > 4 else f" {_(_SHORT)}" if size == 1 else ""
        if first == second:
            negated = [not {"not", "never", "no"}.isdisjoint(map(str.lower, text)) for text in bare]
            advice = _(_NEGATED) if negated[0] != negated[1] else _(_EQUAL) + shorter
            return False, not_yet(f"{said} {advice}")
        if names.profile.ordered and abs(first - second) < min(2, _classes(names) - 1):
            return False, not_yet(f"{said} {_(_NEAR)}{shorter}")
        return True, praise(f"{said} {_(_DIRECTION)}")


def _classified(texts: list[str], names: Names) -> list[list[dict]]:
    return [names.classify([text], truncation=True)[0] for text in texts]


def _one_word_apart(first: list[str], second: list[str]) -> bool:
    """Return whether one word is replaced, added or left out."""
    same_start = 0
    while same_start < min(len(first), len(second)) and first[same_start] == second[same_start]:
        same_start += 1
    first, second = first[same_start:], second[same_start:]
    while first and second and first[-1] == second[-1]:
        first, second = first[:-1], second[:-1]
    return max(len(first), len(second)) == 1


ONE_WORD = OneWord(
    name="one_word",
    minutes=10,
    hint=N_(
        "In a long text one word weighs little. Take a sentence of two to four words, and only words that "
        "the worst mistakes above contain. Keep the full stop. Which word carries the whole opinion?"
    ),
    solution=N_("""def place(text):
    scores = classify([text], truncation=True)[0]
    return label_names.index(max(scores, key=lambda score: score["score"])["label"])


two_texts = ["It was excellent.", "It was disgusting."]  # for the bundled model
if abs(place(two_texts[0]) - place(two_texts[1])) < 2:  # for another one, look among single words
    words = sorted(set(" ".join(reviews["validation"]["text"][:50]).split()), key=place)
    two_texts = [words[0], words[-1]]"""),
    mistakes=(
        Mistake(_SAME, lambda names: ["It was good.", " It was  good."]),
        Mistake(_MORE, lambda names: ["It was good.", "She is bad."]),
        Mistake(_EQUAL, lambda names: ["It was here.", "It was there."]),
        Mistake(_NEAR, lambda names: ["It was here.", "It was fine."]),
    ),
)

EXERCISES = [FIRST_LOSS, INTERVAL, RECALL, MEAN_DISTANCE, ONE_WORD]

QUESTIONS = [
    Question(
        N_("Why is `classifier.weight` missing in the report?"),
        (
            Option(N_("The download was cut off."), N_("Then loading would stop with an error.")),
            Option(N_("It is another kind of model."), N_("Then nearly every weight would be missing.")),
            Option(
                N_("The pretrained model has no layer for these labels."),
                N_("The layer is new, and learns here."),
                right=True,
            ),
        ),
    ),
    Question(
        N_("Five classes, and the first loss is 3.2 instead of 1.6. What do you look at?"),
        (
            Option(N_("The learning rate."), N_("At the first loss, no weight has moved yet.")),
            Option(
                N_("The model: was its top layer trained before?"),
                N_("A new layer guesses. One that learned other labels is sure, and wrong."),
                right=True,
            ),
            Option(N_("The texts: they are hard."), N_("A guesser has ln 5, however hard the texts are.")),
        ),
    ),
    Question(
        N_("The training loss falls, and the validation loss has been rising since epoch 2. Why?"),
        (
            Option(
                N_("The model learns its training rows by heart."),
                N_("Overfitting: take the model of epoch 2."),
                right=True,
            ),
            Option(N_("The rate is too high."), N_("Then the training loss would jump, or rise, too.")),
            Option(
                N_("The validation rows are harder."),
                N_("Then their loss would be higher, and would not turn."),
            ),
        ),
    ),
    Question(
        N_("One setting reaches 0.55, another 0.57, each on 1,000 rows. Is the second better?"),
        (
            Option(
                N_("Yes: they differ by more than a standard error."),
                N_("Each has an error of 0.016, so chance alone often makes such a difference."),
            ),
            Option(N_("You cannot tell."), N_("Repeat both with several seeds."), right=True),
            Option(N_("No, they are equal."), N_("You have not shown that either.")),
        ),
    ),
]
