"""Judge how good a model is: its accuracy, its mistakes, how sure it is, and whether it is the better one."""

from helpers.judge.answers import Answers, load_answers
from helpers.judge.attribution import Attribution, word_attributions
from helpers.judge.baselines import tfidf_baseline
from helpers.judge.calibration import (
    Reliability,
    coverage_curve,
    error_by_chance,
    fit_temperature,
    reliability,
)
from helpers.judge.card import model_card
from helpers.judge.comparing import Comparison, bootstrap_difference, mcnemar, power, rows_needed, winners
from helpers.judge.exam import note_look, open_exam, reset_exam, reset_looks
from helpers.judge.metrics import (
    accuracy_interval,
    confusion_matrix,
    is_unbalanced,
    macro_f1,
    predict_in_order,
    probabilities,
    slice_table,
    standard_error,
    within_one,
    worst_mistakes,
)

__all__ = [
    "Answers",
    "Attribution",
    "Comparison",
    "Reliability",
    "accuracy_interval",
    "bootstrap_difference",
    "confusion_matrix",
    "coverage_curve",
    "error_by_chance",
    "fit_temperature",
    "is_unbalanced",
    "load_answers",
    "macro_f1",
    "mcnemar",
    "model_card",
    "note_look",
    "open_exam",
    "power",
    "predict_in_order",
    "probabilities",
    "reliability",
    "reset_exam",
    "reset_looks",
    "rows_needed",
    "slice_table",
    "standard_error",
    "tfidf_baseline",
    "winners",
    "within_one",
    "word_attributions",
    "worst_mistakes",
]
