"""Read one file into a table of texts: CSV in its many forms, JSON, Parquet, Excel.

Every value becomes a text, or None where there is none, so a class may be called "NA", "None" or "true".
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from helpers.data.own.encodings import find_encoding
from helpers.data.own.errors import OwnDataError
from helpers.data.own.sources import Source, chunks, read_bytes, refuse_by_name

SEPARATORS = ("\t", ",", ";", "|")
# A larger file is sampled while it is read: the rows kept take a few hundred megabytes
SAMPLE_ABOVE = 256 * 2**20
SAMPLE_ROWS = 100_000
_LONGEST_FIELD = 2**24
_WEB_PAGE = re.compile(r"\s*<(!doctype\s+html|html|\?xml|head|body)\b", re.IGNORECASE)
_LFS = "version https://git-lfs.github.com"
_KNOWN_HEADERS = set(
    "text label labels sentence review comment content message body title class category target sentiment "
    "rating stars score id index tweet question intent utterance document headline description v1 v2 subject "
    "date lang topic tag".split()
)


@dataclass
class Table:
    """The rows of one file. `rows_in_file` may exceed `len(rows)` if the file was sampled."""

    name: str
    columns: list[str]
    rows: list[list]
    split: str | None = None
    rows_in_file: int = 0
    class_names: dict[str, list[str]] = field(default_factory=dict)  # of a `Dataset` that names them

    def column(self, name: str) -> list:
        index = self.columns.index(name)
        return [row[index] for row in self.rows]


def read_table(source: Source, notes: list[str], header=None, separator=None, encoding=None) -> Table:
    """Read a file into a table. Raises OwnDataError with the row, if it cannot be read whole."""
    refuse_by_name(source)
    if source.suffix == ".parquet":
        columns, kept = _parquet(source)
    elif source.suffix in (".xlsx", ".xlsm"):
        columns, kept = _excel(source, notes, header)
    else:
        columns, kept = _text_file(source, notes, header, separator, encoding)
    if not kept.rows:
        raise OwnDataError(f"Expected rows of text and label in {source.name}, but it is empty.")
    if kept.total > len(kept.rows):
        notes.append(
            f"{source.name} has {source.size / 1e6:,.0f} MB and {kept.total:,} rows: a random sample of "
            f"{len(kept.rows):,} is used."
        )
    return Table(source.name, columns, kept.rows, source.split, kept.total)


@dataclass
class _Kept:
    rows: list
    total: int


def _keep(rows: Iterable, size: int) -> _Kept:
    """Keep all rows, or a random sample in the file's order if it has more than `SAMPLE_ABOVE` bytes."""
    if size <= SAMPLE_ABOVE:
        kept = list(rows)
        return _Kept(kept, len(kept))
    draw = random.Random(42)
    sample: list[tuple[int, object]] = []
    number = -1
    for number, row in enumerate(rows):
        if len(sample) < SAMPLE_ROWS:
            sample.append((number, row))
        elif (place := draw.randint(0, number)) < SAMPLE_ROWS:
            sample[place] = (number, row)
    return _Kept([row for _, row in sorted(sample, key=lambda pair: pair[0])], number + 1)


def cell(value) -> str | tuple | None:
    """Return a value as text; a list as a tuple of texts; None if there is no value."""
    if value is None or isinstance(value, str):
        return value or None
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        value = value.tolist()
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, (list, tuple)):
        return tuple(cell(one) for one in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace") or None
    text = str(value)
    return None if text in ("NaT", "<NA>") else text


# Tables in text files


def _text_file(source: Source, notes, header, separator, encoding) -> tuple[list[str], _Kept]:
    encoding = find_encoding(chunks(source), source.name, encoding, notes)
    head = "".join(_lines(source, encoding, most=200))
    if _WEB_PAGE.match(head):
        raise OwnDataError(
            f"Expected rows of text and label in {source.name}, but it is a web page. Open the address in a "
            "browser: perhaps it asks for a login. Download the file itself, not the page around it."
        )
    if head.startswith(_LFS):
        raise OwnDataError(
            f"Expected rows in {source.name}, but it is a pointer to a file that git-lfs stores. Run "
            "`git lfs pull`, or download the file itself."
        )
    begins = head.lstrip()[:1]
    if source.suffix in (".json", ".jsonl", ".ndjson") or (not source.suffix and begins in ("{", "[")):
        return _json(source, encoding)
    return _csv(source, encoding, head, notes, header, separator)


def _lines(source: Source, encoding: str, most: int | None = None) -> Iterator[str]:
    """Yield the lines with their ends, as the csv module wants them."""
    decoder = io.TextIOWrapper(_Blocks(source), encoding, errors="strict", newline="")
    try:
        for number, line in enumerate(decoder):
            if most is not None and number >= most:
                return
            yield line
    except UnicodeError as error:
        raise OwnDataError(
            f"Expected {encoding} in {source.name}, but some bytes are not ({error}). "
            "Say how the file was written: encoding='cp949', encoding='latin-1' …"
        ) from error


class _Blocks(io.RawIOBase):
    """The blocks of a file as a stream, so that a damaged file ends in one sentence."""

    def __init__(self, source: Source):
        self._blocks = chunks(source, 2**16)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        block = self._rest or next(self._blocks, b"")
        count = min(len(block), len(buffer))
        buffer[:count] = block[:count]
        self._rest = block[count:]
        return count


def _csv(source: Source, encoding, head, notes, header, separator) -> tuple[list[str], _Kept]:
    if separator is not None and (not isinstance(separator, str) or len(separator) != 1):
        raise OwnDataError(f"Expected one character as separator, such as ';' or '\\t', got {separator!r}.")
    if separator is None and _is_fasttext(head):
        return _fasttext(source, encoding)
    separator = separator or _find_separator(head)
    quoting = _find_quoting(source, encoding, separator, notes)
    records = _records(_lines(source, encoding), separator, quoting)
    kept = _keep((record for _, record in records), source.size)
    first, kept.rows = kept.rows[0] if kept.rows else [], kept.rows
    if source.size > SAMPLE_ABOVE:  # the sample may lack the first line
        first = next(_records(_lines(source, encoding), separator, quoting), (0, []))[1]
    columns = _take_header(first, kept, source, notes, header)
    _fill_up(kept, columns, source, notes)
    return columns, kept


def _is_fasttext(head: str) -> bool:
    lines = head.splitlines()
    return bool(lines) and sum(line.startswith("__label__") for line in lines) > 0.9 * len(lines)


def _fasttext(source: Source, encoding: str) -> tuple[list[str], _Kept]:
    """Read lines such as `__label__good The soup was lovely`, as fastText wants them."""

    def fields(line: str) -> list:
        labels = re.match(r"(__label__\S+\s*)*", line).group()
        names = tuple(label.removeprefix("__label__") for label in labels.split())
        return [line[len(labels) :].strip() or None, names if len(names) > 1 else names[0] if names else None]

    rows = (fields(line) for line in _lines(source, encoding) if line.strip())
    return ["text", "label"], _keep(rows, source.size)


def _records(
    lines: Iterable[str], separator: str, quoting: int, strict: bool = False
) -> Iterator[tuple[int, list]]:
    """Yield (line number, fields) of each row that is not blank."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(lines, delimiter=separator, quoting=quoting, strict=strict)
    for fields in reader:
        if fields and not (len(fields) == 1 and not fields[0].strip()):
            yield reader.line_num, [one or None for one in fields]


def _find_separator(head: str) -> str:
    """Return the separator that gives the most rows the same number of fields, two or more."""
    lines = head.splitlines(keepends=True)
    best, chosen = (0.0, 0), ","
    for separator in SEPARATORS:
        try:
            widths = Counter(len(fields) for _, fields in _records(lines, separator, csv.QUOTE_MINIMAL))
        except csv.Error:
            continue
        width, count = widths.most_common(1)[0] if widths else (1, 0)
        first = len(next(iter(_records(lines[:1], separator, csv.QUOTE_MINIMAL)), (0, []))[1])
        # A header that falls apart in as many fields as the rows is the surest sign
        score = (count / max(1, widths.total()) + (0.5 if first == width else 0), separator == "\t")
        if width > 1 and score > best:
            best, chosen = score, separator
    return chosen


@dataclass
class _Widths:
    """How the rows of a file fall apart: how many have how many fields, and where the first odd one is.

    `header` is the width of the first row. `spans` says that some row takes more than one line.
    """

    counts: Counter
    first_line: dict[int, tuple[int, list]]
    header: int = 0
    broken: str = ""
    spans: bool = False

    @property
    def usual(self) -> int:
        return max(self.header, self.counts.most_common(1)[0][0]) if self.counts else 0

    @property
    def too_many(self) -> int:
        return sum(count for width, count in self.counts.items() if width > self.usual)


def _measure(source: Source, encoding: str, separator: str, quoting: int, strict: bool = False) -> _Widths:
    widths = _Widths(Counter(), {})
    before = 0
    try:
        for line, fields in _records(_lines(source, encoding), separator, quoting, strict):
            # Empty fields at a row's end are no columns
            width = len(fields)
            while 0 < widths.header < width and fields[width - 1] is None:
                width -= 1
            widths.header = widths.header or width
            widths.counts[width] += 1
            widths.first_line.setdefault(width, (line, fields))
            widths.spans |= line > before + 1
            before = line
    except csv.Error as error:
        widths.broken = str(error)
    return widths


def _find_quoting(source: Source, encoding: str, separator: str, notes: list[str]) -> int:
    """Return whether quotes hold a field together in this file, or are part of its texts.

    Raises OwnDataError if rows have more fields than the header either way: nothing is cut silently.
    """
    held = _measure(source, encoding, separator, csv.QUOTE_MINIMAL)
    if not (held.broken or held.too_many or held.spans):
        return csv.QUOTE_MINIMAL
    loose = _measure(source, encoding, separator, csv.QUOTE_NONE)
    even = not loose.too_many and not loose.broken and len(loose.counts) == 1 and loose.usual > 1
    # A quote that holds a field together ends right before a separator; elsewhere it is a part of the text
    stray = bool(_measure(source, encoding, separator, csv.QUOTE_MINIMAL, strict=True).broken)
    if even and (held.broken or held.too_many or stray):
        notes.append(f"In {source.name}, quotes are part of the texts: they do not hold a field together.")
        return csv.QUOTE_NONE
    if held.broken:
        raise OwnDataError(
            f"Expected that every quote in {source.name} is closed, but one is not ({held.broken}). "
            "Save the file again from where it was made, with all texts in quotes."
        )
    if held.too_many:
        odd = min(width for width in held.counts if width > held.usual)
        line, fields = held.first_line[odd]
        raise OwnDataError(
            f"Expected {held.usual} fields in each row of {source.name}, as in most, but {held.too_many} "
            f"rows have more. The first ends in line {line}: {_shown(fields)}. A text with {separator!r} in "
            "it must stand in quotes. Save the file again with quotes, or as JSON lines."
        )
    return csv.QUOTE_MINIMAL


def _shown(fields: Sequence) -> str:
    text = " | ".join(str(one or "")[:60] for one in fields[:8])
    return repr(text if len(text) < 200 else text[:200] + "…")


def _take_header(first: list, kept: _Kept, source: Source, notes: list[str], header) -> list[str]:
    """Return the names of the columns, and take the header out of the rows."""
    rows = kept.rows
    if header is None:
        header = _is_header(first, rows[1:] if rows and rows[0] == first else rows)
        if not header:
            notes.append(
                f"{source.name} has no header, so its columns are called 'column 1', 'column 2' … "
                "If its first line is one, write header=True."
            )
    if not header:
        return [f"column {number}" for number in range(1, len(first) + 1)]
    if rows and rows[0] == first:
        del rows[0]
    kept.total -= 1
    names = [(name or "").strip() or f"column {number}" for number, name in enumerate(first, 1)]
    again: Counter = Counter()
    for number, name in enumerate(names):
        again[name] += 1
        if again[name] > 1:
            names[number] = f"{name}.{again[name]}"
    return names


def _is_header(first: list, rows: list[list]) -> bool:
    """Return whether the first row names the columns.

    It does if it has a usual name, or if the column with the fewest values has none that is like its first.
    """
    texts = [str(one or "").strip() for one in first]
    if any(len(text) > 60 for text in texts):
        return False
    if any(text.lower() in _KNOWN_HEADERS for text in texts) or texts == [str(i) for i in range(len(texts))]:
        return len(set(texts)) == len(texts) or any(text.lower() in _KNOWN_HEADERS for text in texts)
    columns = [[row[i] for row in rows if i < len(row)] for i in range(len(texts))]
    for text, values in zip(texts, columns, strict=True):
        numbers = sum(_is_number(value) for value in values)
        if values and numbers > 0.9 * len(values) and text and not _is_number(text):
            return True
    fewest = min(range(len(texts)), key=lambda i: len(set(columns[i])) or math.inf, default=0)
    others = {str(value or "").strip().lower() for value in columns[fewest]} if columns else set()
    return len(others) <= len(rows) / 2 and texts[fewest].lower() not in others


def _is_number(value) -> bool:
    try:
        float(str(value).replace(",", "."))
    except ValueError:
        return False
    return True


def _fill_up(kept: _Kept, columns: list[str], source: Source, notes: list[str]) -> None:
    """Give each row as many values as there are columns, and refuse rows that have more."""
    short = 0
    for number, row in enumerate(kept.rows, 1):
        while len(row) > len(columns) and row[-1] is None:
            row.pop()
        if len(row) > len(columns):
            raise OwnDataError(
                f"Expected {len(columns)} fields in each row of {source.name}, as in its header "
                f"{columns}, but row {number} has {len(row)}: {_shown(row)}. If the first line is no header, "
                "write header=False."
            )
        short += len(row) < len(columns)
        row.extend([None] * (len(columns) - len(row)))
    if short:
        notes.append(
            f"{short} rows of {source.name} have fewer fields than the header: the rest counts as empty."
        )


# Other formats


def _json(source: Source, encoding: str) -> tuple[list[str], _Kept]:
    lines = (line for line in _lines(source, encoding) if line.strip())
    if source.suffix in (".jsonl", ".ndjson") or source.size > SAMPLE_ABOVE:
        return _of_objects(_keep(_json_lines(lines, source), source.size))
    text = "".join(lines)
    try:
        return _of_objects(_whole_json(json.loads(text or "null"), source))
    except (json.JSONDecodeError, RecursionError) as error:
        if str(error).startswith("Extra data"):  # an object in each line, whatever the file is called
            return _of_objects(_keep(_json_lines(text.split("\n"), source), source.size))
        raise OwnDataError(
            f"Expected JSON in {source.name}, but it breaks off or is malformed: {error}. "
            "Save it again where it was made."
        ) from error


def _json_lines(lines: Iterable[str], source: Source) -> Iterator[dict]:
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise OwnDataError(
                f"Expected one JSON object in each line of {source.name}, but line {number} is malformed "
                f"({error}): {line[:80]!r}."
            ) from error
        if not isinstance(row, dict):
            raise OwnDataError(
                f'Expected an object such as {{"text": …, "label": …}} in each line of {source.name}, but '
                f"line {number} holds {line[:80].strip()!r}."
            )
        yield row


def _whole_json(whole, source: Source) -> _Kept:
    """Return the rows of a JSON file: a list of objects, columns by name, or one of these one level down."""
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
        if len(lists) == len(whole) and len(lists) > 1 and len(set(map(len, lists))) == 1:
            whole = [dict(zip(whole, values, strict=True)) for values in zip(*lists, strict=True)]
        elif all(isinstance(value, dict) for value in whole.values()) and len(whole) > 1:
            whole = _of_columns_or_rows(whole)
        elif of_objects := [
            value for value in lists if value and all(isinstance(one, dict) for one in value)
        ]:
            whole = max(of_objects, key=len)
    if not isinstance(whole, list) or not all(isinstance(row, dict) for row in whole):
        raise OwnDataError(
            f'Expected a list of objects such as {{"text": …, "label": …}} in {source.name}, found '
            f"{type(whole).__name__} {str(whole)[:80]!r}."
        )
    return _Kept(whole, len(whole))


def _of_columns_or_rows(whole: dict) -> list[dict]:
    """Return the rows of {"text": {"0": …}} as pandas writes it, or of {"id1": {"text": …}}."""
    inner = list(whole.values())
    if (
        len(whole) <= 10
        and all(value.keys() == inner[0].keys() for value in inner)
        and len(inner[0]) > len(whole)
    ):
        return [{name: values[key] for name, values in whole.items()} for key in inner[0]]
    return inner


def _of_objects(kept: _Kept) -> tuple[list[str], _Kept]:
    """Make a table of objects. An object inside an object becomes columns such as "user.name"."""
    flat = []
    for row in kept.rows:
        one = {}
        for name, value in row.items():
            inner = value if isinstance(value, dict) else None
            one |= {f"{name}.{key}": inner[key] for key in inner} if inner else {name: value}
        flat.append(one)
    columns = list(dict.fromkeys(name for row in flat for name in row))
    return columns, _Kept([[cell(row.get(name)) for name in columns] for row in flat], kept.total)


def _parquet(source: Source) -> tuple[list[str], _Kept]:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(read_bytes(source)))
        rows = (row for batch in file.iter_batches() for row in batch.to_pylist())
        return _of_objects(_keep(rows, source.size))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OwnDataError):
            raise
        raise OwnDataError(
            f"Expected a Parquet file, but {source.name} is damaged or none ({error}). "
            "Download or write it again."
        ) from error


def _excel(source: Source, notes: list[str], header) -> tuple[list[str], _Kept]:
    import openpyxl

    try:
        # Values only: a formula is not computed here
        book = openpyxl.load_workbook(io.BytesIO(read_bytes(source)), read_only=True, data_only=True)
        sheets = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    except OwnDataError:
        raise
    except Exception as error:  # a damaged workbook ends in errors of many libraries
        raise OwnDataError(
            f"Expected an Excel workbook, but {source.name} is damaged or none ({error}). "
            "Open it in a spreadsheet and save it again, or as CSV."
        ) from error
    filled = {
        title: [row for row in rows if any(one is not None for one in row)] for title, rows in sheets.items()
    }
    filled = {title: rows for title, rows in filled.items() if rows}
    if not filled:
        return [], _Kept([], 0)
    rows = next(iter(filled.values()))
    if len(filled) > 1:
        notes.append(f"{source.name} has the sheets {list(filled)}: the first is read.")
    rows = [[cell(one) for one in row] for row in rows]
    while rows and all(row[-1] is None for row in rows):
        rows = [row[:-1] for row in rows]
    kept = _Kept(rows, len(rows))
    columns = _take_header(rows[0], kept, source, notes, header)
    return columns, kept
