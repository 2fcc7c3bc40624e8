import os
import sys

import pytest

from helpers import estimate, hub, session
from helpers.environment import Machine, use_caches_only
from helpers.profiles import PROFILES, Profile

CPU = Machine(host="local", device="cpu", device_name="x86_64", memory_gb=8, cores=2, bf16=False, fp16=False)


@pytest.fixture
def answers(monkeypatch):
    """What the probe finds; a list of answers, the next one first."""
    waiting = []
    monkeypatch.setattr(session, "hub_answers", lambda: waiting.pop(0))
    monkeypatch.setattr(session, "_went_offline", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    import datasets  # noqa: F401  # so that there is a loaded module to tell
    yield waiting
    use_caches_only(True)  # as tests/conftest.py has it


def test_without_the_hub_the_libraries_are_spared_asking_until_it_is_back(answers):
    """Each file of a warm cache is otherwise asked for again and again: minutes, on a train."""
    answers[:] = [False, True]
    assert not session._ask_hub() and os.environ["HF_HUB_OFFLINE"] == "1"
    assert sys.modules["huggingface_hub.constants"].HF_HUB_OFFLINE and sys.modules["datasets.config"].HF_HUB_OFFLINE
    assert session._ask_hub() and "HF_HUB_OFFLINE" not in os.environ
    assert not sys.modules["huggingface_hub.constants"].HF_HUB_OFFLINE and not sys.modules["datasets.config"].HF_HUB_OFFLINE


def test_what_the_learner_has_set_stays(answers, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    answers[:] = [False, False]
    session._ask_hub(), session._ask_hub()
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_torch_starts_no_more_threads_than_cores_are_granted(monkeypatch):
    import torch

    chosen = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 16)
    monkeypatch.setattr(torch, "set_num_threads", chosen.append)
    session._fit_threads(2), session._fit_threads(16)
    assert chosen == [2], "and what the learner has lowered stays"


@pytest.mark.parametrize(("memory", "held", "warned"), [(2.0, 0.7, True), (2.0, 0.3, False), (8.0, 5.0, False)])
def test_kernels_that_leave_too_little_memory_are_named(monkeypatch, capsys, memory, held, warned):
    """Binder's 2 GB: the second notebook of three is killed in training, because the first is still open."""
    monkeypatch.setattr(session, "other_kernels_gb", lambda: held)
    session._warn_of_other_kernels(memory)
    assert (f"other notebooks hold {held} of {memory} GB" in capsys.readouterr().out) == warned


def test_a_profile_of_ones_own_is_taken_as_it_is(monkeypatch):
    own = Profile(model="a/b", dataset="c/d")
    assert session._choose(own, CPU, answers=True) == (own, "your own")


def test_the_cost_line(monkeypatch):
    monkeypatch.setattr(estimate, "expected_minutes", lambda profile, machine: 12.4)
    monkeypatch.setattr(hub, "delivery", lambda profile: hub.Delivery(download=45_000_000, disk=1_240_000_000))
    monkeypatch.setattr(hub, "is_cached", lambda profile: False)
    assert session._cost(PROFILES["small"], CPU, answers=True) == "45 MB to download, 1.2 GB on disk; about 12 minutes"
    assert "does not answer" in session._cost(PROFILES["small"], CPU, answers=False)


def test_costs_that_cannot_be_had_stop_nobody(monkeypatch):
    def broken(profile):
        raise ConnectionError

    monkeypatch.setattr(hub, "is_cached", lambda profile: False)
    monkeypatch.setattr(hub, "delivery", broken)
    assert session._cost(PROFILES["small"], CPU, answers=True) == "unknown (ConnectionError)"


@pytest.mark.parametrize(("minutes", "words"), [(0.5, "30 seconds"), (1.2, "72 seconds"), (12.4, "12 minutes"), (150, "2.5 hours")])
def test_durations(minutes, words):
    assert session._duration(minutes) == words


def test_twice_the_reviews_take_twice_as_long(monkeypatch):
    """The measurement itself is noisy; what is made of it is not."""
    import dataclasses

    monkeypatch.setattr(estimate, "reviews_per_second", lambda config, lengths, machine, limit, recipes, **how: {recipes[0].name: 100.0})
    offline = PROFILES["offline"]
    once = estimate.expected_minutes(offline, CPU)
    assert once == pytest.approx(2 * 3 * (1000 + 1000 / 3) / 100 / 60)
    assert estimate.expected_minutes(dataclasses.replace(offline, train_size=2_000, eval_size=2_000), CPU) == pytest.approx(2 * once)
