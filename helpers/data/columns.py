"""Name the two columns of a dataset "text" and "label", and check that a classifier can learn from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from helpers.language import N_, _
from helpers.profiles import Profile

_ONE_CLASS = N_(
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
        if len(missing) == 1:
            lacking = _("The dataset has no split {missing[0]!r}; it has {splits}.")
        else:
            lacking = _("The dataset has no split {missing[0]!r} and no {missing[1]!r}; it has {splits}.")
        advice = _(
            "Set eval_split in the Profile. If the files are your own, put train.csv and test.csv "
            "(or .parquet) into one folder."
        )
        raise ValueError(f"{lacking.format(missing=missing, splits=list(dataset))} {advice}")
    chosen = DatasetDict(train=dataset["train"], test=dataset[profile.eval_split])

    # The columns
    for split in chosen.values():
        _check_columns(split.column_names, profile.columns)
    chosen = chosen.rename_columns(dict(profile.columns)).select_columns(["text", "label"])

    # The numbers of rows
    rows = {name: len(split) for name, split in chosen.items()}
    if rows["train"] < profile.train_size + profile.eval_size:
        raise ValueError(
            _(
                "The profile asks for {train_size:,} rows of 'train' to train on and for {eval_size:,} "
                "others to validate on, but 'train' has {found:,}. "
                "Lower train_size or eval_size in the Profile."
            ).format(train_size=profile.train_size, eval_size=profile.eval_size, found=rows["train"])
        )
    if rows["test"] < profile.eval_size:
        raise ValueError(
            _(
                "The profile asks for {eval_size:,} rows of {split!r}, which has {found:,}. "
                "Set eval_size to no more than that."
            ).format(eval_size=profile.eval_size, split=profile.eval_split, found=rows["test"])
        )

    # The classes
    label_column = next((old for old, new in profile.columns.items() if new == "label"), "label")
    _check_labelled(chosen, label_column)
    names = _class_names(chosen, profile.label_names, label_column)
    if len(names) < 2:
        raise ValueError(_one_class(repr(names[0])))
    if all(split.features["label"] == ClassLabel(names=names) for split in chosen.values()):
        return chosen
    return chosen.cast_column("label", ClassLabel(names=names))


def _one_class(label: str) -> str:
    """Say that every row has this label, and what to do."""
    return _("Every row has the same label, {label}.").format(label=label) + " " + _(_ONE_CLASS)


def _check_columns(found: list[str], renamed: Mapping[str, str]) -> None:
    """Raise ValueError unless the renamed columns exist and two of them will be "text" and "label"."""
    absent = [old for old in renamed if old not in found]
    wanted = [name for name in ("text", "label") if name not in [renamed.get(old, old) for old in found]]
    if absent or wanted:
        raise ValueError(
            _(
                "The dataset has the columns {columns}; the course needs 'text' and 'label'. "
                "Name yours in the Profile: "
                'columns={{"your text column": "text", "your label column": "label"}}.'
            ).format(columns=found)
        )


def _check_labelled(dataset, label_column: str) -> None:
    """Raise ValueError unless each row has one label. `label_column` is its name before renaming."""
    from datasets import ClassLabel, Value

    for name, split in dataset.items():
        feature = split.features["label"]
        if not isinstance(feature, (ClassLabel, Value)):
            raise ValueError(
                _(
                    "The column {column!r} holds {feature}; "
                    "the course needs one text or one integer per row. Name another column in columns=."
                ).format(column=label_column, feature=feature)
            )
        if None in split.unique("label"):
            raise ValueError(
                _(
                    "Some rows of {split!r} have no label (None). Remove them before this line: "
                    "dataset = dataset.filter(lambda row: row[{column!r}] is not None)."
                ).format(split=name, column=label_column)
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
                _("label_names has {given} names, but the dataset has {classes} classes: {names}.").format(
                    given=len(given), classes=len(feature.names), names=feature.names
                )
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
            _(
                "The labels are not texts but {labels}. "
                'Name the classes in the Profile, in order: label_names=("bad", "good").'
            ).format(labels=shown)
        )

    # The profile names them
    allowed = set(given) if only_texts else set(range(len(given)))
    if not all(type(label) in (str, int) and label in allowed for label in found):
        raise ValueError(
            _("Labels must be one of {names}, or integers from 0 to {last}; found {labels}.").format(
                names=list(given), last=len(given) - 1, labels=shown
            )
            + " "
            + _label_advice(found, len(given), label_column)
        )
    return list(given)


def _label_advice(found: set, classes: int, label_column: str) -> str:
    """Say how to make the labels that were found fit."""
    # If a single label in a CSV file is empty, all of them arrive as floats: 1.0, 2.0, …
    if any(isinstance(label, float) for label in found):
        return _(
            'Cast them before this line: dataset = dataset.cast_column({column!r}, datasets.Value("int64")).'
        ).format(column=label_column)
    if found <= set(range(1, classes + 1)):
        return _(
            "Let them start at 0: dataset = dataset.map(lambda row: {{{column!r}: row[{column!r}] - 1}})."
        ).format(column=label_column)
    return _("Name every class in label_names, or remove the rows of other classes with dataset.filter.")


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
            _(
                "The dataset needs columns 'text' and 'label'; it has {columns}. "
                "Rename yours with dataset.rename_column(old, new)."
            ).format(columns=dataset.column_names)
        )
    if not len(dataset):
        raise ValueError(_("The dataset has zero rows. Check the split's name and the size you selected."))

    # The texts
    empty = [i for i, text in enumerate(dataset["text"]) if not isinstance(text, str) or not text.strip()]
    if empty:
        raise ValueError(
            _(
                "{empty} of {rows} texts are empty or not text (the first in row {first}). "
                "Remove them: dataset.filter(lambda row: bool((row['text'] or '').strip()))."
            ).format(empty=len(empty), rows=len(dataset), first=empty[0])
        )

    # The labels
    _check_labels(dataset["label"], num_labels)


def _check_labels(labels: Sequence, num_labels: int) -> None:
    """Raise ValueError unless the labels are integers in 0 … num_labels - 1, and not all the same."""
    wrong = Counter(repr(label) for label in labels if type(label) is not int or not 0 <= label < num_labels)
    found = ", ".join(
        _("{value} ({count} times)").format(value=value, count=count) for value, count in wrong.most_common(3)
    )
    # -1 is how the test splits of competitions hide their labels
    if wrong and wrong.keys() <= {"None", "-1"}:
        raise ValueError(
            _(
                "{wrong} of {rows} rows have no label: found {labels}. "
                "Remove them with dataset.filter(lambda row: row['label'] not in (None, -1)), "
                "or take another split."
            ).format(wrong=wrong.total(), rows=len(labels), labels=found)
        )
    if wrong:
        raise ValueError(
            _(
                "Labels must be integers from 0 to {last}, because num_labels is {num_labels}; "
                "found {labels}. Map them to integers, or set num_labels to the number of classes."
            ).format(last=num_labels - 1, num_labels=num_labels, labels=found)
        )
    if num_labels < 2 or (len(labels) > 1 and len(set(labels)) == 1):
        raise ValueError(_one_class(str(labels[0])))
