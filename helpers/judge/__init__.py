"""Judge how good a model is: its accuracy, its mistakes, and the words that decided."""

from helpers.judge.attribution import Attribution, word_attributions
from helpers.judge.metrics import (
    confusion_matrix,
    predict_in_order,
    probabilities,
    standard_error,
    within_one,
    worst_mistakes,
)

__all__ = [
    "Attribution",
    "confusion_matrix",
    "predict_in_order",
    "probabilities",
    "standard_error",
    "within_one",
    "word_attributions",
    "worst_mistakes",
]
