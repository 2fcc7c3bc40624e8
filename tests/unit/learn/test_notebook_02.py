"""Protects a learner of notebook 2 from a check that is wrong about an answer."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from exercising import Exercising, run

from helpers.judge import confusion_matrix, standard_error
from helpers.learn import exercises

WORDS = {"bad.": 0, "poor.": 1, "fine.": 3, "good.": 4}  # what the made-up model answers to them


def notebook(classes=5, rows=90, noise=1.5, seed=0, ordered=True):
    """Return the names of notebook 2, with the answers of a model that is right more or less often."""
    random = np.random.default_rng(seed)
    labels = random.choice(classes, rows, p=np.arange(1, classes + 1) / sum(range(1, classes + 1)))
    logits = -np.abs(np.arange(classes) - labels[:, None]) + noise * random.normal(size=(rows, classes))
    accuracy = float((logits.argmax(axis=-1) == labels).mean())
    names = [f"{label} stars" for label in range(1, classes + 1)]

    def classify(texts, truncation):
        places = [next((WORDS[word] for word in text.split() if word in WORDS), 2) for text in texts]
        return [
            [{"label": names[0], "score": 0.1}, {"label": names[place], "score": 0.9}] for place in places
        ]

    return {
        "np": np,
        "label_names": names,
        "logits": logits,
        "labels": labels,
        "counts": confusion_matrix(logits, labels),
        "accuracy": accuracy,
        "error": standard_error(accuracy, rows),
        "profile": SimpleNamespace(ordered=ordered),
        "classify": classify,
        "reviews": {"validation": {"text": ["It was bad. Or so.", "It was good."]}},
    }


def told(name, answer, names):
    check = exercises(2, names)
    return check.told(check.exercises[name], answer)


WRONG = {
    "first_loss": {
        "1 / len(label_names)": "probability that each class gets",
        "np.log(1 / len(label_names))": "sign",
        "np.log2(len(label_names))": "base 2",
        "np.log10(len(label_names))": "base 10",
        "1 - 1 / len(label_names)": "share of wrong answers",
    },
    "interval": {
        "(accuracy - error, accuracy + error)": "one standard error",
        "(accuracy - 1.65 * error, accuracy + 1.65 * error)": "90 % interval",
        "(accuracy - 2.58 * error, accuracy + 2.58 * error)": "99 % interval",
        "(accuracy * 0.95, accuracy * 1.05)": "5 % of the accuracy",
        "(accuracy - 0.05, accuracy + 0.05)": "0.05 to each side",
        "(accuracy - 3 * error, accuracy + 3 * error)": "three standard errors",
        "(accuracy + 2 * error, accuracy - 2 * error)": "wrong order",
        "(100 * accuracy - 200 * error, 100 * accuracy + 200 * error)": "in percent",
        "accuracy + 2 * np.sqrt(accuracy * (1 - accuracy)) * np.array([-1, 1])": "single answers scatter",
        "(accuracy - 2 * error * accuracy, accuracy + 2 * error * accuracy)": "multiply the error",
        "(-2 * error, 2 * error)": "Add it to the accuracy",
    },
    "recalls": {
        "np.diag(counts)[:, None] / counts.sum(axis=1, keepdims=True)": "list of its own",
        "counts / counts.sum(axis=1, keepdims=True)": "on its diagonal",
        "np.diag(counts) / counts.sum(axis=1, keepdims=True)": "divided by every sum",
        "np.diag(counts) / counts.sum(axis=0)": "precision",
        "np.diag(counts) / len(labels)": "add up to the accuracy",
        "np.diag(counts)": "numbers of texts",
        "100 * np.diag(counts) / counts.sum(axis=1)": "in percent",
        "(counts.sum(axis=1) - np.diag(counts)) / counts.sum(axis=1)": "were missed",
        "counts.sum(axis=1) / len(labels)": "how large each class is",
    },
    "mean_distance": {
        "np.mean(logits.argmax(axis=-1) - labels)": "cancel here",
        "np.mean(labels - logits.argmax(axis=-1))": "from the wrong side",
        "np.abs(logits.argmax(axis=-1) - labels).sum()": "Divide it by their number",
        "np.mean([abs(d) for d in logits.argmax(axis=-1) - labels if d])": "wrong answers alone",
        "np.mean((logits.argmax(axis=-1) - labels) ** 2)": "squared",
        "np.mean((logits.argmax(axis=-1) - labels) ** 2) ** 0.5": "root of the mean square",
        "1 - accuracy": "share of wrong answers",
        "np.mean(np.abs(logits.max(axis=-1) - labels))": "`argmax`",
    },
    "one_word": {
        "['It was good.', 'It was good.']": "Both texts are the same",
        "['It was good.', 'Everything is bad.']": "More than one word",
        "['It was bad.', 'this was bad.']": "One answer for both",
        "['It was fine.', 'It was good.']": "too near",
    },
}


class TestNotebook2(Exercising):
    number = 2
    wrong = WRONG

    def names(self):
        return notebook()

    def others(self):
        return notebook(classes=4, rows=400, noise=0.8, seed=1)


@pytest.mark.parametrize("errors", [1.96, 2])
@pytest.mark.parametrize("digits", [3, 9])
def test_an_interval_of_1_96_or_2_errors_is_right_also_when_rounded(errors, digits):
    names = notebook()
    ends = [round(names["accuracy"] + sign * errors * names["error"], digits) for sign in (-1, 1)]
    assert told("interval", ends, names).startswith("Right")


@pytest.mark.parametrize("errors", [1.1, 1.2, 1.3, 1.5, 1.7, 1.8, 2.2, 2.4, 2.5])
def test_an_interval_that_is_too_narrow_or_too_wide_is_wrong_and_not_called_another(errors):
    """A tolerance of half an error took 1.5 to 2.5 errors for 95 %, and called 1.1 to 1.3 "one"."""
    names = notebook(rows=1000)
    ends = [names["accuracy"] + sign * errors * names["error"] for sign in (-1, 1)]
    text = told("interval", ends, names)
    assert text.startswith("Not yet") and "standard error" not in text


def test_an_interval_of_a_thousand_rows_may_be_rounded_to_two_digits_and_of_more_to_three():
    """Where one standard error is below 0.01, an interval of one and of two may have the same two digits."""
    names = notebook(rows=1000)
    around = np.array([names["accuracy"] - 2 * names["error"], names["accuracy"] + 2 * names["error"]])
    assert names["error"] > 0.01 and np.abs(around.round(2) - around).max() > names["error"] / 10
    assert told("interval", around.round(2), names).startswith("Right")
    assert not told("interval", around.round(2) + np.array([0, 0.01]), names).startswith("Right")
    names = notebook(rows=9000)
    around = np.array([names["accuracy"] - 2 * names["error"], names["accuracy"] + 2 * names["error"]])
    assert not told("interval", around.round(2), names).startswith("Right")
    assert told("interval", around.round(3), names).startswith("Right")


def test_wilsons_interval_is_right_where_the_usual_one_leaves_0_to_1():
    """A learner who knows the better interval must not be told that it is wrong."""
    names = notebook(rows=40, noise=0.15)
    assert names["accuracy"] > 0.9
    names["logits"][:1] = -names["logits"][:1]
    right = names["logits"].argmax(axis=-1) == names["labels"]
    names |= {"accuracy": float(right.mean()), "error": standard_error(float(right.mean()), 40)}
    low, high = names["accuracy"] - 2 * names["error"], names["accuracy"] + 2 * names["error"]
    n, z, p = len(right), 1.96, names["accuracy"]
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert high > 1 and abs(middle - half - low) > names["error"] / 2
    for ends in ((low, high), (low, 1.0), (middle - half, middle + half)):
        assert told("interval", ends, names).startswith("Right"), ends
    assert not told("interval", (low + names["error"], 1.0), names).startswith("Right")


def test_with_very_many_rows_one_error_is_still_not_two():
    """A fixed tolerance of 0.005 would take any interval of 50,000 rows."""
    names = notebook(rows=50_000)
    one = [names["accuracy"] + sign * names["error"] for sign in (-1, 1)]
    assert "one standard error" in told("interval", one, names)


def test_a_class_without_a_row_has_recall_0():
    """In own data a class may be missing among the validation rows. NaN would refuse every answer."""
    names = notebook()
    names["counts"][1] = 0
    with np.errstate(invalid="ignore"):
        divided = np.diagonal(names["counts"]) / names["counts"].sum(axis=1)
    assert "nan, which is no number" in told("recalls", divided, names)
    assert told("recalls", np.nan_to_num(divided), names).startswith("Right")


def test_without_an_order_no_distance_is_asked_for():
    """Topics are not nearer to one another: whatever number were called right, it would mean nothing."""
    assert "no order" in told("mean_distance", 1.0, notebook(ordered=False))
    assert told("mean_distance", ..., notebook(ordered=False)) == "Not answered yet"
    assert not told("mean_distance", 10.0, notebook()).startswith("Right")


@pytest.mark.parametrize(
    ("classes", "ordered", "texts", "right"),
    [
        (5, True, ["It was good.", "It was bad."], True),
        (5, True, ["It was good.", "It was very bad."], False),  # two changes
        (5, True, ["It was bad.", "It was"], True),  # a word left out: 1 star and 3
        (5, True, ["It was", "It was bad."], True),
        (5, True, ["bad.", "good."], True),
        (5, True, ["The soup was.", "The soup was bad."], True),  # the full stop moves along
        (5, True, ["The soup was.", "It was very bad."], False),
        (5, True, ["bad. bad.", "bad. bad. bad."], False),  # the same answer
        (5, True, ["It was fine.", "It was good."], False),  # one star apart
        (5, False, ["It was fine.", "It was good."], True),
        (5, True, ["Bad it was good.", "bad. it was good."], True),
    ],
)
def test_two_texts_one_word_apart(classes, ordered, texts, right):
    """A word replaced, added or left out is one word. Without an order, any other answer will do."""
    text = told("one_word", texts, notebook(classes, ordered=ordered))
    assert text.startswith("Right") == right, text


def test_two_classes_cannot_be_two_apart(monkeypatch):
    """ "Good" and "bad" are one step apart, and the exercise would have no answer."""
    monkeypatch.setitem(WORDS, "good.", 1)
    names = notebook(classes=2)
    names["classify"] = notebook()["classify"]
    names["label_names"] = ["1 stars", "2 stars"]
    assert told("one_word", ["It was bad.", "It was good."], names).startswith("Right")


def test_a_model_with_one_answer_for_everything_is_no_riddle():
    """After a short training on few rows there is no such pair, and the learner would look for it in vain."""
    names = notebook()
    names["logits"] = np.tile([0.0, 1, 0, 0, 0], (90, 1))
    assert "counts as solved" in told("one_word", ["It was bad.", "It was"], names)
    assert told("one_word", [..., ...], names) == "Not answered yet"


def test_no_class_is_called_best_and_least_at_once():
    names = notebook()
    names["counts"] = 7 * np.eye(5, dtype=int)
    text = told("recalls", [1, 1, 1, 1, 1], names)
    assert text.startswith("Right. The model finds the same share of each class, 100%")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["good.", "not good."], "does not notice the negation"),
        (["It was not here.", "It was never here."], "try another word"),
        (["It was good.", "It was good. Yes"], "try another word"),
        (["It", "Perfect"], "take one of three or four words"),
        (["Well, then it was here.", "Well, then it was there."], "The shorter the text"),
    ],
)
def test_one_answer_for_two_texts_gets_the_help_that_fits_them(texts, words):
    """Whoever tried two single words was told to take a shorter text."""
    assert words in told("one_word", texts, notebook())


def test_the_given_pair_comes_before_the_search(monkeypatch):
    """The search takes long, and what it finds, such as two numbers, teaches nothing."""
    monkeypatch.setitem(WORDS, "excellent.", 4)
    monkeypatch.setitem(WORDS, "disgusting.", 0)
    names = notebook()
    del names["reviews"]
    run(exercises(2, names).exercises["one_word"].solution, names)
    assert told("one_word", names["two_texts"], names).startswith("Right")


def test_the_answers_of_the_model_are_told():
    text = told("one_word", ["It was fine.", "It was good."], notebook())
    assert "The model says '4 stars' to the first and '5 stars' to the second." in text


def test_after_the_memory_is_freed_the_check_says_what_is_missing():
    names = notebook()
    del names["classify"]
    assert "needs `classify`" in told("one_word", ["It was fine.", "It was good."], names)
