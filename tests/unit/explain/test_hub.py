"""Protects a learner from long tracebacks when the Hub refuses, is overloaded, or cannot be reached."""

import types

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from helpers.explain import explain

pytestmark = pytest.mark.usefixtures("online")


def answered(status, error=OSError):
    problem = error("the library's own words")
    problem.response = types.SimpleNamespace(status_code=status)
    return problem


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (answered(429), "asks for a pause"),
        (answered(503), "status 503"),
        (answered(401), "no public repository"),
        (ConnectionError("x"), "could not be reached"),
        (TimeoutError("x"), "could not be reached"),
        (LocalEntryNotFoundError("x"), "could not be reached"),
    ],
)
def test_each_kind_has_its_words_and_the_way_on(error, words):
    message = explain(error)
    assert words in message and 'PROFILE = "offline"' in message and len(message.splitlines()) == 3


def test_the_cause_that_says_the_most_counts():
    """A 429 reaches the learner as "not found in the local cache", three causes deep."""
    error = OSError("We couldn't connect")
    error.__cause__ = LocalEntryNotFoundError("not in the cache")
    error.__cause__.__cause__ = answered(429)
    assert "asks for a pause" in explain(error)


def test_without_the_hub_the_setup_cell_comes_first(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("helpers.hub.reach._problem", TimeoutError())
    assert "run the setup cell again, then this one" in explain(LocalEntryNotFoundError("x"))


def test_the_way_on_fits_a_profile_from_the_environment(monkeypatch):
    """FINETUNE_PROFILE overrules the cell, so changing PROFILE would change nothing."""
    monkeypatch.setenv("FINETUNE_PROFILE", "full")
    assert "FINETUNE_PROFILE=offline" in explain(ConnectionError("x")) and 'PROFILE = "' not in explain(
        ConnectionError("x")
    )


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file"),
        FileNotFoundError("no number either"),
        OSError("a library's, about a folder"),
        ValueError("x"),
    ],
)
def test_without_the_hub_other_errors_are_left_alone_too(monkeypatch, error):
    """On a plane, a full disk is not a missing download."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert explain(error) is None
