"""Protects a learner from training a model on texts that it cannot read."""

import pytest

from helpers.data import language_check, load_tokenizer
from helpers.profiles import PROFILES


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(PROFILES["offline"])


def test_english_is_known(tokenizer):
    check = language_check(["The soup was cold, and nobody came."] * 3, tokenizer)
    assert check.unknown < 0.02 and check.advice == ""
    assert "The tokenizer knows this language." in check.sentence()


def test_korean_is_unknown_and_the_korean_profile_is_named(tokenizer):
    """Of Korean text, most pieces are [UNK]: the model would train, and learn nothing."""
    check = language_check(["국물은 따뜻하고 맛있었어요", "마사지는 기대에 못 미쳤어요"], tokenizer)
    assert check.unknown > 0.5 and 'the profile "korean"' in check.sentence()


def test_another_language_gets_the_multilingual_model(tokenizer):
    check = language_check(["Zażółć gęślą jaźń, źdźbło trawy się chwieje"], tokenizer)
    assert "bert-base-multilingual-cased" in check.sentence()


def test_by_hand():
    """Two words, four pieces, one of them unknown."""

    class Tokenizer:
        unk_token = "[UNK]"

        def tokenize(self, text):
            return ["a", "##b", "##c", "[UNK]"]

    check = language_check(["abc ?"], Tokenizer())
    assert (check.unknown, check.pieces_a_word) == (0.25, 2.0)


def test_no_text_is_refused(tokenizer):
    with pytest.raises(ValueError, match="at least one text"):
        language_check([" ", ""], tokenizer)
