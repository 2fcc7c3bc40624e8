"""Name the two columns of a dataset "text" and "label", and check that a classifier can learn from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from helpers.profiles import Profile

_ONE_CLASS = (
    "A model would learn to give only this answer, and look perfect. "
    "If the rows are sorted by label, shuffle before you select: "
    "dataset.shuffle(seed=42).select(range(1000)). Otherwise take a dataset with at least two classes."
)


def text_and_label(dataset, profile: Profile):
    """Return a `DatasetDict` of the splits "train" and "test" with the columns "text" and "label".

    `dataset` is what `load_dataset` returned. The profile says which columns to rename (`columns`) and which
    split to evaluate on (`eval_split`). The profile may also name the classes (`label_names`), or rename
    those of the dataset. The labels may be texts or integers from 0; the result has them as a `ClassLabel`.
    Each row needs a label, and there must be at least two classes. "train" must have `train_size` rows to
    train on and `eval_size` more to validate on. If something does not fit, the function raises ValueError,
    which says what it found and what to write.
    """
    from datasets import ClassLabel, DatasetDict

    # The splits
    if missing := [split for split in ("train", profile.eval_split) if split not in dataset]:
        raise ValueError(
            f"The dataset has no split {' and no '.join(map(repr, missing))}; it has {list(dataset)}. "
            "Set eval_split in the Profile. If the files are your own, put train.csv and test.csv "
            "(or .parquet) into one folder."
        )
    chosen = DatasetDict(train=dataset["train"], test=dataset[profile.eval_split])

    # The columns
    for split in chosen.values():
        _check_columns(split.column_names, profile.columns)
    chosen = chosen.rename_columns(dict(profile.columns)).select_columns(["text", "label"])

    # The numbers of rows
    rows = {name: len(split) for name, split in chosen.items()}
    if rows["train"] < profile.train_size + profile.eval_size:
        raise ValueError(
            f"The profile asks for {profile.train_size:,} rows of 'train' to train on and for "
            f"{profile.eval_size:,} others to validate on, but 'train' has {rows['train']:,}. "
            "Lower train_size or eval_size in the Profile."
        )
    if rows["test"] < profile.eval_size:
        raise ValueError(
            f"The profile asks for {profile.eval_size:,} rows of {profile.eval_split!r}, which has "
            f"{rows['test']:,}. Set eval_size to no more than that."
        )

    # The classes
    label_column = next((old for old, new in profile.columns.items() if new == "label"), "label")
    _check_labelled(chosen, label_column)
    names = _class_names(chosen, profile.label_names, label_column)
    if len(names) < 2:
        raise ValueError(f"Every row has the same label, {names[0]!r}. {_ONE_CLASS}")
    if all(split.features["label"] == ClassLabel(names=names) for split in chosen.values()):
        return chosen
    return chosen.cast_column("label", ClassLabel(names=names))


def _check_columns(found: list[str], renamed: Mapping[str, str]) -> None:
    """Raise ValueError unless the renamed columns exist and two of them will be "text" and "label"."""
    absent = [old for old in renamed if old not in found]
    wanted = [name for name in ("text", "label") if name not in [renamed.get(old, old) for old in found]]
    if absent or wanted:
        raise ValueError(
            f"The dataset has the columns {found}; the course needs 'text' and 'label'. "
            "Name yours in the Profile: "
            'columns={"your text column": "text", "your label column": "label"}.'
        )


def _check_labelled(dataset, label_column: str) -> None:
    """Raise ValueError unless each row has one label. `label_column` is its name before renaming."""
    from datasets import ClassLabel, Value

    for name, split in dataset.items():
        feature = split.features["label"]
        if not isinstance(feature, (ClassLabel, Value)):
            raise ValueError(
                f"The column {label_column!r} holds {feature}; "
                "the course needs one text or one integer per row. Name another column in columns=."
            )
        if None in split.unique("label"):
            raise ValueError(
                f"Some rows of {name!r} have no label (None). Remove them before this line: "
                f"dataset = dataset.filter(lambda row: row[{label_column!r}] is not None)."
            )


def _class_names(dataset, given: Sequence[str] | None, label_column: str) -> list[str]:
    """Return the names of the classes in order, or raise ValueError if a label has no name.

    The names are those given, or else the dataset's own, or else the texts found as labels, sorted.
    """
    from datasets import ClassLabel

    # The dataset names its classes
    feature = dataset["train"].features["label"]
    if isinstance(feature, ClassLabel):
        if given is not None and len(given) != len(feature.names):
            raise ValueError(
                f"label_names has {len(given)} names, "
                f"but the dataset has {len(feature.names)} classes: {feature.names}."
            )
        return list(given or feature.names)

    # Nobody names them
    found = {label for split in dataset.values() for label in split.unique("label")}
    only_texts = all(isinstance(label, str) for label in found)
    shown = ", ".join(sorted(map(repr, found))[:8])
    if given is None:
        if only_texts:
            return sorted(found)
        raise ValueError(
            f"The labels are not texts but {shown}. "
            'Name the classes in the Profile, in order: label_names=("bad", "good").'
        )

    # The profile names them
    allowed = set(given) if only_texts else set(range(len(given)))
    if not all(type(label) in (str, int) and label in allowed for label in found):
        raise ValueError(
            f"Labels must be one of {list(given)}, or integers from 0 to {len(given) - 1}; found {shown}. "
            + _label_advice(found, len(given), label_column)
        )
    return list(given)


def _label_advice(found: set, classes: int, label_column: str) -> str:
    """Say how to make the labels that were found fit."""
    # If a single label in a CSV file is empty, all of them arrive as floats: 1.0, 2.0, …
    if any(isinstance(label, float) for label in found):
        return (
            "Cast them before this line: "
            f'dataset = dataset.cast_column({label_column!r}, datasets.Value("int64")).'
        )
    if found <= set(range(1, classes + 1)):
        return (
            "Let them start at 0: "
            f"dataset = dataset.map(lambda row: {{{label_column!r}: row[{label_column!r}] - 1}})."
        )
    return "Name every class in label_names, or remove the rows of other classes with dataset.filter."


def check_dataset(dataset, num_labels: int) -> None:
    """Check that a classifier of `num_labels` classes can learn from `dataset`, or raise ValueError.

    The error says what to do. The dataset needs at least one row, a column "text" without empty texts, and a
    column "label" of integers in 0 … num_labels - 1. The labels must not all be the same. A single row is
    allowed: to learn one text by heart is a useful test of a model.
    """
    # The columns and the rows
    missing = [name for name in ("text", "label") if name not in dataset.column_names]
    if missing:
        raise ValueError(
            f"The dataset needs columns 'text' and 'label'; it has {dataset.column_names}. "
            "Rename yours with dataset.rename_column(old, new)."
        )
    if not len(dataset):
        raise ValueError("The dataset has zero rows. Check the split's name and the size you selected.")

    # The texts
    empty = [i for i, text in enumerate(dataset["text"]) if not isinstance(text, str) or not text.strip()]
    if empty:
        raise ValueError(
            f"{len(empty)} of {len(dataset)} texts are empty or not text (the first in row {empty[0]}). "
            "Remove them: dataset.filter(lambda row: bool((row['text'] or '').strip()))."
        )

    # The labels
    _check_labels(dataset["label"], num_labels)


def _check_labels(labels: Sequence, num_labels: int) -> None:
    """Raise ValueError unless the labels are integers in 0 … num_labels - 1, and not all the same."""
    wrong = Counter(repr(label) for label in labels if type(label) is not int or not 0 <= label < num_labels)
    found = ", ".join(f"{value} ({count} times)" for value, count in wrong.most_common(3))
    # -1 is how the test splits of competitions hide their labels
    if wrong and wrong.keys() <= {"None", "-1"}:
        raise ValueError(
            f"{wrong.total()} of {len(labels)} rows have no label: found {found}. "
            "Remove them with dataset.filter(lambda row: row['label'] not in (None, -1)), "
            "or take another split."
        )
    if wrong:
        raise ValueError(
            f"Labels must be integers from 0 to {num_labels - 1}, because num_labels is {num_labels}; "
            f"found {found}. Map them to integers, or set num_labels to the number of classes."
        )
    if num_labels < 2 or (len(labels) > 1 and len(set(labels)) == 1):
        raise ValueError(f"Every row has the same label, {labels[0]}. {_ONE_CLASS}")
