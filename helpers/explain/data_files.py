"""Explain why a learner's own data files cannot be read: name the file, and the column, line or byte.

`load_dataset` wraps the reader's error in "An error occurred while generating the dataset". The reader's own
error does not name the file. But one of the functions that the error went through holds its name.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from types import GeneratorType

from helpers.explain.chain import asked_for, causes, held_values
from helpers.language import _

_KINDS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet")


def no_data_files(error: BaseException) -> str | None:
    """Explain that a folder holds no file that load_dataset reads; None for other errors."""
    if not _cause(error, "EmptyDatasetError", "DataFilesNotFoundError"):
        return None
    folder = asked_for(error)
    if folder is None or not os.path.isdir(folder):
        return None
    there = sorted(path.name for path in Path(folder).iterdir())
    if there:
        event = _("The folder {folder} holds {files}; load_dataset reads {kinds}.")
    else:
        event = _("The folder {folder} is empty; load_dataset reads {kinds}.")
    files = ", ".join(there[:6]) + (", …" if len(there) > 6 else "")
    event = event.format(folder=os.path.abspath(folder), files=files, kinds=", ".join(_KINDS))
    advice = _(
        "Put train.csv and test.csv into the folder. "
        "A table can be saved as CSV (in Excel: Save As → CSV UTF-8)."
    )
    return f"{event}\n{advice}"


def not_utf8(error: BaseException) -> str | None:
    """Explain that a text file is not in UTF-8, and where; None for other errors."""
    file = _file(error)
    if file is None or not _cause(error, "UnicodeDecodeError"):
        return None

    # Find the first byte that is not UTF-8
    before = 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as found:
                wrong = found.start
                break
            before += len(line)
        else:
            return None

    # Windows marks its own Unicode at the beginning. For other files, nobody can know the encoding.
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        advice = _(
            "Save it as UTF-8 (in Excel: Save As → CSV UTF-8), or name its encoding: "
            'load_dataset(…, encoding="utf-16").'
        )
    else:
        advice = _(
            "Save it as UTF-8 (in Excel: Save As → CSV UTF-8), or name its encoding: "
            'load_dataset(…, encoding="cp1252") (for Korean, cp949).'
        )
    event = _("{file} is not in UTF-8: byte {byte:,}, in line {number:,}, is 0x{value:02x}.")
    event = event.format(file=file, byte=before + wrong, number=number, value=line[wrong])
    return f"{event}\n{advice}"


def no_rows(error: BaseException) -> str | None:
    """Explain that a data file is empty, or holds only its header; None for other errors."""
    # A CSV file without a header
    if _cause(error, "EmptyDataError") and (file := _file(error)):
        return _(
            "{file} is empty.\nWrite a header such as text,label into it, and one row for each text."
        ).format(file=file)

    # A file without rows. datasets says only which split it is.
    message = next((str(cause) for cause in causes(error) if "corresponds to no data" in str(cause)), None)
    if message is None:
        return None
    split = message.split('"')[1]
    config = _config(error)
    files = config.data_files.get(split, []) if config else []
    if files:
        event = _("{file} has no rows.").format(file=", ".join(map(str, files)))
    else:
        event = _("The file of the split {split!r} has no rows.").format(split=split)
    return event + "\n" + _("Write one row for each text into it.")


def other_columns(error: BaseException) -> str | None:
    """Explain that two data files have different columns; None for other errors."""
    cast = _cause(error, "CastError")
    if cast is None:
        return None
    found = list(cast.table_column_names)
    wanted = list(cast.requested_column_names)
    extra = [name for name in found if name not in wanted]
    missing = [name for name in wanted if name not in found]

    # datasets writes rows later than it reads them, and may name another file. The columns show which it is.
    config = _config(error)
    files = [str(file) for split in config.data_files.values() for file in split] if config else []

    def differs(file: str) -> bool:
        columns = set(_columns(file, config))
        return bool(columns) and bool(columns & set(extra) or set(missing) - columns)

    if extra and missing:
        event = _(
            "{file} has a column {extra} and no column {missing}, "
            "unlike the files that were read before it, which have {wanted}."
        )
    elif extra:
        event = _(
            "{file} has a column {extra}, unlike the files that were read before it, which have {wanted}."
        )
    else:
        event = _(
            "{file} has no column {missing}, unlike the files that were read before it, which have {wanted}."
        )
    event = event.format(
        file=next(filter(differs, files), _("One of the data files")),
        extra=", ".join(map(repr, extra)),
        missing=", ".join(map(repr, missing)),
        wanted=wanted,
    )
    return event + "\n" + _("Give all files of the folder the same columns.")


def _columns(file: str, config) -> list[str]:
    """Return the names of the columns of a data file; none for a kind of file that has no header."""
    if file.endswith(".parquet"):
        from pyarrow.parquet import read_schema

        return read_schema(file).names
    with open(file, encoding="utf-8", errors="replace") as lines:
        first = next(lines, "")
    if file.endswith((".json", ".jsonl")):
        return list(json.loads(first)) if first.startswith("{") and first.rstrip().endswith("}") else []
    return next(csv.reader([first], delimiter=getattr(config, "sep", None) or ","), [])


def other_type(error: BaseException) -> str | None:
    """Explain that a column holds texts in one data file and numbers in another; None for other errors."""
    failed = _cause(error, "ArrowInvalid", "ArrowTypeError", "ArrowNotImplementedError")
    file = _file(error)
    if failed is None or file is None:
        return None
    import pyarrow

    # Two of the functions hold what the file has, and what the files before it had
    values = list(held_values(error))
    table = next((value for value in values if isinstance(value, pyarrow.Table)), None)
    wanted = next((value for value in values if isinstance(value, pyarrow.Schema)), None)
    wanted = wanted or next((v.arrow_schema for v in values if hasattr(v, "arrow_schema")), None)
    if table is None or wanted is None:
        return None
    for name in set(table.column_names) & set(wanted.names):
        column = table.column(name)
        try:
            column.cast(wanted.field(name).type)
        except pyarrow.ArrowException:
            return _(
                "In {file}, the column {column!r} holds {here}; "
                "in the files that were read before it, {before} ({error}).\n"
                "Write the values of a column in the same way in all files."
            ).format(
                file=file,
                column=name,
                here=_kind(column.type),
                before=_kind(wanted.field(name).type),
                error=failed,
            )
    return None


def _kind(arrow_type) -> str:
    """Return a plain name for a type of Arrow's."""
    from pyarrow import types

    if types.is_string(arrow_type) or types.is_large_string(arrow_type):
        return _("texts")
    if types.is_integer(arrow_type) or types.is_floating(arrow_type):
        return _("numbers")
    return str(arrow_type)


def uneven_line(error: BaseException) -> str | None:
    """Explain that a line of a CSV file has more fields than the header; None for other errors."""
    failed = _cause(error, "ParserError")
    if failed is None or (file := _file(error)) is None:
        return None
    reason = str(failed).partition("C error: ")[2].strip() or str(failed)
    return _(
        "{file} is no regular CSV file: {reason}.\n"
        'A text with a comma or a line break needs double quotes around it: "good, but loud",pos'
    ).format(file=file, reason=reason)


def _cause(error: BaseException, *names: str) -> BaseException | None:
    """Return the first cause whose class, or one of its base classes, has one of these names."""
    for cause in causes(error):
        if any(base.__name__ in names for base in type(cause).__mro__):
            return cause
    return None


def _config(error: BaseException):
    """Return what datasets knows of the data files, with `data_files` by split; None if we cannot see it."""
    configs = (getattr(value, "config", None) for value in held_values(error))
    return next((config for config in configs if getattr(config, "data_files", None)), None)


def _file(error: BaseException) -> Path | None:
    """Return the data file that was being read."""
    for value in held_values(error):
        # A reader gives its tables one by one. If what it gave fails later, the reader still waits.
        waiting = value.gi_frame if isinstance(value, GeneratorType) else None
        for name in [value, *(waiting.f_locals.values() if waiting else [])]:
            if isinstance(name, (str, Path)) and str(name).lower().endswith(_KINDS) and os.path.isfile(name):
                return Path(name)
    return None
