"""The bundled dataset and model: what their cards promise."""

import re
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from transformers import AutoModelForMaskedLM, AutoTokenizer

from helpers.offline.build_dataset import SPLIT_ROWS, order, parquet_path, row
from helpers.offline.reviews import LABEL_NAMES, business_kinds, write_review
from helpers.profiles import PROFILES

PROFILE = PROFILES["offline"]


@pytest.fixture(scope="module")
def splits():
    return load_dataset(PROFILE.dataset, revision=PROFILE.dataset_revision)


def words(text):
    return re.findall(r"[^\W\d_]+", text)


def test_columns_types_and_label_names_are_yelp_s(splits):
    assert splits["train"].column_names == ["label", "text"]
    assert splits["train"].features["label"].names == LABEL_NAMES == ["1 star", "2 star", "3 stars", "4 stars", "5 stars"]


@pytest.mark.parametrize("split", SPLIT_ROWS)
def test_the_builder_regenerates_the_dataset_bit_for_bit(split):
    """On a sample; `python -m helpers.offline.build_dataset` does all of it."""
    committed = pq.read_table(parquet_path(split)).to_pylist()
    numbers = order(split)
    assert len(committed) == SPLIT_ROWS[split]
    for position in range(0, len(committed), 40):
        assert committed[position] == row(split, numbers[position])


def test_no_text_occurs_twice_and_none_in_both_splits(splits):
    texts = splits["train"]["text"][:] + splits["test"]["text"][:]
    assert len(set(texts)) == len(texts) == 10_000


def test_balanced(splits):
    for split in splits.values():
        assert set(Counter(split["label"]).values()) == {len(split) // 5}


def test_lengths_are_like_yelp_s(splits):
    """Yelp, 1,499 real reviews: mean 129, median 101, quartiles 54 and 172, maximum 896."""
    lengths = np.array([len(text.split()) for text in splits["train"]["text"]])
    assert 120 <= lengths.mean() <= 140 and 85 <= np.median(lengths) <= 110
    quartiles = np.percentile(lengths, [25, 75])
    assert 45 <= quartiles[0] <= 65 and 150 <= quartiles[1] <= 185
    assert 700 <= lengths.max() <= 920


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


def test_the_model_has_learned_english_of_its_world():
    """Random weights would give each of the pieces the same chance."""
    tokenizer = AutoTokenizer.from_pretrained(PROFILE.model)
    model = AutoModelForMaskedLM.from_pretrained(PROFILE.model).eval()
    encoded = tokenizer("We had to wait for [MASK] hour and nobody came. The worst experience.", return_tensors="pt")
    position = (encoded["input_ids"][0] == tokenizer.mask_token_id).nonzero().item()
    chances = model(**encoded).logits[0, position].softmax(-1)
    assert chances[tokenizer.convert_tokens_to_ids("an")] > 0.2


def test_the_tokenizer_is_cased_and_whole():
    tokenizer = AutoTokenizer.from_pretrained(PROFILE.model)
    assert tokenizer.tokenize("The service was friendly.") == ["The", "service", "was", "friendly", "."]
    assert tokenizer.tokenize("The") != tokenizer.tokenize("the")
    assert tokenizer.model_max_length == 512
    text = "Nobody in Halorham waits 45 minutes!"
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text
