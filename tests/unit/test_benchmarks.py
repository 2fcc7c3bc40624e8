"""Protects a reader from figures that were computed wrongly."""

import sys
import time

import numpy as np
import pytest
import torch
from notebook_files import ROOT
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))

import speed_ladder
from report import Table
from speed_overhead import Inside


@pytest.mark.parametrize("length", [64, 300])
def test_the_arithmetic_of_a_step_is_what_pytorch_counts(length):
    """A share of the machine's peak is worth only as much as the formula under it."""
    from transformers import BertConfig, BertForSequenceClassification

    layers = 2
    width = 128
    config = BertConfig(
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=2,
        intermediate_size=4 * width,
        vocab_size=100,
    )
    model = BertForSequenceClassification._from_config(config, attn_implementation="eager")
    with FlopCounterMode(display=False) as counter:
        model(input_ids=torch.zeros(1, length, dtype=torch.long)).logits.sum().backward()
    assert speed_ladder.flops_per_review(layers, width, np.array([length])) == pytest.approx(
        counter.get_total_flops(), rel=0.01
    )


def test_time_inside_is_counted_once():
    """Trainer's backward ends in PyTorch's, and both are wrapped."""
    inside = Inside()
    inner = inside.wrap(lambda: time.sleep(0.05))
    inside.wrap(inner)()
    assert 0.05 <= inside.seconds < 0.09


def test_a_table_is_markdown_with_numbers_to_the_right():
    table = Table(
        "Speed",
        ["recipe", "reviews a second", "reviews"],
        [["fast", 27.936, 4_000], ["slow", 1234.5, 8]],
        "Measured.",
    )
    assert table.markdown().splitlines() == [
        "### Speed",
        "",
        "| recipe | reviews a second | reviews |",
        "| --- | ---: | ---: |",
        "| fast | 27.9 | 4,000 |",
        "| slow | 1,234 | 8 |",
        "",
        "Measured.",
    ]
