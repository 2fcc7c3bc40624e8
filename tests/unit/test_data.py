import numpy as np
import pytest
from datasets import Dataset

from helpers.data import batch_lengths, check_dataset, padding_cost, token_lengths


def reviews(**columns):
    return Dataset.from_dict({"text": ["good", "bad"], "label": [4, 0]} | columns)


def test_a_good_dataset_passes():
    assert check_dataset(reviews(), num_labels=5) is None


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (reviews().remove_columns("text"), r"needs columns 'text' and 'label'; it has \['label'\].*rename_column"),
        (reviews().rename_column("label", "stars"), r"it has \['text', 'stars'\]"),
        (reviews().select([]), "zero rows"),
        (reviews(text=["good", "  "]), r"1 of 2 texts are empty or not text \(the first in row 1\)"),
        (reviews(text=[None, "bad"]), "first in row 0"),
        (reviews(label=[5, 0]), r"from 0 to 4, because num_labels is 5; found 5 \(1 times\)"),
        (reviews(label=[-1, -1]), r"found -1 \(2 times\)"),
        (reviews(label=["good", "bad"]), r"found 'good' \(1 times\)"),
        (reviews(label=[None, 1]), "found None"),
        (reviews(label=[True, False]), "found True"),
        (reviews(label=[[1], [2]]), r"found \[1\]"),
    ],
)
def test_a_dataset_that_cannot_train_is_refused_with_what_to_do(dataset, message):
    with pytest.raises(ValueError, match=message):
        check_dataset(dataset, num_labels=5)


def test_token_lengths_ignore_padding():
    assert token_lengths([[1, 1, 1, 0], [1, 0, 0, 0]]).tolist() == [3, 1]


LENGTHS = np.array([10, 500, 20, 30, 600, 40, 50, 60])


def test_max_length_pads_everything_to_the_limit():
    cost = padding_cost(LENGTHS, 4, "max_length", max_length=512)
    assert cost.computed_tokens == 8 * 512
    assert cost.real_tokens == LENGTHS.clip(max=512).sum()  # what is truncated is not computed
    assert cost.padding_share == pytest.approx(1 - cost.real_tokens / 4096)


def test_longest_pads_to_the_longest_of_the_batch():
    batches = batch_lengths(LENGTHS, 4, "longest")
    assert padding_cost(LENGTHS, 4, "longest").computed_tokens == sum(len(batch) * batch.max() for batch in batches)


def test_each_strategy_sees_each_review_once():
    for strategy in ("max_length", "longest", "group_by_length"):
        seen = np.concatenate(batch_lengths(LENGTHS, 3, strategy))
        assert sorted(seen) == sorted(LENGTHS.clip(max=512))


def test_grouping_wastes_least():
    lengths = np.random.default_rng(0).lognormal(4.6, 0.8, 1000).astype(int).clip(5, 512)
    shares = [padding_cost(lengths, 8, strategy).padding_share for strategy in ("max_length", "longest", "group_by_length")]
    assert shares[0] > shares[1] > shares[2] and shares[2] < 0.15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((LENGTHS, 4, "shortest"), "'shortest'"), ((LENGTHS, 0, "longest"), "batch_size"), ((LENGTHS[:0], 4, "longest"), "0 lengths")],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        batch_lengths(*arguments)
