"""Protects a learner from pieces, ids or frames that are not what the tokenizer made of the text."""

import warnings
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure
from seen import Read
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from helpers.show.tokens import TokenExplorer


def test_each_token_is_shown_with_its_id(tokens, tokenizer):
    tokens.text.value = "The lasagna was unforgettable"
    read = Read(tokens.tokens.value)
    for token, number in zip(*(lambda e: (e.tokens(), e["input_ids"]))(tokenizer(tokens.text.value))):
        assert f"{token}{number}" in read.text
    assert (
        tokens.sentence() == "4 words became 4 tokens, beside [CLS] [SEP]; none was split; none is unknown."
    )
    assert tokens.sentence() in Read(tokens.words.value).text


def test_the_pieces_of_a_split_word_are_framed_and_named(tokens):
    tokens.text.value = "two zebras"
    assert (
        "2 words became 5 tokens" in tokens.sentence()
        and "1 split: zebras → z ##eb ##ra ##s" in tokens.sentence()
    )
    assert (
        tokens.tokens.value.count("border:2px solid") == 1
        and "one word, 4 tokens: zebras" in Read(tokens.tokens.value).titles
    )


def test_an_unknown_word_shows_what_was_typed_and_stands_out_without_colour(tokens):
    assert "dashed" not in tokens.tokens.value
    tokens.text.value = "good 😀 <"
    read = Read(tokens.tokens.value)
    assert (
        "unknown: 😀" in read.text and "unknown: <" in read.text and tokens.tokens.value.count("dashed") == 2
    )
    assert (
        "1 word and 2 signs became 3 tokens" in tokens.sentence() and "2 unknown: 😀, <." in tokens.sentence()
    )


def test_special_tokens_are_no_words_also_where_they_were_typed(tokens):
    tokens.text.value = "good [SEP] food"
    assert tokens.sentence().startswith("2 words became 2 tokens, beside [CLS] [SEP] [SEP]")


def test_an_empty_field_gives_a_hint(tokens):
    tokens.text.value = " "
    assert "no word yet" in tokens.sentence() and "[CLS]" in tokens.tokens.value
    assert isinstance(tokens.picture(), Figure)


def test_a_long_text_shows_its_start_and_says_what_would_be_cut(tokens):
    tokens.text.value = "good " * 600
    assert tokens.tokens.value.count(">good<") == 199, "[CLS] is the 200th"
    assert "and 402 more tokens" in tokens.tokens.value
    assert "The model takes 512 tokens: the last 90 would be cut." in tokens.sentence()
    assert len([text for text in tokens.picture().texts if text.get_text() == "good"]) == 199


def test_the_picture_holds_tokens_and_ids_and_draws_any_character(tokens):
    tokens.text.value = "zebras 好 $x$"
    drawn = [text.get_text() for text in tokens.picture().texts]
    assert {"[CLS]", "z", "##eb", "[UNK]", "$", "[SEP]"} <= set(drawn) and str(
        tokens.tokenizer.convert_tokens_to_ids("##eb")
    ) in drawn
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokens.picture()._repr_png_()


def test_tokens_need_a_fast_tokenizer():
    with pytest.raises(ValueError, match="fast tokenizer"):
        TokenExplorer(SimpleNamespace(is_fast=False))


def test_words_that_are_markup_as_a_whole_are_text_too():
    """BERT takes "<b>" apart. A tokenizer that splits at spaces only does not."""
    rule = Tokenizer(WordLevel({"[UNK]": 0, "<b>": 1}, unk_token="[UNK]"))
    rule.pre_tokenizer = WhitespaceSplit()
    panel = TokenExplorer(PreTrainedTokenizerFast(tokenizer_object=rule, unk_token="[UNK]"), "<b> <script>")
    assert {"b", "script"}.isdisjoint(Read(panel.tokens.value.replace("<b style", "<i style")).tags)
    assert "<b>1" in Read(panel.tokens.value).text and "unknown: <script>" in Read(panel.tokens.value).text
