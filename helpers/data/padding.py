"""Measure how long texts are, and what padding costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.language import _

PADDING_STRATEGIES = ("max_length", "longest", "group_by_length")


def token_lengths(attention_masks: Sequence[Sequence[int]]) -> np.ndarray:
    """Count the tokens of each text, with special tokens and without padding: shape (texts,)."""
    return np.array([sum(mask) for mask in attention_masks], dtype=np.int64)


@dataclass(frozen=True)
class PaddingCost:
    """The tokens that a model computes in one epoch with a padding strategy, and how many are real."""

    strategy: str
    real_tokens: int
    computed_tokens: int

    @property
    def padding_share(self) -> float:
        """Return the share of the computed tokens that is padding, 0 … 1. It is 0 if nothing is computed."""
        return 1 - self.real_tokens / self.computed_tokens if self.computed_tokens else 0.0


def batch_lengths(
    lengths: np.ndarray, batch_size: int, strategy: str, max_length: int = 512, seed: int = 42
) -> list[np.ndarray]:
    """Return the real lengths of the texts in each batch of one epoch, in the order of training.

    "max_length" and "longest" shuffle the texts. "group_by_length" orders them with the function that
    `TrainingArguments(train_sampling_strategy="group_by_length")` uses. Lengths above `max_length` are
    truncated to it. Raises ValueError for an unknown strategy, no lengths, or a `batch_size` below 1.
    """
    # Check the arguments
    if strategy not in PADDING_STRATEGIES:
        raise ValueError(
            _("strategy must be one of {strategies}, got {strategy!r}.").format(
                strategies=", ".join(PADDING_STRATEGIES), strategy=strategy
            )
        )
    if not len(lengths) or batch_size < 1:
        raise ValueError(
            _(
                "Expected lengths and a batch_size of at least 1, got {lengths} lengths and {batch_size}."
            ).format(lengths=len(lengths), batch_size=batch_size)
        )
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    # Put the texts in order, then cut them into batches
    lengths = np.minimum(lengths, max_length)
    generator = torch.Generator().manual_seed(seed)
    if strategy == "group_by_length":
        order = get_length_grouped_indices(lengths.tolist(), batch_size, generator=generator)
    else:
        order = torch.randperm(len(lengths), generator=generator).tolist()
    return [lengths[order[i : i + batch_size]] for i in range(0, len(order), batch_size)]


def padding_cost(
    lengths: np.ndarray, batch_size: int, strategy: str, max_length: int = 512, seed: int = 42
) -> PaddingCost:
    """Count the tokens that a model computes in one epoch with this padding strategy.

    "max_length" pads every text to `max_length`, the other strategies to the longest text of its batch.
    """
    batches = batch_lengths(lengths, batch_size, strategy, max_length, seed)
    real = sum(int(batch.sum()) for batch in batches)
    if strategy == "max_length":
        computed = sum(len(batch) * max_length for batch in batches)
    else:
        computed = sum(len(batch) * int(batch.max()) for batch in batches)
    return PaddingCost(strategy, real_tokens=real, computed_tokens=computed)
