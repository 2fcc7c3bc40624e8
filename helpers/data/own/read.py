"""One call from a file of yours to train, validation and test: `own_data`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path

from helpers.data.own.columns import choose_label, choose_text, has_label, multi_label_columns
from helpers.data.own.contents import note_contents, without_html
from helpers.data.own.errors import OwnDataError, nearest
from helpers.data.own.formats import read_tables
from helpers.data.own.labels import Classes, find_classes, labels_in_cells, several_in_a_cell
from helpers.data.own.sources import SPLIT_OF, Source, find_sources, read_bytes, split_named
from helpers.data.own.splits import ORDER, Row, divide
from helpers.data.own.tables import Table, cell
from helpers.language import _, wrapped
from helpers.profiles import PROFILES, Profile


class _Notes(list):
    """Sentences that are printed as they are made."""

    def append(self, sentence: str) -> None:
        super().append(sentence)
        print("• " + "\n  ".join(wrapped(sentence, 86)))


@dataclass
class OwnData:
    """A dataset of yours, ready to train on.

    `dataset` is a `DatasetDict` of "train", "validation" and "test" with the columns "text" and "label". The
    label is a `ClassLabel`; with several labels at once, it is a list of zeros and ones, one for each name.
    `ordered` says whether the order of the classes means something, as with stars. `notes` says what was
    done. `unlabelled` holds the texts of a file without labels, or is None. `rows_read` counts all rows of
    all files; `rows_dropped` counts those that are not in `dataset` or `unlabelled`, by reason.
    """

    dataset: object
    label_names: list[str]
    ordered: bool
    notes: list[str]
    rows_read: int
    rows_dropped: dict[str, int] = field(default_factory=dict)
    unlabelled: object = None
    multi_label: bool = False

    def save(self, name: str, base: str | Profile = "offline") -> Path:
        """Write the data into a folder of its own. `PROFILE = "own/name"` in a setup cell then opens it.

        The model, its learning rate and its other settings are those of the profile `base`, or of one that
        you give. Returns the folder. Raises ValueError for a name that is no folder's name, an unknown
        profile, or several labels at once, for which notebooks 1 to 3 are not made.
        """
        if self.multi_label:
            raise ValueError(
                _(
                    "Expected one label a row, as notebooks 1 to 3 train on. Several labels at once are "
                    "trained at the end of notebook 6."
                )
            )
        if isinstance(base, str) and base not in PROFILES:
            raise ValueError(
                _("Expected base to be one of {profiles}, got {base!r}.").format(
                    profiles=list(PROFILES), base=base
                )
            )
        folder = saved_folder(name)
        if folder.exists():
            print(_("The earlier set of the name {name!r} is replaced.").format(name=name))
        folder.mkdir(parents=True, exist_ok=True)
        profile = self._profile(PROFILES[base] if isinstance(base, str) else base, str(folder))
        for split, rows in self._arranged(profile).items():
            rows.to_parquet(folder / f"{split}.parquet")
        settings = {key: value for key, value in asdict(profile).items() if key != "dataset"}
        settings |= {"name": f"own/{name}", "columns": {}}
        (folder / "profile.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
        print(
            _('Saved in {folder}. PROFILE = "own/{name}" in a setup cell opens it.').format(
                folder=folder, name=name
            )
        )
        return folder

    def _profile(self, base: Profile, folder: str) -> Profile:
        """Return the profile that trains `base`'s model on this data, which lies in `folder`."""
        sizes = {name: len(rows) for name, rows in self.dataset.items()}
        return base.with_dataset(
            folder,
            train_size=min(sizes["train"], base.train_size),
            eval_size=min(sizes["validation"], sizes["test"], base.eval_size),
            ordered=self.ordered,
        )

    def _arranged(self, profile: Profile):
        """Return the splits "train" and "test" as the notebooks divide them.

        They shuffle "train" with seed 42, train on its first rows and validate on the next ones. So the rows
        are put where this shuffle finds them: a text never trains in one notebook and judges in another.
        """
        from datasets import Dataset, DatasetDict, concatenate_datasets

        train, validation = self.dataset["train"].shuffle(seed=42), self.dataset["validation"]
        pooled = concatenate_datasets([train, validation])
        after = range(len(train), len(pooled))
        wanted = [*range(profile.train_size), *after, *range(profile.train_size, len(train))]
        places = Dataset.from_dict({"row": range(len(pooled))}).shuffle(seed=42)["row"][:]
        order = [row for _place, row in sorted(zip(places, wanted, strict=True))]
        return DatasetDict(train=pooled.select(order), test=self.dataset["test"])


def saved_folder(name: str) -> Path:
    """Return the folder of a saved set. Raises ValueError for a name that is no folder's name."""
    import helpers

    if not isinstance(name, str) or not re.fullmatch(r"[\w-][\w. -]*", name):
        raise ValueError(
            _("Expected a name such as 'reviews', of letters, digits and -_., got {name!r}.").format(
                name=name
            )
        )
    return helpers.runs_folder() / "own" / name


def own_profile(name: str) -> Profile:
    """Return the profile of a set that `OwnData.save` wrote. Raises ValueError if there is none."""
    folder = saved_folder(name)
    try:
        settings = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        saved = sorted(path.parent.name for path in folder.parent.glob("*/profile.json"))
        raise ValueError(
            _("Expected a set that was saved as {name!r}, but {folder} has no readable profile.json.").format(
                name=name, folder=folder
            )
            + " "
            + nearest(name, saved)
            + _("Saved here: {saved}. Save yours in notebook 6.").format(saved=saved or _("nothing yet"))
        ) from error
    names = settings["label_names"]
    return Profile(dataset=str(folder), **settings | {"label_names": tuple(names) if names else None})


def own_data(
    path,
    *,
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    header: bool | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    multi_label: bool = False,
    ordered: bool | None = None,
    clean_html: bool = False,
    seed: int = 42,
) -> OwnData:
    """Read a dataset of yours, and divide it into train, validation and test.

    `path` is a file, a folder, a zip, a list of files, a pandas `DataFrame`, a `Dataset` or a `DatasetDict`.
    What is not given is guessed, and each guess is printed. `text` may name several columns, which are
    joined. No row is lost without a word: see `OwnData`. Raises OwnDataError for what cannot be used, with a
    sentence that says what was expected, what was found and what to do.
    """
    for name, value in {"header": header, "ordered": ordered}.items():
        if value is not None and not isinstance(value, bool):
            raise OwnDataError(
                _("Expected True, False or None for {name}=, got {value!r}.").format(name=name, value=value)
            )
    notes = _Notes()
    tables = _tables(path, notes, header=header, separator=separator, encoding=encoding)
    rows_read = sum(table.rows_in_file for table in tables)
    dropped = sum((table.dropped for table in tables), Counter())

    # The columns and the rows
    main = _main_table(tables)
    texts, labels, order = _columns(main, text, label, multi_label, notes)
    _note_pooled(tables, notes)
    labelled = [table for table in tables if _is_labelled(table, labels, main)]
    without = [table for table in tables if table not in labelled]
    rows, values = _rows_of(labelled, texts, labels, notes)
    names, is_ordered = _give_labels(rows, values, labels, multi_label, order, main, notes)
    rows = _complete(rows, dropped, notes)
    if clean_html:
        for row in rows:
            row.text = without_html(row.text)
    note_contents(rows, names, clean_html, notes)

    # The splits
    given = divide(rows, names, seed, notes)
    left_out = len(rows) - sum(map(len, given.values()))
    dropped["copies of a row that judges"] += left_out
    _refuse_too_few(given, names)
    mine = OwnData(
        dataset=_as_datasets(given, names, multi_label),
        label_names=names,
        ordered=is_ordered if ordered is None else ordered,
        notes=notes,
        rows_read=rows_read,
        rows_dropped={reason: count for reason, count in dropped.items() if count},
        unlabelled=_unlabelled(without, texts, notes),
        multi_label=multi_label,
    )
    sizes = ", ".join(
        _("{rows} {split}").format(rows=f"{len(given[split]):,}", split=split) for split in ORDER
    )
    notes.append(
        _("{rows:,} rows read: {sizes}. Text: {texts}; label: {labels}; {count} classes: {names}").format(
            rows=rows_read,
            sizes=sizes,
            texts=" + ".join(map(repr, texts)),
            labels=", ".join(map(repr, labels)),
            count=len(names),
            names=", ".join(names[:12]) + (", …" if len(names) > 12 else "."),
        )
    )
    return mine


_SPLIT_COLUMNS = ("split", "set", "subset", "partition", "fold", "usage")
# Folders of texts that nobody has labelled
_NO_CLASS = ("unsup", "unlabeled", "unlabelled")


def _main_table(tables: list[Table]) -> Table:
    """Return the table in which to look for the columns: one with the most, if possible for training."""
    widest = max(len(table.columns) for table in tables)
    wide = [table for table in tables if len(table.columns) == widest]
    return next((table for table in wide if table.split == "train"), wide[0])


def _columns(main: Table, text, label, multi_label: bool, notes) -> tuple[list[str], list[str], list | None]:
    """Return the columns of text and of label, and the classes in order if another column numbers them."""
    if not multi_label:
        chosen, order = choose_label(main, label, text, notes)
        return choose_text(main, text, chosen, notes), [chosen], order
    labels = multi_label_columns(main, label, choose_text(main, text, None, []))
    return choose_text(main, text, labels[0], notes), labels, None


def _rows_of(tables: list[Table], texts, labels, notes) -> tuple[list[Row], list[list]]:
    """Return the rows of all tables, not labelled yet, and for each row what stands in its label columns."""
    rows, values = [], []
    for table in tables:
        _check_texts(table, texts)
        places = [table.columns.index(name) for name in (*texts, *labels)]
        splits = _splits_of_rows(table, (*texts, *labels), notes)
        for number, row in enumerate(table.rows, 1):
            parts = [row[place] for place in places[: len(texts)]]
            joined = "\n".join(part for part in parts if isinstance(part, str) and not _is_blank(part))
            place = _("data row {row} of {table}").format(row=number, table=table.name)
            rows.append(Row(joined, None, splits[number - 1], place))
            values.append([row[place] for place in places[len(texts) :]])
    return rows, values


def _tables(path, notes, **how) -> list[Table]:
    """Read all tables behind `path`. Texts in folders of their class become one table for each split."""
    if (tables := _from_memory(path)) is not None:
        return tables
    sources = find_sources(path, notes)
    of_classes = [source for source in sources if source.label is not None]
    tables = [
        table for source in sources if source.label is None for table in read_tables(source, notes, **how)
    ]
    of_classes.sort(key=lambda source: (source.split or "", source.name))
    for split, group in groupby(of_classes, key=lambda source: source.split):
        files = [[cell(_decoded(source, how["encoding"])), source.label] for source in group]
        without = [row[:1] for row in files if row[1].lower() in _NO_CLASS]
        name = _("the folders of {split}").format(split=split) if split else _("the folders of texts")
        if without:
            of_nobody = (
                _("the unlabelled texts of {split}").format(split=split)
                if split
                else _("the unlabelled texts of the folder")
            )
            tables.append(Table(of_nobody, ["text"], without, split))
        rows = [row for row in files if row[1].lower() not in _NO_CLASS]
        tables.append(Table(name, ["text", "label"], rows, split))
    return tables


def _decoded(source: Source, encoding: str | None) -> str:
    data = read_bytes(source)
    for name in (encoding or "utf-8-sig", "cp1252"):
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _from_memory(path) -> list[Table] | None:
    """Return the tables of a DataFrame, a Dataset or a DatasetDict; None for anything that lies on a disk."""
    if isinstance(path, list) and path and all(isinstance(row, dict) for row in path):
        table = Table(_("the list"), list(dict.fromkeys(name for row in path for name in row)), [])
        table.rows = [[cell(row.get(name)) for name in table.columns] for row in path]
        return [_checked(table)]
    if hasattr(path, "iterrows") and hasattr(path, "dtypes"):  # pandas
        return [_checked(_of_frame(path))]
    if hasattr(path, "column_names") and hasattr(path, "features"):
        return [_checked(_of_dataset(path, _("the Dataset"), None))]
    if hasattr(path, "column_names") and hasattr(path, "items"):
        tables = [
            _of_dataset(rows, _("split {name!r}").format(name=name), split_named(name))
            for name, rows in path.items()
        ]
        return [_checked(table) for table in tables or [Table(_("the DatasetDict"), [], [])]]
    return None


def _of_frame(frame) -> Table:
    table = Table(_("the DataFrame"), [str(name) for name in frame.columns], [])
    table.rows = [[cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    for name, kind in zip(table.columns, frame.dtypes, strict=True):
        if getattr(kind, "ordered", False):
            table.class_names[name] = [str(one) for one in kind.categories]
            table.ordered.add(name)
    return table


def _of_dataset(dataset, name: str, split: str | None) -> Table:
    table = Table(name, list(dataset.column_names), [], split)
    classes = {}
    for column, feature in dataset.features.items():
        if names := getattr(feature, "names", None):
            classes[column] = list(names)
    table.class_names = classes
    for row in dataset.with_format(None):
        named = {
            name: _named(classes[name], value) if name in classes else value for name, value in row.items()
        }
        table.rows.append([cell(value) for value in named.values()])
    return table


def _named(names: list[str], value) -> str | None:
    """Return the name of a class; None for -1, which stands for no label."""
    return names[value] if isinstance(value, int) and value >= 0 else None


def _checked(table: Table) -> Table:
    if not table.rows:
        raise OwnDataError(
            _("Expected rows of text and label in {table}, but it is empty.").format(table=table.name)
        )
    return table


def _is_labelled(table: Table, labels: Sequence[str], main: Table) -> bool:
    """Return whether a table has labels. A test file may have none, or -1 in each row."""
    if table is main or len(labels) > 1:
        return True
    return has_label(table, labels[0]) and set(table.column(labels[0])) != {"-1"}


def _note_pooled(tables: Sequence[Table], notes: list[str]) -> None:
    for split in ORDER:
        names = [table.name for table in tables if table.split == split]
        if len(names) > 1:
            notes.append(_("Put together as {split}: {tables}.").format(split=split, tables=", ".join(names)))


def _splits_of_rows(table: Table, used: Sequence[str], notes: list[str]) -> list[str | None]:
    """Return the split of each row: the file's own, or what a column called "split" or the like says."""
    for name in table.columns:
        if table.split is None and name.strip().lower() in _SPLIT_COLUMNS and name not in used:
            values = [str(value).strip().lower() for value in table.column(name)]
            if set(values) <= SPLIT_OF.keys():
                notes.append(_("The column {name!r} says which row is of which split.").format(name=name))
                return [SPLIT_OF[value] for value in values]
    return [table.split] * len(table.rows)


def _is_blank(text: str) -> bool:
    """Return whether this stands for no text. What spreadsheets and pandas write there counts, too."""
    return text.strip().lower() in ("", "n/a", "#n/a", "na", "nan", "null", "<na>")


def _check_texts(table: Table, texts: Sequence[str]) -> None:
    for name in texts:
        if name not in table.columns:
            raise OwnDataError(
                _(
                    "Expected the columns of the other files in {table}, too, but {name!r} is not among "
                    "{columns}."
                ).format(table=table.name, name=name, columns=table.columns)
                + " "
                + nearest(name, table.columns)
                + _("Rename it, or give the files one by one.")
            )


def _give_labels(rows, values, labels, multi_label, order, main, notes) -> tuple[list[str], bool]:
    """Write the number of its class into each row. Returns the names of the classes, and whether ordered."""
    if multi_label and len(labels) > 1:
        for row, flags in zip(rows, values, strict=True):
            row.label = None if None in flags else [float(flag) for flag in flags]
        return list(labels), False
    column = [value[0] for value in values]
    separator = several_in_a_cell(column)
    if multi_label:
        names, zeros_and_ones = labels_in_cells(column, separator if separator not in (None, "list") else ",")
        for row, flags in zip(rows, zeros_and_ones, strict=True):
            row.label = flags
        return names, False
    if separator is not None:
        at = next(
            i for i, value in enumerate(column) if isinstance(value, tuple) or separator in (value or "")
        )
        raise OwnDataError(
            _(
                "Expected one label a row in {label!r}, but {place} holds {value!r}: that is multi-label. "
                "Read it so: own_data(…, label={label!r}, multi_label=True)."
            ).format(label=labels[0], place=rows[at].place, value=column[at])
        )
    if names := main.class_names.get(labels[0]):
        order = names
    classes: Classes = find_classes(column, labels[0], notes, [row.place for row in rows], order)
    for row, number in zip(rows, classes.numbers, strict=True):
        row.label = number
    return classes.names, classes.ordered or (labels[0] in main.ordered and len(classes.names) > 2)


def _complete(rows: list[Row], dropped: Counter, notes: list[str]) -> list[Row]:
    """Leave out rows without a text or a label, count them, and say where they are."""
    textless = [row for row in rows if not row.text]
    unlabelled = [row for row in rows if row.text and row.label is None]
    for reason, some, note in (
        ("no text", textless, _("Rows with no text: {count:,} left out ({places}).")),
        ("no label", unlabelled, _("Rows with no label: {count:,} left out ({places}).")),
    ):
        if some:
            dropped[reason] += len(some)
            places = ", ".join(row.place for row in some[:3]) + (" …" if len(some) > 3 else "")
            notes.append(note.format(count=len(some), places=places))
    return [row for row in rows if row.text and row.label is not None]


def _refuse_too_few(given: dict[str, list[Row]], names: Sequence[str]) -> None:
    different = len({row.text for rows in given.values() for row in rows})
    classes = {row.label for row in given["train"] if isinstance(row.label, int)}
    if (
        len(given["train"]) < 2
        or (classes and len(classes) < 2)
        or not given["validation"]
        or not given["test"]
    ):
        sizes = ", ".join(
            _("{rows} {split}").format(rows=len(rows), split=split) for split, rows in given.items()
        )
        raise OwnDataError(
            _(
                "Expected rows of two classes to train on, and some to validate and to test; found {sizes} "
                "rows with {texts} different texts, of the classes {classes}. If the text is in another "
                "column, name it: text=…. Otherwise add rows: with fewer than ten a class, nothing can be "
                "said."
            ).format(sizes=sizes, texts=different, classes=list(names)[:5])
        )


def _unlabelled(tables: Sequence[Table], texts: Sequence[str], notes: list[str]):
    """Return the texts of files without labels as a Dataset, or None."""
    from datasets import Dataset

    found = []
    for table in tables:
        _check_texts(table, texts)
        columns = [table.column(name) for name in texts]
        found += ["\n".join(part for part in parts if part) for parts in zip(*columns, strict=True)]
        notes.append(
            _(
                "{table} has no labels: its {rows:,} rows are set aside as `unlabelled`, since nothing can "
                "be judged on them."
            ).format(table=table.name, rows=len(table.rows))
        )
    return Dataset.from_dict({"text": found}) if found else None


def _as_datasets(given: dict[str, list[Row]], names: list[str], multi_label: bool):
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value

    kind = Sequence(Value("float32")) if multi_label else ClassLabel(names=names)
    features = Features({"text": Value("string"), "label": kind})
    return DatasetDict(
        {
            split: Dataset.from_dict(
                {"text": [row.text for row in rows], "label": [row.label for row in rows]}, features=features
            )
            for split, rows in given.items()
        }
    )
