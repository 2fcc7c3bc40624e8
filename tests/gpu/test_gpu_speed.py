"""Protects the course's promise for a GPU: all 650,000 reviews in under ten minutes."""

import dataclasses
import statistics
from itertools import islice

import numpy as np
import pytest
from tiny_sizes import ON_CPU
from yelp import ALL_OF_YELP, TOKENS_PER_WORD, yelp_lengths

MINUTES = 10
FAST_CARDS = ("H100", "H200")
TOKENS = 2_048 if ON_CPU else 32_768
ROUNDS = 1 if ON_CPU else 3


@pytest.fixture(scope="module")
def pace(machine):
    import pace

    return pace


def test_the_texts_are_as_long_as_yelps():
    """A minute for 650,000 reviews means nothing if they are shorter than the real ones. It needs no GPU."""
    words = (yelp_lengths(50_000) - 2) / TOKENS_PER_WORD
    assert np.percentile(words, [25, 50, 75]) == pytest.approx([54, 101, 172], abs=7)
    assert yelp_lengths(50_000).max() == 512


def test_one_pass_over_all_reviews_takes_less_than_ten_minutes(pace, machine, on_gpu, say):
    """Measured on 20,000 texts, with all that `Trainer` does. `python tests/gpu/pace.py` does the whole."""
    measured = pace.one_pass(machine, 200 if ON_CPU else 20_000, TOKENS, tiny=ON_CPU)
    say(f"Batches of {TOKENS:,} tokens, `Trainer`: {measured}")
    assert measured.padding < 0.1 and 0 < measured.real_flops < measured.peak
    if on_gpu and any(card in machine.device_name for card in FAST_CARDS):
        assert ALL_OF_YELP / measured.texts_per_second < 60 * MINUTES


def test_the_ladder_leads_upwards_with_a_model_as_large_as_bert_base(pace, machine, on_gpu, say):
    """Small batches leave a GPU waiting for the next kernel. The recipe's share of the peak shows that."""
    import speed_ladder
    import torch
    from transformers import BertConfig

    from helpers.train import ladder
    from helpers.train.token_budget import TokenBatches

    # The recipes' epochs: the tutorial's and notebook 2's in their own batches, then by tokens
    shape = {
        name: size for name, size in (pace.TINY if ON_CPU else pace.SHAPE).items() if name != "vocab_size"
    }
    config = BertConfig(**shape, intermediate_size=4 * shape["hidden_size"], num_labels=5)
    lengths = yelp_lengths(400 if ON_CPU else 20_000)
    budget = dataclasses.replace(ladder.LAST, name=f"batches of {TOKENS:,} tokens")
    epochs = {rung: ladder.epoch(rung, lengths, 8) for rung in (ladder.TUTORIAL, ladder.FAST)}
    epochs[budget] = [lengths[rows] for rows in TokenBatches(lengths, TOKENS)]

    # Rounds; the first one warms up
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    rounds = list(islice(ladder.timed_rounds(config, epochs, machine), 1, 1 + ROUNDS))
    speeds = {name: statistics.median(speeds[name] for speeds in rounds) for name in rounds[0]}

    # What they say
    flops = speed_ladder.flops_per_review(shape["num_hidden_layers"], shape["hidden_size"], lengths)
    peak = speed_ladder.peak(64 if ON_CPU else 8192, machine.half_precision or torch.float32, machine.device)
    for name, speed in speeds.items():
        share = speed * flops / peak
        times = speed / speeds[ladder.TUTORIAL.name]
        say(f"{name}: {speed:,.0f} texts a second, {times:.1f} × the tutorial's, {share:.2f} of the peak")
    if on_gpu:
        say(f"most memory of the three: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
        assert speeds[ladder.TUTORIAL.name] < speeds[ladder.FAST.name] < speeds[budget.name]
        assert speeds[budget.name] > 5 * speeds[ladder.TUTORIAL.name]
