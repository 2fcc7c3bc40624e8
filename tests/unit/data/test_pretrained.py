"""Protects a learner from a tokenizer that turns every review into nothing."""

import json

import pytest

from helpers.data.pretrained import check_tokenizer
from helpers.profiles import PROFILES


def test_a_tokenizer_without_a_vocabulary_is_refused(tmp_path):
    """from_pretrained returns one without a word, and every text would be a row of [UNK]."""
    from transformers import AutoTokenizer, BertConfig

    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(OSError, match="without its vocabulary"):
        check_tokenizer(AutoTokenizer.from_pretrained(tmp_path, config=BertConfig()))
    check_tokenizer(AutoTokenizer.from_pretrained(PROFILES["offline"].model))
