"""Protects a learner from bundled reviews that are not what their card promises."""

from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from helpers.tools.build_dataset import SPLIT_ROWS, order, parquet_path, row
from helpers.tools.reviews import LABEL_NAMES


def test_columns_types_and_label_names_are_yelp_s(splits):
    assert splits["train"].column_names == ["label", "text"]
    assert (
        splits["train"].features["label"].names
        == LABEL_NAMES
        == ["1 star", "2 star", "3 stars", "4 stars", "5 stars"]
    )


@pytest.mark.parametrize("split", SPLIT_ROWS)
def test_the_builder_regenerates_the_dataset_bit_for_bit(split):
    """This tries a sample; `python -m helpers.tools.build_dataset` does all of it."""
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
    """1,499 real reviews of Yelp have mean 129, median 101, quartiles 54 and 172, maximum 896."""
    lengths = np.array([len(text.split()) for text in splits["train"]["text"]])
    assert 120 <= lengths.mean() <= 140 and 85 <= np.median(lengths) <= 110
    quartiles = np.percentile(lengths, [25, 75])
    assert 45 <= quartiles[0] <= 65 and 150 <= quartiles[1] <= 185
    assert 700 <= lengths.max() <= 920
