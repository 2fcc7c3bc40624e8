"""Text → tokens → batches: checks of a dataset, token lengths, and what padding costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.profiles import Profile

PADDING_STRATEGIES = ("max_length", "longest", "group_by_length")


def text_and_label(dataset, profile: Profile):
    """A `DatasetDict` of the splits "train" and "test" with the columns "text" and "label", the label a `ClassLabel`.

    `dataset` is what `load_dataset` returned. The profile says what to rename (`columns`), which split is for evaluation
    (`eval_split`) and, where the dataset does not, what the classes are called (`label_names`). Labels may be texts or
    integers from 0. Raises ValueError, saying what was found and what to write into the profile.
    """
    from datasets import ClassLabel, DatasetDict

    if missing := [split for split in ("train", profile.eval_split) if split not in dataset]:
        raise ValueError(
            f"The dataset has no split {' and no '.join(map(repr, missing))}; it has {list(dataset)}. Set eval_split in the Profile; "
            "for files of your own, put train.csv and test.csv (or .parquet) into one folder."
        )
    chosen = DatasetDict(train=dataset["train"], test=dataset[profile.eval_split])
    for split in chosen.values():
        _check_columns(split.column_names, profile.columns)
    chosen = chosen.rename_columns(dict(profile.columns)).select_columns(["text", "label"])
    for split, size in (("train", profile.train_size), ("test", profile.eval_size)):
        if len(chosen[split]) < size:
            field = "train_size" if split == "train" else "eval_size"
            raise ValueError(f"The profile asks for {size:,} rows of {split!r}, which has {len(chosen[split]):,}. Set {field} to no more than that.")
    names = _class_names(chosen, profile.label_names)
    if chosen["train"].features["label"] == ClassLabel(names=names):
        return chosen
    return chosen.cast_column("label", ClassLabel(names=names))


def _check_columns(found: list[str], renamed: Mapping[str, str]) -> None:
    absent = [old for old in renamed if old not in found]
    wanted = [name for name in ("text", "label") if name not in [renamed.get(old, old) for old in found]]
    if absent or wanted:
        raise ValueError(
            f"The dataset has the columns {found}; the course needs 'text' and 'label'. Name yours in the Profile: "
            'columns={"your text column": "text", "your label column": "label"}.'
        )


def _class_names(dataset, given: Sequence[str] | None) -> list[str]:
    """The classes in order: those given, else the dataset's own, else the texts found as labels, sorted."""
    from datasets import ClassLabel

    feature = dataset["train"].features["label"]
    if isinstance(feature, ClassLabel):
        if given is not None and len(given) != len(feature.names):
            raise ValueError(f"label_names has {len(given)} names, but the dataset has {len(feature.names)} classes: {feature.names}.")
        return list(given or feature.names)
    found = {label for split in dataset.values() for label in split.unique("label")}
    if given is None and all(isinstance(label, str) for label in found):
        return sorted(found)
    shown = ", ".join(sorted(map(repr, found))[:8])
    if given is None:
        raise ValueError(f'The labels are not texts but {shown}. Name the classes in the Profile, in order: label_names=("bad", "good").')
    allowed = set(given) if all(isinstance(label, str) for label in found) else set(range(len(given)))
    if not all(type(label) in (str, int) and label in allowed for label in found):
        raise ValueError(f"Labels must be one of {list(given)}, or integers from 0 to {len(given) - 1}; found {shown}.")
    return list(given)


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


def check_tokenizer(tokenizer) -> None:
    """Raise OSError when the tokenizer knows nothing but its special tokens.

    A missing vocabulary is no error to `from_pretrained`, not even when it is missing because the download failed: every
    word would become [UNK], and the model would learn from nothing.
    """
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise OSError(
            f"The tokenizer of {tokenizer.name_or_path} came without its vocabulary. Its download may have failed: run this cell again. "
            "If that does not help, the checkpoint has none: take its original's, or another model."
        )


def check_fast_tokenizer(tokenizer) -> None:
    """Raise ValueError for a slow tokenizer: only the fast ones say which piece belongs to which word."""
    if not tokenizer.is_fast:
        raise ValueError(f"{type(tokenizer).__name__} does not say which piece belongs to which word; load a fast tokenizer with AutoTokenizer.")


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
