"""Accuracy as an `evaluate` module, so that `evaluate.load(folder)` works without the Hub."""

import datasets
import evaluate
import numpy as np

_DESCRIPTION = "Accuracy is the share of predictions that equal their reference."

_INPUTS = """
Args:
    predictions (list of int): predicted classes.
    references (list of int): true classes, as many.

Returns:
    accuracy (float): from 0 (all wrong) to 1 (all right).
"""


class Accuracy(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": datasets.Value("int32"), "references": datasets.Value("int32")}
            ),
        )

    def _compute(self, predictions, references):
        return {"accuracy": float(np.mean(np.asarray(predictions) == np.asarray(references)))}
