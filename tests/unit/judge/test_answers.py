"""Protects a learner from bundled answers that the command does not make, or that hide their origin."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from helpers.judge import load_answers
from helpers.judge.answers import _BUNDLED
from helpers.profiles import PROFILES

OFFLINE = PROFILES["offline"]


@pytest.fixture
def bundled(tmp_path, capsys):
    answers = load_answers(OFFLINE, made=tmp_path)
    assert "made by `python tests/benchmarks/answers.py --profile offline` on 20" in answers.about
    assert "torch 2." in answers.about and answers.about in capsys.readouterr().out
    return answers


def test_each_training_has_its_answers(bundled):
    assert bundled.seeds.shape == (20, 2_000, 5) and bundled.search.shape == (12, 2_000, 5)
    assert bundled.sizes.shape == (28, 1_000, 5) and bundled.labels.shape == (2_000,)
    assert {name: len(listed) for name, listed in bundled.trainings.items()} == {
        "seeds": 20,
        "search": 12,
        "sizes": 28,
    }


def test_they_are_answers_to_the_rows_that_the_notebooks_use(bundled, splits):
    """Labels in another order would make every model look like a guesser."""
    shuffled = splits["train"].shuffle(seed=42)
    assert bundled.labels.tolist() == shuffled.select(range(1_000, 3_000))["label"]
    assert bundled.right("seeds").mean() > 0.5


def test_the_claims_of_notebook_5_hold(bundled):
    """The text says: pretraining pays where rows are few, and with all rows TF-IDF is about as good."""
    accuracy = {}
    for training, right in zip(bundled.trainings["sizes"], bundled.right("sizes")):
        accuracy.setdefault((training["method"], training["rows"]), []).append(right.mean())
    mean = {key: np.mean(values) for key, values in accuracy.items()}
    assert mean["fine-tuned", 250] > mean["random weights", 250] + 0.05
    assert abs(mean["fine-tuned", 7_000] - mean["TF-IDF", 7_000]) < 0.04


def test_the_cheapest_answers_come_out_again(bundled, splits):
    """TF-IDF on 250 rows takes a second, and another processor changes its answers by rounding only."""
    from sklearn.linear_model import LogisticRegression

    from helpers.judge import tfidf_baseline

    shuffled = splits["train"].shuffle(seed=42)
    train, validation = shuffled.select(range(250)), shuffled.select(range(1_000, 2_000))
    number = bundled.trainings["sizes"].index({"method": "TF-IDF", "rows": 250})
    baseline = tfidf_baseline(
        train["text"], train["label"], validation["text"], validation["label"], (0.3, 1, 3, 10, 30)
    )
    assert isinstance(baseline[-1], LogisticRegression)
    again = baseline.predict_log_proba(validation["text"])
    np.testing.assert_allclose(again, bundled.sizes[number], atol=0.02)


def test_answers_of_ones_own_go_before_the_bundled_ones(tmp_path, capsys):
    own = tmp_path / OFFLINE.key
    shutil.copytree(_BUNDLED, own)
    about = json.loads((own / "answers.json").read_text(encoding="utf-8"))
    (own / "answers.json").write_text(json.dumps(about | {"made": "today"}), encoding="utf-8")
    load_answers(OFFLINE, made=tmp_path)
    assert "on today (" in capsys.readouterr().out


def test_another_profile_is_told_that_the_answers_are_not_its_own(tmp_path, capsys):
    load_answers(dataclasses.replace(OFFLINE, name="small"), made=tmp_path)
    shown = capsys.readouterr().out
    assert "bundled ones, of the profile 'offline'" in shown and "--profile small" in shown
