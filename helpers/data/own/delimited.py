"""Read a text file whose rows are lines with separators: CSV in its many forms, and fastText's lines."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from helpers.data.own.encodings import Encoding
from helpers.data.own.errors import OwnDataError
from helpers.data.own.sources import Source, chunks
from helpers.data.own.tables import Table, cell, keep
from helpers.language import _

SEPARATORS = ("\t", ",", ";", "|")
_LONGEST_FIELD = 2**24
# How many lines with a title or a date may stand above the header
_MOST_TITLES = 10
_KNOWN_HEADERS = set(
    "text label labels sentence review comment content message body title class category target sentiment "
    "rating stars score id index tweet question intent utterance document headline description v1 v2 subject "
    "date lang topic tag".split()
)
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")  # Excel writes it, and hides it


def lines_of(source: Source, encoding: Encoding, most: int | None = None) -> Iterator[str]:
    """Yield the lines with their ends, as the csv module wants them."""
    text = io.TextIOWrapper(_Blocks(source), encoding.name, errors=encoding.errors, newline="")
    try:
        for number, line in enumerate(text):
            if most is not None and number >= most:
                return
            yield line
    except UnicodeError as error:
        raise OwnDataError(
            _(
                "Expected {encoding} in {file}, but some bytes are not ({error}). "
                "Say how the file was written: encoding='cp949', encoding='latin-1' …"
            ).format(encoding=encoding.name, file=source.name, error=error)
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


def read_delimited(source: Source, encoding: Encoding, head: str, notes, header, separator) -> Table:
    """Read the rows. `head` is the beginning of the file. Raises OwnDataError if they do not fit together."""
    if separator is not None and (not isinstance(separator, str) or len(separator) != 1):
        raise OwnDataError(
            _("Expected one character as separator, such as ';' or '\\t', got {separator!r}.").format(
                separator=separator
            )
        )
    if separator is None and _is_fasttext(head):
        return _fasttext(source, encoding)
    said = _SEPARATOR_LINE.match(head)
    separator = separator or (said and said[1]) or _find_separator(head)
    spaced = re.search(rf'[{re.escape(separator)}] +"', head) is not None
    form = _Form(source, encoding, separator, skip_lines=1 if said else 0, skip_spaces=spaced)
    form = replace(form, quoting=_find_quoting(form, notes))

    beginning = [row for _line, row in islice(form.records(), 200)]
    columns, skipped = find_header(beginning, source.name, notes, header)
    table = Table(source.name, columns, [], source.split)
    rows = islice((row for _line, row in form.records()), skipped, None)
    table.rows = keep(rows, source.size, table.dropped)
    leave_out_headers(table, beginning[skipped - 1] if skipped else None, notes)
    _fill_up(table, notes)
    return table


def _is_fasttext(head: str) -> bool:
    lines = head.splitlines()
    return bool(lines) and sum(line.startswith("__label__") for line in lines) > 0.9 * len(lines)


def _fasttext(source: Source, encoding: Encoding) -> Table:
    """Read lines such as `__label__good The soup was lovely`, as fastText wants them."""

    def fields(line: str) -> list:
        labels = re.match(r"(__label__\S+\s*)*", line).group()
        names = tuple(label.removeprefix("__label__") for label in labels.split())
        return [cell(line[len(labels) :].strip()), cell(names)]

    table = Table(source.name, ["text", "label"], [], source.split)
    rows = (fields(line) for line in lines_of(source, encoding) if line.strip())
    table.rows = keep(rows, source.size, table.dropped)
    return table


@dataclass(frozen=True)
class _Form:
    """How a file is written. `records` reads it so."""

    source: Source
    encoding: Encoding
    separator: str
    quoting: int = csv.QUOTE_MINIMAL
    strict: bool = False
    skip_lines: int = 0
    skip_spaces: bool = False

    def records(self) -> Iterator[tuple[int, list]]:
        """Yield (line number, fields) of each row that is not blank."""
        lines = islice(lines_of(self.source, self.encoding), self.skip_lines, None)
        return _records(lines, self.separator, self.quoting, self.strict, self.skip_spaces)


def _records(
    lines: Iterable[str],
    separator: str,
    quoting: int = csv.QUOTE_MINIMAL,
    strict: bool = False,
    skip_spaces: bool = False,
) -> Iterator[tuple[int, list]]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(
        lines, delimiter=separator, quoting=quoting, strict=strict, skipinitialspace=skip_spaces
    )
    for fields in reader:
        if any(one.strip() for one in fields):
            yield reader.line_num, [cell(one) for one in fields]


def _find_separator(head: str) -> str:
    """Return the separator that gives the most rows the same number of fields, two or more."""
    lines = head.splitlines(keepends=True)
    best, chosen = (0.0, False), ","
    for separator in SEPARATORS:
        try:
            widths = Counter(len(fields) for _line, fields in _records(lines, separator))
            first = next(iter(_records(lines[:1], separator)), (0, []))[1]
        except csv.Error:
            continue
        width, count = widths.most_common(1)[0] if widths else (1, 0)
        # A header that falls apart in as many fields as the rows is the surest sign
        score = (count / max(1, widths.total()) + (0.5 if len(first) == width else 0), separator == "\t")
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


def _measure(form: _Form) -> _Widths:
    widths = _Widths(Counter(), {})
    before = 0
    try:
        for line, fields in form.records():
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


def _find_quoting(form: _Form, notes: list[str]) -> int:
    """Return whether quotes hold a field together in this file, or are part of its texts.

    Raises OwnDataError if rows have more fields than the header either way: nothing is cut silently.
    """
    name = form.source.name
    held = _measure(form)
    if not (held.broken or held.too_many or held.spans):
        return csv.QUOTE_MINIMAL
    loose = _measure(replace(form, quoting=csv.QUOTE_NONE))
    even = not loose.too_many and not loose.broken and len(loose.counts) == 1 and loose.usual > 1
    # A quote that holds a field together ends right before a separator; elsewhere it is a part of the text
    stray = bool(_measure(replace(form, strict=True)).broken)
    if even and (held.broken or held.too_many or stray):
        notes.append(
            _("In {file}, quotes are part of the texts: they do not hold a field together.").format(file=name)
        )
        return csv.QUOTE_NONE
    if held.broken:
        raise OwnDataError(
            _(
                "Expected that every quote in {file} is closed, but one is not ({error}). "
                "Save the file again from where it was made, with all texts in quotes."
            ).format(file=name, error=held.broken)
        )
    if held.too_many:
        odd = min(width for width in held.counts if width > held.usual)
        line, fields = held.first_line[odd]
        raise OwnDataError(
            _(
                "Expected {usual} fields in each row of {file}, as in most, but {count} rows have more. "
                "The first ends in line {line}: {fields}. A text with {separator!r} in it must stand in "
                "quotes. Save the file again with quotes, or as JSON lines."
            ).format(
                usual=held.usual,
                file=name,
                count=held.too_many,
                line=line,
                fields=_shown(fields),
                separator=form.separator,
            )
        )
    return csv.QUOTE_MINIMAL


def _shown(fields: Sequence) -> str:
    text = " | ".join(str(one or "")[:60] for one in fields[:8])
    return repr(text if len(text) < 200 else text[:200] + "…")


def find_header(
    beginning: list[list], name: str, notes: list[str], header: bool | None
) -> tuple[list[str], int]:
    """Return the names of the columns, and how many rows come before the first row of data."""
    titles = 0 if header is False else _titles(beginning)
    if titles:
        notes.append(
            _("Left out above the header of {file}: {row}.").format(
                file=name, row=_shown(beginning[titles - 1])
            )
        )
    if not beginning:
        return [], 0
    first = beginning[titles]
    known = {str(one).strip().lower() for one in first if one} & _KNOWN_HEADERS
    if header is None:
        header = _is_header(first, beginning[titles + 1 :])
        if not header:
            notes.append(
                _(
                    "{file} has no header, so its columns are called 'column 1', 'column 2' … "
                    "If its first line is one, write header=True."
                ).format(file=name)
            )
        elif not known:
            notes.append(
                _("The first line of {file} is taken as its header: {row}. Or: header=False.").format(
                    file=name, row=_shown(first)
                )
            )
    if not header:
        return [f"column {number}" for number in range(1, len(first) + 1)], titles
    return _unique([(one or "").strip() for one in first], name, notes), titles + 1


def leave_out_headers(table: Table, header: list | None, notes: list[str]) -> None:
    """Leave out rows that repeat the header, as in files that were put together."""
    without = [row for row in table.rows if row != header]
    again = len(table.rows) - len(without)
    if again:
        table.dropped["the header again"] += again
        notes.append(
            _("Rows that repeat the header: {count} left out of {table}.").format(
                count=again, table=table.name
            )
        )
        table.rows = without


def _titles(beginning: list[list]) -> int:
    """Return how many rows stand above a header that is one for sure."""
    usual = Counter(map(len, beginning)).most_common(1)[0][0] if beginning else 0
    for number, row in enumerate(beginning[:_MOST_TITLES]):
        names = {str(one).strip().lower() for one in row if one}
        if len(names & _KNOWN_HEADERS) >= min(2, usual) and len(row) == usual:
            return number
    return 0


def _unique(names: list[str], file: str, notes: list[str]) -> list[str]:
    seen: Counter = Counter()
    made = []
    for number, name in enumerate(names, 1):
        name = name or f"column {number}"
        seen[name] += 1
        if seen[name] > 1:
            notes.append(
                _("Two columns of {file} are called {name!r}: the second is now {name}.{number}.").format(
                    file=file, name=name, number=seen[name]
                )
            )
        made.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return made


def _is_header(first: list, rows: list[list]) -> bool:
    """Return whether the first row names the columns.

    It does if it has a usual name, or if the column with the fewest values has none that is like its first.
    """
    texts = [str(one or "").strip() for one in first]
    if any(len(text) > 60 for text in texts):
        return False
    if any(text.lower() in _KNOWN_HEADERS for text in texts) or texts == [str(i) for i in range(len(texts))]:
        return True
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


def _fill_up(table: Table, notes: list[str]) -> None:
    """Give each row as many values as there are columns, and refuse rows that have more."""
    short = 0
    width = len(table.columns)
    for number, row in enumerate(table.rows, 1):
        while len(row) > width and row[-1] is None:
            row.pop()
        if len(row) > width:
            raise OwnDataError(
                _(
                    "Expected {width} fields in each row of {table}, as in its first line {columns}, but "
                    "data row {row} has {found}: {fields}. Give each row as many fields. "
                    "A text with a separator in it must stand in quotes."
                ).format(
                    width=width,
                    table=table.name,
                    columns=table.columns,
                    row=number,
                    found=len(row),
                    fields=_shown(row),
                )
            )
        short += len(row) < width
        row.extend([None] * (width - len(row)))
    if short:
        notes.append(
            _("Rows of {table} with fewer fields than its header: {count}. The rest is empty.").format(
                table=table.name, count=short
            )
        )
