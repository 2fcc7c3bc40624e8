"""Protects a learner from a download or a training that is much longer than the setup cell said."""

import pytest
from machines import CPU

from helpers.hub import cache
from helpers.profiles import PROFILES
from helpers.start import costs


def test_the_cost_line(monkeypatch):
    monkeypatch.setattr(costs, "expected_minutes", lambda profile, machine: 12.4)
    monkeypatch.setattr(
        cache, "delivery", lambda profile: cache.Delivery(download=45_000_000, disk=1_240_000_000)
    )
    monkeypatch.setattr(cache, "is_cached", lambda profile: False)
    assert (
        costs.cost(PROFILES["small"], CPU, answers=True)
        == "45 MB to download, 1.2 GB on disk; about 12 minutes"
    )
    assert costs.cost(PROFILES["small"], CPU, answers=False) == "needs the Hugging Face Hub"


def test_costs_that_cannot_be_had_stop_nobody(monkeypatch):
    def broken(profile):
        raise ConnectionError

    monkeypatch.setattr(cache, "is_cached", lambda profile: False)
    monkeypatch.setattr(cache, "delivery", broken)
    assert costs.cost(PROFILES["small"], CPU, answers=True) == "unknown (ConnectionError)"


@pytest.mark.parametrize(
    ("minutes", "words"), [(0.5, "30 seconds"), (1.2, "72 seconds"), (12.4, "12 minutes"), (150, "2.5 hours")]
)
def test_durations(minutes, words):
    assert costs._minutes_text(minutes) == words


def test_twice_the_reviews_take_twice_as_long(monkeypatch):
    """The measurement itself is noisy. What the course makes of it is not."""
    import dataclasses

    monkeypatch.setattr(
        costs,
        "reviews_per_second",
        lambda config, lengths, machine, limit, recipes, **how: {recipes[0].name: 100.0},
    )
    offline = PROFILES["offline"]
    once = costs.expected_minutes(offline, CPU)
    assert once == pytest.approx(2 * 3 * (1000 + 1000 / 3) / 100 / 60)
    assert costs.expected_minutes(
        dataclasses.replace(offline, train_size=2_000, eval_size=2_000), CPU
    ) == pytest.approx(2 * once)
