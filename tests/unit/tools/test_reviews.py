"""Protects a learner from bundled reviews that do not read like English, or that teach too little."""

import re
from collections import Counter

import pytest

from helpers.tools.reviews import business_kinds, write_review


def words(text):
    return re.findall(r"[^\W\d_]+", text)


def test_thousands_of_word_types_and_several_kinds_of_business(splits):
    counts = Counter(word for text in splits["train"]["text"] for word in words(text))
    assert sum(count >= 5 for count in counts.values()) > 2_000
    assert len(business_kinds()) >= 8


def test_negation_contrast_hedges_and_denials_are_there(splits):
    text = " ".join(splits["test"]["text"])
    for pattern in (r"\bnot \w+", r"\bbut\b", r"[Aa]lthough", r"It seemed to me", r"[Nn]ot true", r"used to"):
        assert len(re.findall(pattern, text)) > 50, pattern


def test_text_reads_as_english_not_as_a_template(splits):
    joined = "\n".join(splits["test"]["text"])
    assert not re.search(r"[{}]", joined)
    assert not re.search(r"\b[Aa] [aio]\w+", joined), "a before a vowel"


def test_a_wrong_label_is_named():
    with pytest.raises(ValueError, match=r"0, 1, 2, 3 or 4.*got 5"):
        write_review("x", 5)
