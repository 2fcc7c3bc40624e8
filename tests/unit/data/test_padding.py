"""Protects a learner from a wrong padding cost."""

import numpy as np
import pytest

from helpers.data.padding import batch_lengths, padding_cost, token_lengths


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
    assert padding_cost(LENGTHS, 4, "longest").computed_tokens == sum(
        len(batch) * batch.max() for batch in batches
    )


def test_each_strategy_sees_each_review_once():
    for strategy in ("max_length", "longest", "group_by_length"):
        seen = np.concatenate(batch_lengths(LENGTHS, 3, strategy))
        assert sorted(seen) == sorted(LENGTHS.clip(max=512))


def test_grouping_wastes_least():
    lengths = np.random.default_rng(0).lognormal(4.6, 0.8, 1000).astype(int).clip(5, 512)
    shares = [
        padding_cost(lengths, 8, strategy).padding_share
        for strategy in ("max_length", "longest", "group_by_length")
    ]
    assert shares[0] > shares[1] > shares[2] and shares[2] < 0.15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((LENGTHS, 4, "shortest"), "'shortest'"),
        ((LENGTHS, 0, "longest"), "batch_size"),
        ((LENGTHS[:0], 4, "longest"), "0 lengths"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        batch_lengths(*arguments)
