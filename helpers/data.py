"""Text → tokens → batches: checks of a dataset, token lengths, and what padding costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PADDING_STRATEGIES = ("max_length", "longest", "group_by_length")


def check_dataset(dataset, num_labels: int) -> None:
    """Raise ValueError, saying what to do, unless `dataset` can train a classifier of `num_labels` classes.

    It needs at least one row, a column "text" without empty texts, and a column "label" of ints in 0 … num_labels - 1.
    """
    missing = [name for name in ("text", "label") if name not in dataset.column_names]
    if missing:
        raise ValueError(
            f"The dataset needs columns 'text' and 'label'; it has {dataset.column_names}. "
            "Rename yours with dataset.rename_column(old, new)."
        )
    if not len(dataset):
        raise ValueError("The dataset has zero rows. Check the split's name and the size you selected.")
    empty = [i for i, text in enumerate(dataset["text"]) if not isinstance(text, str) or not text.strip()]
    if empty:
        raise ValueError(
            f"{len(empty)} of {len(dataset)} texts are empty or not text (the first in row {empty[0]}). "
            "Remove them: dataset.filter(lambda row: bool((row['text'] or '').strip()))."
        )
    _check_labels(dataset["label"], num_labels)


def _check_labels(labels: Sequence, num_labels: int) -> None:
    wrong = Counter(repr(label) for label in labels if type(label) is not int or not 0 <= label < num_labels)
    if wrong:
        raise ValueError(
            f"Labels must be integers from 0 to {num_labels - 1}, because num_labels is {num_labels}; "
            f"found {', '.join(f'{value} ({count} times)' for value, count in wrong.most_common(3))}. "
            "Map them to integers, or set num_labels to the number of classes."
        )


def token_lengths(attention_masks: Sequence[Sequence[int]]) -> np.ndarray:
    """Real tokens per text, shape (texts,), special tokens included, padding not."""
    return np.array([sum(mask) for mask in attention_masks], dtype=np.int64)


@dataclass(frozen=True)
class PaddingCost:
    """What one epoch computes under a padding strategy, in tokens."""

    strategy: str
    real_tokens: int
    computed_tokens: int

    @property
    def padding_share(self) -> float:
        """Share of computed tokens that is padding, 0 … 1."""
        return 1 - self.real_tokens / self.computed_tokens


def batch_lengths(lengths: np.ndarray, batch_size: int, strategy: str, max_length: int = 512, seed: int = 42) -> list[np.ndarray]:
    """The real lengths in each batch of one epoch, in training order.

    "max_length" and "longest" shuffle; "group_by_length" orders with the function behind
    `TrainingArguments(train_sampling_strategy="group_by_length")`. Lengths above `max_length` are truncated to it.
    """
    if strategy not in PADDING_STRATEGIES:
        raise ValueError(f"strategy must be one of {', '.join(PADDING_STRATEGIES)}, got {strategy!r}.")
    if not len(lengths) or batch_size < 1:
        raise ValueError(f"Expected lengths and a batch_size of at least 1, got {len(lengths)} lengths and {batch_size}.")
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    lengths = np.minimum(lengths, max_length)
    generator = torch.Generator().manual_seed(seed)
    if strategy == "group_by_length":
        order = get_length_grouped_indices(lengths.tolist(), batch_size, generator=generator)
    else:
        order = torch.randperm(len(lengths), generator=generator).tolist()
    return [lengths[order[i : i + batch_size]] for i in range(0, len(order), batch_size)]


def padding_cost(lengths: np.ndarray, batch_size: int, strategy: str, max_length: int = 512, seed: int = 42) -> PaddingCost:
    """Tokens computed in one epoch when every batch is padded to `max_length`, or to its longest text."""
    batches = batch_lengths(lengths, batch_size, strategy, max_length, seed)
    computed = sum(len(batch) * (max_length if strategy == "max_length" else int(batch.max())) for batch in batches)
    return PaddingCost(strategy, real_tokens=int(sum(batch.sum() for batch in batches)), computed_tokens=computed)
