"""Reckon what many devices need and save: memory, communication, and the minutes of a large training.

Everything here is arithmetic. It takes a measured pace and the speed of a link, and says what follows.
Numbers are 32 bits, as in notebook 3: a weight takes 4 bytes, its gradient 4, and AdamW's two numbers 8.
(Mixed precision as DeepSpeed does it takes 2 + 2 + 12, which are 16 bytes a weight again.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from transformers import PretrainedConfig

from helpers.language import _

_BYTES = 4  # of a number of 32 bits

# What each strategy divides among the processes: weights, gradients, the optimizer's numbers.
# Source: Rajbhandari et al. 2020, "ZeRO", section 5. FSDP divides the same as ZeRO 3.
STRATEGIES = {
    "DDP": (False, False, False),
    "ZeRO 1": (False, False, True),
    "ZeRO 2": (False, True, True),
    "ZeRO 3": (True, True, True),
    "FSDP": (True, True, True),
}


@dataclass(frozen=True)
class Memory:
    """Bytes that one process keeps during a training.

    Left out: the activations, which grow with the batch and the length of the texts, and the buffers in which
    numbers travel. DDP's buffers are as large as the gradients again, unless you set
    `gradient_as_bucket_view=True`. FSDP and ZeRO 3 collect the whole weights of one layer at a time.
    """

    weights: float
    gradients: float
    optimizer: float

    @property
    def total(self) -> float:
        return self.weights + self.gradients + self.optimizer


def count_weights(config: PretrainedConfig) -> int:
    """Return how many weights a classifier of this `config` has. It takes no memory, whatever their number.

    PyTorch's meta device makes tensors that have a shape and no content.
    """
    from transformers import AutoModelForSequenceClassification  # slow to import; plots need none

    with torch.device("meta"):
        model = AutoModelForSequenceClassification.from_config(config)
    return sum(parameter.numel() for parameter in model.parameters())


def memory(weights: int, strategy: str, processes: int) -> Memory:
    """Return what each of the `processes` keeps of a model with so many `weights`, trained with AdamW.

    `strategy` is one of `STRATEGIES`. Raises ValueError for another, or for fewer than one process.
    """
    _check(strategy, processes)
    whole = (weights * _BYTES, weights * _BYTES, 2 * weights * _BYTES)
    parts = (size / processes if divided else size for size, divided in zip(whole, STRATEGIES[strategy]))
    return Memory(*parts)


def sent_bytes(weights: int, strategy: str, processes: int) -> float:
    """Return how many bytes each process sends in one step, if the processes stand in a ring.

    The mean of all gradients (all-reduce) takes two rounds, and each sends (processes − 1) / processes of the
    gradients. Where the weights are divided, too, they are collected twice, and the gradients need one round.
    Source: Rajbhandari et al. 2020, section 7; Patarasuk & Yuan 2009 for the ring.
    """
    _check(strategy, processes)
    rounds = 3 if STRATEGIES[strategy][0] else 2
    return rounds * (processes - 1) / processes * weights * _BYTES


def sending_seconds(weights: int, strategy: str, processes: int, gigabits_per_second: float) -> float:
    """Return the seconds that one step's numbers travel, at the full speed of the slowest link.

    It leaves out each message's delay. DDP sends gradients while it computes others, and hides a part of it.
    """
    return sent_bytes(weights, strategy, processes) * 8 / (gigabits_per_second * 1e9)


def break_even_gigabits(weights: int, step_seconds: float) -> float:
    """Return the link speed (gigabits a second) below which DDP is slower than one process alone.

    `step_seconds` is what a step takes in one process. N processes divide its batch and compute for
    1 / N of that time, then send. Both the saved time and the sent bytes have the factor (N − 1) / N, so the
    answer is the same for two processes and for a hundred.
    """
    return 2 * weights * _BYTES * 8 / step_seconds / 1e9


def projected_minutes(
    rows: int,
    epochs: float,
    rows_per_second: float,
    batch_size: int,
    *,
    weights: int,
    processes: int,
    gigabits_per_second: float,
) -> float:
    """Return the minutes of a training with DDP, as a projection: nobody has measured it.

    `rows_per_second` is the measured pace of one process alone, and `batch_size` the rows of one process in a
    step. Each step takes the time for its batch, and then that for sending the gradients. Loading the data,
    evaluations and checkpoints are left out.
    """
    steps = math.ceil(rows / (batch_size * processes)) * epochs
    computing = batch_size / rows_per_second
    return steps * (computing + sending_seconds(weights, "DDP", processes, gigabits_per_second)) / 60


def _check(strategy: str, processes: int) -> None:
    if strategy not in STRATEGIES:
        text = _("The strategies are {strategies}; {strategy!r} is none of them.")
        raise ValueError(text.format(strategies=", ".join(STRATEGIES), strategy=strategy))
    if processes < 1:
        text = _("At least one process trains, got {processes}. Set processes to 1 or more.")
        raise ValueError(text.format(processes=processes))
