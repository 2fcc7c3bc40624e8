"""Read a file into tables, whatever its format: JSON, Parquet and Excel here, lines in `delimited`."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator

from helpers.data.own.delimited import find_header, leave_out_headers, lines_of, read_delimited
from helpers.data.own.encodings import Encoding, find_encoding
from helpers.data.own.errors import OwnDataError
from helpers.data.own.sources import SPLIT_OF, Source, chunks, read_bytes, refuse_by_name
from helpers.data.own.tables import SAMPLE_ABOVE, Table, cell, keep
from helpers.language import _

_WEB_PAGE = re.compile(r"\s*<(!doctype\s+html|html|\?xml|head|body)\b", re.IGNORECASE)
_LFS = "version https://git-lfs.github.com"


def read_tables(source: Source, notes: list[str], header=None, separator=None, encoding=None) -> list[Table]:
    """Read a file. It gives several tables if its parts are called train, validation or test.

    Raises OwnDataError with the row, if it cannot be read whole.
    """
    refuse_by_name(source)
    if source.suffix == ".parquet":
        tables = [_parquet(source)]
    elif source.suffix in (".xlsx", ".xlsm"):
        tables = _excel(source, notes, header)
    else:
        tables = _text_file(source, notes, header, separator, encoding)
    for table in tables:
        if not table.rows:
            raise OwnDataError(
                _("Expected rows of text and label in {table}, but it is empty.").format(table=table.name)
            )
        if table.dropped["not in the sample"]:
            notes.append(
                _(
                    "{table} has {megabytes:,.0f} MB and {rows:,} rows: "
                    "a random sample of {sample:,} is used."
                ).format(
                    table=table.name,
                    megabytes=source.size / 1e6,
                    rows=table.rows_in_file,
                    sample=len(table.rows),
                )
            )
    return tables


def _text_file(source: Source, notes, header, separator, encoding) -> list[Table]:
    found = find_encoding(chunks(source), source.name, encoding, notes)
    head = "".join(lines_of(source, found, most=200))
    if _WEB_PAGE.match(head):
        raise OwnDataError(
            _(
                "Expected rows of text and label in {file}, but it is a web page. Open the address in a "
                "browser: perhaps it asks for a login. Download the file itself, not the page around it."
            ).format(file=source.name)
        )
    if head.startswith(_LFS):
        raise OwnDataError(
            _(
                "Expected rows in {file}, but it is a pointer to a file that git-lfs stores. Run "
                "`git lfs pull`, or download the file itself."
            ).format(file=source.name)
        )
    first = head.lstrip().partition("\n")[0]
    is_json = (first.startswith("[") and not source.suffix) or _is_object(first)
    if source.suffix in (".json", ".jsonl", ".ndjson") or is_json:
        return _json(source, found)
    return [read_delimited(source, found, head, notes, header, separator)]


# JSON


def _json(source: Source, encoding: Encoding) -> list[Table]:
    if source.suffix in (".jsonl", ".ndjson") or source.size > SAMPLE_ABOVE:
        return [_of_lines(lines_of(source, encoding), source)]
    text = "".join(lines_of(source, encoding))
    try:
        return _of_whole(json.loads(text or "null"), source)
    except (json.JSONDecodeError, RecursionError) as error:
        if str(error).startswith("Extra data"):  # an object in each line, whatever the file is called
            return [_of_lines(text.split("\n"), source)]
        raise OwnDataError(
            _(
                "Expected JSON in {file}, but it breaks off or is malformed: {error}. "
                "Save it again where it was made."
            ).format(file=source.name, error=error)
        ) from error


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (json.JSONDecodeError, RecursionError):
        return False


def _of_lines(lines: Iterable[str], source: Source) -> Table:
    table = Table(source.name, [], [], source.split)
    _put_objects(table, keep(_objects(lines, source), source.size, table.dropped))
    return table


def _objects(lines: Iterable[str], source: Source) -> Iterator[dict]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise OwnDataError(
                _(
                    "Expected one JSON object in each line of {file}, but line {number} is malformed "
                    "({error}): {line!r}."
                ).format(file=source.name, number=number, error=error, line=line[:80].strip())
            ) from error
        if not isinstance(row, dict):
            raise OwnDataError(
                _(
                    'Expected an object such as {{"text": …, "label": …}} in each line of {file}, but '
                    "line {number} holds {line!r}."
                ).format(file=source.name, number=number, line=line[:80].strip())
            )
        yield row


def _of_whole(whole, source: Source) -> list[Table]:
    """Return the tables of a JSON file: a list of objects, or one such list for each split."""
    if isinstance(whole, dict) and whole and all(key.lower() in SPLIT_OF for key in whole):
        parts = {key: _rows(value, source) for key, value in whole.items()}
        tables = [Table(f"{source.name}: {key}", [], [], SPLIT_OF[key.lower()]) for key in parts]
        for table, rows in zip(tables, parts.values(), strict=True):
            _put_objects(table, rows)
        return tables
    table = Table(source.name, [], [], source.split)
    _put_objects(table, _rows(whole, source))
    return [table]


def _rows(whole, source: Source) -> list[dict]:
    """Return the rows: a list of objects, columns by name, or one of these one level down."""
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
        of_objects = [value for value in lists if value and all(isinstance(one, dict) for one in value)]
        if len(lists) == len(whole) > 1 and len(set(map(len, lists))) == 1 and not of_objects:
            whole = [dict(zip(whole, values, strict=True)) for values in zip(*lists, strict=True)]
        elif len(whole) > 1 and all(isinstance(value, dict) for value in whole.values()):
            whole = _of_columns_or_rows(whole)
        elif len(of_objects) == 1:
            whole = of_objects[0]
    if not isinstance(whole, list) or not all(isinstance(row, dict) for row in whole):
        raise OwnDataError(
            _(
                'Expected a list of objects such as {{"text": …, "label": …}} in {file}, found '
                "{kind} {content!r}."
            ).format(file=source.name, kind=type(whole).__name__, content=str(whole)[:80])
        )
    return whole


def _of_columns_or_rows(whole: dict) -> list[dict]:
    """Return the rows of {"text": {"0": …}} as pandas writes it, or of {"id1": {"text": …}}."""
    inner = list(whole.values())
    same = all(value.keys() == inner[0].keys() for value in inner)
    if len(whole) <= 10 and same and len(inner[0]) > len(whole):
        return [{name: values[key] for name, values in whole.items()} for key in inner[0]]
    return inner


def _put_objects(table: Table, objects: list[dict]) -> None:
    """Put objects into a table. An object inside an object becomes columns such as "user.name"."""
    flat = []
    for row in objects:
        one = {}
        for name, value in row.items():
            inner = value if isinstance(value, dict) else None
            one |= {f"{name}.{key}": inner[key] for key in inner} if inner else {name: value}
        flat.append(one)
    table.columns = list(dict.fromkeys(name for row in flat for name in row))
    table.rows = [[cell(row.get(name)) for name in table.columns] for row in flat]


# Parquet and Excel


def _parquet(source: Source) -> Table:
    import pyarrow
    from pyarrow import parquet

    table = Table(source.name, [], [], source.split)
    try:
        file = parquet.ParquetFile(io.BytesIO(read_bytes(source)))
        rows = (row for batch in file.iter_batches() for row in batch.to_pylist())
        _put_objects(table, keep(rows, source.size, table.dropped))
        _name_classes(table, file.schema_arrow.metadata)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OwnDataError):
            raise
        raise OwnDataError(
            _(
                "Expected a Parquet file, but {file} is damaged or none ({error}). "
                "Download or write it again."
            ).format(file=source.name, error=error)
        ) from error
    return table


def _name_classes(table: Table, metadata: dict | None) -> None:
    """Put the names of the classes in place of their numbers, if the file was written by `datasets`."""
    written = json.loads((metadata or {}).get(b"huggingface", b"{}"))
    for column, kind in written.get("info", {}).get("features", {}).items():
        if isinstance(kind, dict) and kind.get("_type") == "ClassLabel" and column in table.columns:
            names = table.class_names[column] = list(kind["names"])
            place = table.columns.index(column)
            for row in table.rows:
                row[place] = names[int(row[place])] if row[place] and int(row[place]) >= 0 else None


def _excel(source: Source, notes: list[str], header: bool | None) -> list[Table]:
    import openpyxl

    try:
        # Values only: a formula is not computed here
        book = openpyxl.load_workbook(io.BytesIO(read_bytes(source)), read_only=True, data_only=True)
        sheets = {sheet.title: _filled(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    except OwnDataError:
        raise
    except Exception as error:  # a damaged workbook ends in errors of many libraries
        raise OwnDataError(
            _(
                "Expected an Excel workbook, but {file} is damaged or none ({error}). "
                "Open it in a spreadsheet and save it again, or as CSV."
            ).format(file=source.name, error=error)
        ) from error
    sheets = {title: rows for title, rows in sheets.items() if rows}
    named = {title: SPLIT_OF[title.lower()] for title in sheets if title.lower() in SPLIT_OF}
    chosen = named if len(named) > 1 else dict.fromkeys(list(sheets)[:1], source.split)
    if left := [
        _("{title!r} ({rows} rows)").format(title=title, rows=len(rows))
        for title, rows in sheets.items()
        if title not in chosen
    ]:
        notes.append(
            _(
                "{file} has other sheets, which are not read: {sheets}. To use one, save it as a file of "
                "its own."
            ).format(file=source.name, sheets=", ".join(left))
        )
    tables = []
    for title, split in chosen.items():
        rows = sheets[title]
        name = f"{source.name}: {title}" if named else source.name
        columns, skipped = find_header(rows[:200], name, notes, header)
        table = Table(name, columns, rows[skipped:], split)
        leave_out_headers(table, rows[skipped - 1] if skipped else None, notes)
        tables.append(table)
    return tables or [Table(source.name, [], [])]


def _filled(rows: Iterable[tuple]) -> list[list]:
    """Return the rows and columns in which anything stands."""
    rows = [[cell(one) for one in row] for row in rows if any(one is not None for one in row)]
    used = [i for i in range(max(map(len, rows), default=0)) if any(i < len(row) and row[i] for row in rows)]
    return [[row[i] if i < len(row) else None for i in used] for row in rows]
