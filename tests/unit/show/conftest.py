"""The panels that the tests of this room share."""

import pytest
import torch
from seen import LABELS, LENGTHS
from transformers import AutoModelForSequenceClassification

from helpers.profiles import PROFILES
from helpers.show.padding import PaddingExplorer
from helpers.show.review import ReviewTester
from helpers.show.tokens import TokenExplorer


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    return AutoModelForSequenceClassification.from_pretrained(
        PROFILES["offline"].model, num_labels=5, id2label=dict(enumerate(LABELS))
    )


@pytest.fixture
def tokens(tokenizer):
    return TokenExplorer(tokenizer, "good")


@pytest.fixture
def padding():
    return PaddingExplorer(LENGTHS)


@pytest.fixture
def tester(model, tokenizer):
    return ReviewTester(model, tokenizer, "good")
