"""A table of texts: what every file becomes, whatever its format.

Every value is a text, or None where there is none, so a class may be called "NA", "None" or "true".
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

# A larger file is sampled while it is read: the rows kept take a few hundred megabytes
SAMPLE_ABOVE = 100 * 2**20
SAMPLE_ROWS = 100_000
# What a spreadsheet shows where it has no value
_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"}
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass
class Table:
    """The rows of one file, or of one part of it.

    `rows_in_file` is `len(rows)`, and those that are `dropped`, by reason. `class_names` holds the names of
    the classes of a column, in order, where a `Dataset` or a pandas category gives them; `ordered` names the
    columns whose order means something.
    """

    name: str
    columns: list[str]
    rows: list[list]
    split: str | None = None
    dropped: Counter = field(default_factory=Counter)
    class_names: dict[str, list[str]] = field(default_factory=dict)
    ordered: set[str] = field(default_factory=set)

    @property
    def rows_in_file(self) -> int:
        return len(self.rows) + self.dropped.total()

    def column(self, name: str) -> list:
        index = self.columns.index(name)
        return [row[index] for row in self.rows]


def keep(rows: Iterable, size: int, dropped: Counter) -> list:
    """Keep all rows, or a random sample in the file's order if it has more than `SAMPLE_ABOVE` bytes."""
    if size <= SAMPLE_ABOVE:
        return list(rows)
    draw = random.Random(42)
    sample: list[tuple[int, object]] = []
    number = -1
    for number, row in enumerate(rows):
        if len(sample) < SAMPLE_ROWS:
            sample.append((number, row))
        elif (place := draw.randint(0, number)) < SAMPLE_ROWS:
            sample[place] = (number, row)
    dropped["not in the sample"] += number + 1 - len(sample)
    return [row for _, row in sorted(sample, key=lambda pair: pair[0])]


def cell(value) -> str | tuple | None:
    """Return a value as text; a list as a tuple of texts; None if there is no value."""
    if isinstance(value, str):
        value = _SURROGATES.sub("�", value)  # half a character: Arrow cannot hold it
        return None if value in _ERRORS else value or None
    if value is None:
        return None
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        value = value.tolist()
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, (list, tuple)):
        parts = tuple(cell(one) for one in value)
        return parts[0] if len(parts) == 1 else parts or None
    if isinstance(value, dict):
        return cell(json.dumps(value, ensure_ascii=False))
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace") or None
    text = str(value)
    return None if text in ("NaT", "<NA>") else cell(text)
