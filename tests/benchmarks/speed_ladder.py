"""Measure each recipe's throughput, its share of what the machine can compute, and the time of a training.

The models have the profiles' shapes and random weights. The batches of eight have the lengths of the bundled
reviews. The rungs take turns, and the median counts.

The "real" rate is the arithmetic per second that the reviews' own tokens need, without their padding: 3 * (2
* parameters in matrices * tokens + 4 * layers * width * sum of squared lengths). That is forward once and
backward twice, as in appendix B of "PaLM" (Chowdhery and others, 2022, arXiv:2204.02311).

The "peak" is the rate of the fastest plain product of a layer's matrices in the precision of that rung, kept
up for a third of a second in every round: what this machine gives at that time. So 1 / (the tutorial's share
of the peak) is the highest ratio that anybody can reach in its precision, by whatever means.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from report import Table
from transformers import BertConfig

from helpers.machine import Machine
from helpers.profiles import PROFILES
from helpers.start.costs import TYPICAL_LENGTHS
from helpers.train import ladder

SHAPES = {  # layers, width, heads, rounds, batches of an epoch that are timed in each round
    "offline": (2, 128, 2, 9, 16),
    "small": (4, 256, 4, 5, 16),
    "full": (12, 768, 12, 2, 4),
}
LENGTHS = np.array(TYPICAL_LENGTHS * 64)
BATCH_SIZE = 8
ALL_OF_YELP = 650_000


def measure(machine: Machine) -> Iterator[Table]:
    speeds = {}
    for name in SHAPES:
        table, speeds[name] = throughput(name, machine)
        yield table
    yield minutes(speeds)


def throughput(name: str, machine: Machine) -> tuple[Table, dict[str, float]]:
    layers, width, heads, rounds, batches = SHAPES[name]
    config = BertConfig(
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        num_labels=5,
    )
    rungs = ladder.rungs(machine)
    precisions = {
        rung.name: (machine.half_precision if rung.half else None) or torch.float32 for rung in rungs
    }
    measured = defaultdict(list)
    peaks = defaultdict(list)
    epochs = {rung: ladder.epoch(rung, LENGTHS, BATCH_SIZE) for rung in rungs}
    for speeds in islice(ladder.timed_rounds(config, epochs, machine, batches=batches), rounds):
        for rung, speed in speeds.items():
            measured[rung].append(speed)
        for precision in set(precisions.values()):
            peaks[precision].append(peak(width, precision, machine.device))
    rows = []
    medians = {rung: statistics.median(values) for rung, values in measured.items()}
    for rung, values in measured.items():
        rate = medians[rung] * flops_per_review(layers, width)
        ratios = [value / base for value, base in zip(values, measured["tutorial"])]
        rows.append(
            [
                rung,
                medians[rung],
                f"{min(values):.3g} to {max(values):.3g}",
                statistics.median(ratios),
                rate / 1e9,
                rate / statistics.median(peaks[precisions[rung]]),
            ]
        )
    limits = ", ".join(
        f"{statistics.median(values) / 1e9:.0f} GFLOP/s in {str(precision)[6:]}"
        for precision, values in peaks.items()
    )
    note = f"Peak: {limits}. The highest ratio possible in the tutorial's precision: {1 / rows[0][-1]:.1f}."
    columns = ["recipe", "reviews a second", "range", "× tutorial", "real GFLOP/s", "share of peak"]
    return Table(f"`{name}`: {layers} × {width}, {rounds} rounds", columns, rows, note), medians


def flops_per_review(layers: int, width: int, lengths: np.ndarray = LENGTHS) -> float:
    """Count the floating-point operations of a training step per review, on real tokens alone."""
    matrices = 12 * layers * width**2
    return 3 * float((2 * matrices * lengths + 4 * layers * width * lengths.astype(float) ** 2).mean())


def peak(width: int, dtype: torch.dtype, device: str, seconds: float = 0.1) -> float:
    """Return the operations per second of the fastest of a layer's own matrix products.

    Each product of 1,024 tokens is kept up for `seconds`.
    """
    rates = []
    for rows, columns in ((width, width), (width, 4 * width), (4 * width, width)):
        left = torch.randn(1024, rows, dtype=dtype, device=device)
        right = torch.randn(rows, columns, dtype=dtype, device=device)
        (left @ right).sum().item()
        began = time.perf_counter()
        times = 0
        while time.perf_counter() - began < seconds:
            product = left @ right
            times += 1
        product.sum().item()  # waits for the device
        rates.append(2 * 1024 * rows * columns * times / (time.perf_counter() - began))
    return max(rates)


def minutes(speeds: dict[str, dict[str, float]]) -> Table:
    """Compute the times that follow from the throughput. An evaluation is a forward pass: a third of the
    work.
    """
    rows = []
    for name, measured in speeds.items():
        profile = PROFILES[name]
        reviews = profile.num_train_epochs * (profile.train_size + profile.eval_size / 3)
        recipes = (ladder.TUTORIAL, ladder.FAST, ladder.LAST)
        tokens = measured[ladder.LAST.name] * LENGTHS.mean()
        trainings = [reviews / measured[recipe.name] / 60 for recipe in recipes]
        rows.append([name, *trainings, tokens, ALL_OF_YELP * LENGTHS.mean() / tokens / 3600])
    columns = [
        "profile",
        "tutorial's recipe, minutes",
        "notebooks' recipe, minutes",
        "last rung, minutes",
        "real tokens a second on it",
        "all 650,000 reviews, one epoch, hours",
    ]
    note = (
        "Computed from the throughput above: three epochs of 1,000 reviews with an evaluation of 1,000 after"
        f" each; and one pass over all of Yelp's, at a mean of {LENGTHS.mean():.0f} tokens a review."
    )
    return Table("What a training takes", columns, rows, note)
