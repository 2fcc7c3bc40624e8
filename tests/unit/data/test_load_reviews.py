"""Protects a learner from a one-line shortcut that gives other rows than the cells it stands for."""

import dataclasses

import pytest
from notebook_files import NOTEBOOKS, code_cells

from helpers.data import load_reviews
from helpers.profiles import PROFILES

SMALL = dataclasses.replace(PROFILES["offline"], name="few", train_size=48, eval_size=24)


@pytest.fixture(scope="module")
def cells():
    """The names that notebook 1's cells leave, run with few rows."""
    names = {"profile": SMALL}
    for cell in code_cells(NOTEBOOKS[0]):
        if cell.id in ("load", "tokenizer", "sample", "map", "small", "validation", "collator"):
            exec(cell.source, names)
    return names


def same(split, other, columns=("text", "label", "input_ids", "attention_mask")):
    return all(split[column][:] == other[column][:] for column in columns)


def test_padded_rows_are_those_of_notebook_1(cells):
    reviews = load_reviews(SMALL, padding="max_length")
    assert same(reviews["train"], cells["small_train_dataset"])
    assert same(reviews["validation"], cells["validation_dataset"])
    assert same(reviews["test"], cells["small_eval_dataset"])
    assert {len(ids) for ids in reviews["train"]["input_ids"]} == {SMALL.max_length}


def test_rows_without_padding_are_those_of_notebook_1(cells):
    reviews = load_reviews(SMALL)
    columns = ("text", "label", "input_ids", "attention_mask", "length")
    train = cells["tokenized"]["train"]
    assert same(reviews["train"], train.select(range(48)), columns)
    assert same(reviews["validation"], train.select(range(48, 72)), columns)
    assert same(reviews["test"], cells["tokenized"]["test"], columns)


def test_no_row_is_in_two_splits():
    """A training row among the validation rows makes every model look better than it is."""
    texts = [set(split["text"]) for split in load_reviews(PROFILES["offline"]).values()]
    assert [len(rows) for rows in texts] == [1_000, 1_000, 1_000]
    assert not texts[0] & texts[1] and not texts[0] & texts[2] and not texts[1] & texts[2]


def test_texts_can_be_cut_shorter():
    reviews = load_reviews(SMALL, max_length=32)
    assert max(reviews["train"]["length"]) == 32 and reviews["train"]["input_ids"][0][-1] == 3


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="to train on and for 1,000 others to validate on"):
        load_reviews(dataclasses.replace(PROFILES["offline"], train_size=100_000))
