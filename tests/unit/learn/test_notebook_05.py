"""Protects a learner of notebook 5 from a check that is wrong about an answer."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import torch
from exercising import Exercising
from sklearn.utils.class_weight import compute_class_weight

from helpers.judge import probabilities, standard_error
from helpers.learn import exercises


def notebook(seed, rows, model, counting, scale):
    """Return the names of notebook 5, for answers with about these accuracies."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, rows)
    luck = random.random(rows)
    answers = np.where(luck < model, labels, (labels + random.integers(1, 4, rows)) % 4)
    logits = random.normal(0, 0.3, (rows, 4))
    logits[np.arange(rows), answers] += scale
    return {
        "logits": logits.astype(np.float32),
        "labels": labels,
        "model_right": logits.argmax(axis=-1) == labels,
        "counting_right": (luck + random.normal(0, 0.3, rows)) < counting,
        "np": np,
        "probabilities": probabilities,
        "standard_error": standard_error,
    }


def leaks_with_pandas(train_texts, other_texts):
    def even(texts):
        return pd.Series(texts).str.lower().str.split().str.join(" ")

    return np.flatnonzero(even(other_texts).isin(even(train_texts)))


def leaks_in_a_loop(train_texts, other_texts):
    found = []
    for number in range(len(other_texts)):
        for text in train_texts:
            if re.sub(r"\s+", " ", text).strip().casefold() == " ".join(
                other_texts[number].casefold().split()
            ):
                found.append(number)
                break
    return found


def leaks_as_a_set(train_texts, other_texts):
    return {
        i
        for i, text in enumerate(other_texts)
        if text.upper().split() in [t.upper().split() for t in train_texts]
    }


def weights_of_scikit_learn(labels, classes):
    return compute_class_weight("balanced", classes=np.arange(classes), y=labels)


def weights_in_a_loop(labels, classes):
    counts = Counter(int(label) for label in labels)
    weights = []
    for number in range(classes):
        weights.append(len(labels) / classes / counts[number])
    return weights


def weights_with_torch(labels, classes):
    shares = torch.bincount(torch.as_tensor(labels), minlength=classes) / len(labels)
    return 1 / shares / classes


class TestNotebook5(Exercising):
    number = 5
    ways = {  # noqa: RUF012
        "leaks": [leaks_with_pandas, leaks_in_a_loop, leaks_as_a_set],
        "class_weights": [weights_of_scikit_learn, weights_in_a_loop, weights_with_torch],
    }

    def names(self):
        return notebook(1, 400, 0.7, 0.5, 3)

    def others(self):
        return notebook(2, 90, 0.7, 0.4, 1)


def test_a_range_that_is_rounded_otherwise_is_right():
    """Who takes 2 for 1.96, or half of Wilson's interval, has understood it."""
    names = notebook(1, 400, 0.7, 0.5, 3)
    check = exercises(5, names)
    one = standard_error(names["model_right"].mean(), 400)
    for answer in (2 * np.sqrt(2) * one, 1.96 * 1.4 * one):
        assert check.told(check.exercises["gap"], answer).startswith("Right")


def test_a_model_that_is_not_sure_enough_is_told_so():
    """The sign decides on which side of 1 the temperature lies."""
    for scale, words in {0.5: "below 1", 5: "above 1"}.items():
        names = notebook(1, 400, 0.6, 0.5, scale)
        check = exercises(5, names)
        exercise = check.exercises["too_sure"]
        assert words in check.told(exercise, exercise.right(check._names))


def test_what_learners_write_instead_of_a_copy_search_is_told():
    """A place for "It costs 9" was taken for a copy of "It costs 5", and a lost tab had no words."""
    check = exercises(5, {})
    wrong = {
        "Leave digits as they are": lambda text: re.sub(r"[^a-z]", "", text.lower()),
        "A copy with a tab": lambda text: re.sub(" {2,}", " ", text.lower()).strip(),
    }
    for words, same in wrong.items():

        def leaks(train_texts, other_texts, same=same):
            return [i for i, text in enumerate(other_texts) if same(text) in set(map(same, train_texts))]

        assert words in check.told(check.exercises["leaks"], leaks)
    mask = check.told(check.exercises["leaks"], lambda *texts: np.isin(range(7), leaks_with_pandas(*texts)))
    assert "You return True and False" in mask


def test_the_solution_of_class_weights_knows_a_class_without_rows():
    """Divided by 0, its weight would be infinite, and so would the loss."""
    names = {"np": np}
    exec(exercises(5, {}).exercises["class_weights"].solution, names)
    assert np.isfinite(names["class_weights"](np.array([0, 0, 2]), 3)).all()
