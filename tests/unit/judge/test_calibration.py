"""Protects a learner from a model that is sure and wrong."""

import numpy as np
import pytest

from helpers.judge import coverage_curve, error_by_chance, fit_temperature, probabilities, reliability


def calibrated(rows=40_000, classes=5, seed=0):
    """Return logits, and labels drawn with exactly the probabilities that the logits give."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=1.5, size=(rows, classes))
    cumulated = probabilities(logits).cumsum(axis=1)
    return logits, (random.random((rows, 1)) > cumulated).sum(axis=1).clip(max=classes - 1)


def test_calibrated_logits_have_temperature_one():
    logits, labels = calibrated()
    assert fit_temperature(logits, labels) == pytest.approx(1, abs=0.02)
    assert reliability(logits, labels).error < 0.01


@pytest.mark.parametrize("factor", [0.3, 3])
def test_the_temperature_takes_back_what_made_the_logits_too_large_or_too_small(factor):
    """Turned round, it would make a model that is too sure surer still."""
    logits, labels = calibrated()
    temperature = fit_temperature(factor * logits, labels)
    assert temperature == pytest.approx(factor, rel=0.02)
    assert (
        reliability(factor * logits / temperature, labels).error
        < 0.01
        < reliability(factor * logits, labels).error
    )


def test_the_calibration_error_by_hand():
    """Two rows with 0.9, one of them right; two with 0.6, both right: (2·|0.9 - 0.5| + 2·|0.6 - 1|) / 4."""
    logits = np.log([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    curve = reliability(logits, [0, 1, 0, 1])
    assert curve.rows.tolist() == [2, 2]
    assert curve.confidence == pytest.approx([0.6, 0.9]) and curve.accuracy == pytest.approx([1, 0.5])
    assert curve.error == pytest.approx(0.4)


def test_a_bin_without_rows_is_no_bin():
    """An accuracy of 0 for it would draw a line to the floor."""
    curve = reliability(np.log([[0.99, 0.01]] * 3), [0, 0, 0])
    assert curve.rows.tolist() == [3]


def test_a_confidence_of_exactly_one_belongs_to_the_last_bin():
    curve = reliability([[1_000.0, 0.0]], [0])
    assert curve.confidence.tolist() == [1] and curve.rows.tolist() == [1]


def test_coverage_takes_the_surest_first():
    logits = np.log([[0.6, 0.4], [0.99, 0.01], [0.2, 0.8], [0.45, 0.55]])
    share, accuracy, confidence = coverage_curve(logits, [1, 0, 1, 0])
    assert share.tolist() == [0.25, 0.5, 0.75, 1]
    assert accuracy == pytest.approx([1, 1, 2 / 3, 0.5])
    assert confidence == pytest.approx([0.99, 0.8, 0.6, 0.55])


@pytest.mark.parametrize("judge", [reliability, fit_temperature, coverage_curve])
def test_a_diverged_model_is_refused(judge):
    with pytest.raises(ValueError, match="diverged"):
        judge([[np.nan, 0.0]], [0])


def test_on_few_rows_a_calibrated_model_shows_an_error_by_chance():
    """A reader would take 0.04 for a fault of the model. The error falls with the square root of the rows."""
    logits = np.random.default_rng(0).normal(size=(6_400, 3))
    few, many = error_by_chance(logits[:100]), error_by_chance(logits)
    assert 0.05 < few < 0.15 and few / many == pytest.approx(8, rel=0.25)
