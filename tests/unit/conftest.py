"""What the unit tests share."""

import pytest
from datasets import load_dataset
from transformers import AutoTokenizer

from helpers.profiles import PROFILES


@pytest.fixture(scope="session")
def tokenizer():
    return AutoTokenizer.from_pretrained(PROFILES["offline"].model)


@pytest.fixture(scope="session")
def splits():
    """The bundled dataset."""
    profile = PROFILES["offline"]
    return load_dataset(profile.dataset, revision=profile.dataset_revision)


@pytest.fixture
def online(monkeypatch):
    """As on a learner's machine: no variable rules out the Hub or names a profile."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("FINETUNE_PROFILE", raising=False)
