"""Judge a classifier by its logits: accuracy and its error, the confusion matrix, the worst mistakes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy

import numpy as np

from helpers.language import _


def checked(logits, labels) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays, or raise ValueError if their shapes do not fit or a logit is not finite."""
    logits = np.asarray(logits, dtype=np.float64)
    labels = np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(labels):
        raise ValueError(
            _(
                "Expected logits of shape (rows, classes) and one label per row, at least one row; "
                "got logits {logits.shape} and labels {labels.shape}."
            ).format(logits=logits, labels=labels)
        )
    # The largest of several NaN is the first, so a diverged model would look like one that answers "1 star"
    if not np.isfinite(logits).all():
        raise ValueError(
            _(
                "The logits hold NaN or infinity: the training diverged. "
                "Lower learning_rate, load the model anew and train again."
            )
        )
    return logits, labels


def predict_in_order(trainer, dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits, of shape (rows, classes), and the labels of `dataset`, in the order of its rows.

    `trainer.predict` returns them in another order if the trainer groups reviews by length. Then no answer
    would belong to its text. Here texts of similar length share a batch, too, and the order is put right
    afterwards.
    """
    # Predict the shortest text first
    order = np.argsort([len(ids) for ids in dataset["input_ids"]], kind="stable")
    args = trainer.args
    trainer.args = copy(args)
    trainer.args.train_sampling_strategy = "random"
    try:
        prediction = trainer.predict(dataset.select(order))
    finally:
        trainer.args = args

    # Back to the order of the rows
    back = np.argsort(order)
    return prediction.predictions[back], prediction.label_ids[back]


def probabilities(logits) -> np.ndarray:
    """Compute the softmax over the last axis. The result has the shape of `logits`."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def within_one(logits, labels) -> float:
    """Compute the share of rows whose predicted class is at most one away from the label, 0 … 1.

    "4 stars" for "5 stars" counts. `logits` has the shape (rows, classes), `labels` the shape (rows,).
    """
    logits, labels = checked(logits, labels)
    return float((np.abs(logits.argmax(axis=-1) - labels) <= 1).mean())


def standard_error(accuracy: float, rows: int) -> float:
    """Compute the standard error of an accuracy measured on `rows` independent rows: sqrt(p (1 - p) / n)."""
    if rows < 1 or not 0 <= accuracy <= 1:
        text = _("Expected an accuracy from 0 to 1 and at least one row, got {accuracy} and {rows}.")
        raise ValueError(text.format(accuracy=accuracy, rows=rows))
    return math.sqrt(accuracy * (1 - accuracy) / rows)


def accuracy_interval(right, level: float = 0.95) -> tuple[float, float]:
    """Return the low and the high end of Wilson's interval for an accuracy (Wilson 1927, JASA 22).

    `right`, shape (rows,), says for each row whether the answer was right. The interval also works for few
    rows, and for an accuracy near 0 or 1, where the standard error would promise too much.
    Raises ValueError if there is no row.
    """
    from scipy.stats import binomtest

    right = np.asarray(right, dtype=bool)
    if right.ndim != 1 or not len(right):
        text = _("Expected one True or False for each row, at least one row; got {right.shape}.")
        raise ValueError(text.format(right=right))
    interval = binomtest(int(right.sum()), len(right)).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def slice_table(right, slices: Mapping[str, Sequence[bool]], few: int = 50):
    """Return a pandas DataFrame with a line for each slice: rows, accuracy, interval, and what that tells.

    `right`, shape (rows,), says whether each answer was right. Each of the `slices` says for each row whether
    it belongs to the slice; one without a row is left out. A slice differs from the other rows if Fisher's
    exact test gives a p-value below 0.05, divided by the number of slices (Bonferroni): all of them together
    raise a false alarm at most one time in twenty. If no difference is found in fewer than `few` rows, there
    are too few to tell.
    """
    import pandas as pd
    from scipy.stats import fisher_exact

    right = np.asarray(right, dtype=bool)
    slices = {name: np.asarray(rows, dtype=bool) for name, rows in slices.items()}
    looks = sum(0 < rows.sum() < len(right) for rows in slices.values())
    lines = []
    for name, rows in slices.items():
        if not rows.any():
            continue
        low, high = accuracy_interval(right[rows])
        sides = right[rows], right[~rows]
        p_value = fisher_exact([[side.sum(), (~side).sum()] for side in sides]).pvalue
        if not rows.all() and p_value < 0.05 / looks:
            worse = sides[0].mean() < sides[1].mean()
            told = _("worse than the others") if worse else _("better than the others")
        else:
            told = _("too few rows to tell") if rows.sum() < few else _("no difference found")
        lines.append((name, int(rows.sum()), float(right[rows].mean()), low, high, told))
    return pd.DataFrame(lines, columns=["slice", "rows", "accuracy", "low", "high", "finding"])


def confusion_matrix(logits, labels) -> np.ndarray:
    """Count the answers per true class: shape (classes, classes), row = true class, column = predicted class.

    `logits` has the shape (rows, classes), `labels` the shape (rows,).
    """
    from sklearn.metrics import confusion_matrix as count

    logits, labels = checked(logits, labels)
    return count(labels, logits.argmax(axis=-1), labels=range(logits.shape[1]))


def macro_f1(logits, labels) -> float:
    """Compute the mean of the classes' F1, 0 … 1: each class counts the same, however few rows it has.

    `logits` has the shape (rows, classes), `labels` the shape (rows,). A class without a row does not count.
    """
    from sklearn.metrics import f1_score

    logits, labels = checked(logits, labels)
    return float(
        f1_score(labels, logits.argmax(axis=-1), labels=np.unique(labels), average="macro", zero_division=0)
    )


def is_unbalanced(labels, times: float = 1.5) -> bool:
    """Return whether the largest class has more than `times` as many rows as the smallest one."""
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    return bool(counts.max() > times * counts.min())


def worst_mistakes(
    texts: Sequence[str], logits, labels, label_names: Sequence[str], count: int = 5, ordered: bool = True
):
    """List the `count` worst mistakes in a pandas DataFrame: label, predicted, probability of that answer,
    text.

    If the classes are `ordered`, like stars, the mistake furthest from the label comes first; among equally
    distant mistakes, or without an order, the one that the model was surest of. `logits` has the shape
    (rows, classes).
    """
    import pandas as pd

    # The rows with a wrong answer
    logits, labels = checked(logits, labels)
    chances = probabilities(logits)
    predicted = chances.argmax(axis=-1)
    wrong = np.flatnonzero(predicted != labels)

    # Their order: np.lexsort sorts by its last key first
    distance = np.abs(predicted - labels)[wrong] * ordered
    sureness = chances[wrong, predicted[wrong]]
    worst = wrong[np.lexsort((-sureness, -distance))]
    rows = worst[:count].tolist()  # a column of `datasets` accepts no numpy integers as row numbers

    return pd.DataFrame(
        {
            "label": [label_names[labels[i]] for i in rows],
            "predicted": [label_names[predicted[i]] for i in rows],
            "probability": [float(chances[i, predicted[i]]) for i in rows],
            # Without a mistake, pandas would take the column for numbers
            "text": pd.Series([texts[i] for i in rows], dtype="object"),
        }
    )
