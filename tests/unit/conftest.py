import pytest
from transformers import AutoTokenizer

from helpers.profiles import PROFILES


@pytest.fixture(scope="session")
def tokenizer():
    return AutoTokenizer.from_pretrained(PROFILES["offline"].model)
