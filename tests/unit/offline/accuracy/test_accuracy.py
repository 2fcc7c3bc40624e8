"""Protects a learner from an accuracy that other libraries would not confirm."""

import evaluate
import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from helpers.profiles import PROFILES


def test_bundled_metric_gives_the_numbers_of_scikit_learn():
    rng = np.random.default_rng(0)
    predictions = rng.integers(0, 5, 200)
    references = rng.integers(0, 5, 200)
    metric = evaluate.load(PROFILES["offline"].metric)
    assert metric.compute(predictions=predictions, references=references)["accuracy"] == pytest.approx(
        accuracy_score(references, predictions)
    )


def test_bundled_metric_adds_up_batches():
    metric = evaluate.load(PROFILES["offline"].metric)
    metric.add_batch(predictions=[0, 1], references=[0, 1])
    metric.add_batch(predictions=[2, 2], references=[0, 0])
    assert metric.compute() == {"accuracy": 0.5}
