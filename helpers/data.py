"""Text → tokens → batches: checks of a dataset, token lengths, and what padding costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.profiles import Profile

PADDING_STRATEGIES = ("max_length", "longest", "group_by_length")
_ONE_CLASS = (
    "A model would learn to say nothing else, and look perfect. Where the rows are sorted by label, shuffle before you select: "
    "dataset.shuffle(seed=42).select(range(1000)); else take a dataset with at least two classes."
)


def text_and_label(dataset, profile: Profile):
    """A `DatasetDict` of the splits "train" and "test" with the columns "text" and "label", the label a `ClassLabel`.

    `dataset` is what `load_dataset` returned. The profile says what to rename (`columns`), which split is for evaluation
    (`eval_split`) and, where the dataset does not, what the classes are called (`label_names`). Labels may be texts or
    integers from 0; each row has one, and there are two classes at least. Raises ValueError, saying what was found and
    what to write.
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
    label_column = next((old for old, new in profile.columns.items() if new == "label"), "label")
    _check_labelled(chosen, label_column)
    names = _class_names(chosen, profile.label_names, label_column)
    if len(names) < 2:
        raise ValueError(f"Every row has the same label, {names[0]!r}. {_ONE_CLASS}")
    if all(split.features["label"] == ClassLabel(names=names) for split in chosen.values()):
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


def _check_labelled(dataset, label_column: str) -> None:
    from datasets import ClassLabel, Value

    for name, split in dataset.items():
        if not isinstance(feature := split.features["label"], (ClassLabel, Value)):
            raise ValueError(f"The column {label_column!r} holds {feature}; a label is one text or one integer a row. Name another one in columns=.")
        if None in split.unique("label"):
            raise ValueError(
                f"Some rows of {name!r} have no label (None). Remove them before this line: "
                f"dataset = dataset.filter(lambda row: row[{label_column!r}] is not None)."
            )


def _class_names(dataset, given: Sequence[str] | None, label_column: str) -> list[str]:
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
        raise ValueError(
            f"Labels must be one of {list(given)}, or integers from 0 to {len(given) - 1}; found {shown}. "
            + _label_advice(found, len(given), label_column)
        )
    return list(given)


def _label_advice(found: set, classes: int, label_column: str) -> str:
    if any(isinstance(label, float) for label in found):  # a CSV file with an empty label has them all as 1.0, 2.0, …
        return f'Cast them before this line: dataset = dataset.cast_column({label_column!r}, datasets.Value("int64")).'
    if found <= set(range(1, classes + 1)):
        return f"Let them start at 0: dataset = dataset.map(lambda row: {{{label_column!r}: row[{label_column!r}] - 1}})."
    return "Name every class in label_names, or remove the rows that are none of them with dataset.filter."


def check_dataset(dataset, num_labels: int) -> None:
    """Raise ValueError, saying what to do, unless `dataset` can train a classifier of `num_labels` classes.

    It needs at least one row, a column "text" without empty texts, and a column "label" of ints in 0 … num_labels - 1,
    not all the same. A single row passes: a model that cannot learn one text by heart has a fault.
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
    found = ", ".join(f"{value} ({count} times)" for value, count in wrong.most_common(3))
    if wrong and wrong.keys() <= {"None", "-1"}:
        raise ValueError(
            f"{wrong.total()} of {len(labels)} rows have no label: found {found}. "
            "Remove them, dataset.filter(lambda row: row['label'] not in (None, -1)), or take another split."
        )
    if wrong:
        raise ValueError(
            f"Labels must be integers from 0 to {num_labels - 1}, because num_labels is {num_labels}; found {found}. "
            "Map them to integers, or set num_labels to the number of classes."
        )
    if num_labels < 2 or (len(labels) > 1 and len(set(labels)) == 1):
        raise ValueError(f"Every row has the same label, {labels[0]}. {_ONE_CLASS}")


def check_tokenizer(tokenizer) -> None:
    """Raise OSError when the tokenizer knows nothing but its special tokens, ValueError when it cannot pad.

    A missing vocabulary is no error to `from_pretrained`, not even when it is missing because the download failed: every
    word would become [UNK], and the model would learn from nothing. Models that write texts, such as GPT-2, often have no
    pad token, which is no error either before the first batch.
    """
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise OSError(
            f"The tokenizer of {tokenizer.name_or_path} came without its vocabulary. Its download may have failed: run this cell again. "
            "If that does not help, the checkpoint has none: take its original's, or another model."
        )
    if tokenizer.pad_token is None:
        token = "tokenizer.eos_token" if tokenizer.eos_token is not None else "tokenizer.unk_token"
        raise ValueError(
            f"The tokenizer of {tokenizer.name_or_path} has no pad token, so texts of different lengths do not fit into one batch. "
            f"Write tokenizer.pad_token = {token} in the line above, and wherever a model's config is loaded, right after it: "
            "config.pad_token_id = tokenizer.pad_token_id."
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
        """Share of computed tokens that is padding, 0 … 1; 0 where nothing is computed."""
        return 1 - self.real_tokens / self.computed_tokens if self.computed_tokens else 0.0


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
