"""Make classes of what stands in a label column: their names, their order, and what has no label."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from helpers.data.own.errors import OwnDataError
from helpers.language import _

# More different numbers than this are a quantity, and no classes
MOST_NUMBERS = 50
_EMPTY_NUMBERS = {"na", "nan", "none", "null", "n/a", "-", "?"}
# From the lowest to the highest
_SCALES = [
    ["very negative", "negative", "neutral", "positive", "very positive"],
    ["neg", "neu", "pos"],
    ["very bad", "bad", "fair", "ok", "okay", "good", "very good", "excellent"],
    ["terrible", "poor", "average", "good", "great", "excellent"],
    ["lowest", "very low", "low", "medium", "moderate", "high", "very high", "highest"],
    ["trivial", "minor", "normal", "major", "critical", "blocker"],
    ["low", "normal", "high", "urgent"],
    ["small", "medium", "large"],
    ["never", "rarely", "seldom", "sometimes", "often", "usually", "always"],
    ["strongly disagree", "disagree", "neutral", "agree", "strongly agree"],
    ["easy", "medium", "hard"],
    ["beginner", "elementary", "intermediate", "advanced", "expert"],
    ["false", "true"],
    ["no", "maybe", "yes"],
    ["부정", "중립", "긍정"],
    ["매우 부정", "부정", "중립", "긍정", "매우 긍정"],
    ["낮음", "보통", "높음"],
    ["하", "중", "상"],
]  # fmt: skip
# "01" is a code, and so is a number of more digits than a float keeps
_NUMBER = re.compile(r"^[+-]?(0|[1-9]\d{0,14})([.,]\d{1,15})?$")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")
_LIKE_NOTHING = _EMPTY_NUMBERS | {"unknown"}
_COUNTED = re.compile(r"^(?P<number>\d+(?:[.,]\d+)?)\s*(?P<unit>[^\d\s].*)$")


@dataclass(frozen=True)
class Classes:
    """The classes of a label column, and for each row the number of its class, or None without a label."""

    names: list[str]
    ordered: bool
    numbers: list[int | None]


def number_of(text: str) -> float | None:
    """Return the number that a text is, with a decimal point or comma; None if it is none."""
    text = text.strip()
    return float(text.replace(",", ".")) if _NUMBER.match(text) else None


def find_classes(
    values: Sequence, column: str, notes: list[str], places: Sequence[str], order: Sequence[str] | None = None
) -> Classes:
    """Return the classes of these labels, in the given order or in their natural one.

    `places` says where each row stands, for messages. Raises OwnDataError if these are no classes: a
    quantity, or one class only.
    """
    texts = [None if value is None else _tidy(value) or None for value in values]
    numbers = {text: number_of(text) for text in set(texts) - {None}}
    of_numbers = [text for text in numbers if numbers[text] is not None]
    others = [text for text in numbers if numbers[text] is None]

    # "NA" among numbers is no class; a class may be called so among words
    if of_numbers and others and all(text.lower() in _EMPTY_NUMBERS for text in others):
        notes.append(
            _("In {column!r}, {values} stands for no label.").format(
                column=column, values=", ".join(map(repr, sorted(others)))
            )
        )
        texts = [None if text in others else text for text in texts]
        others = []
    if of_numbers and not others:
        return _of_numbers(texts, numbers, column, notes, places)
    return _of_texts(texts, values, column, notes, order)


def _tidy(value) -> str:
    """Return a label without what nobody can see: spaces at its ends, and letters composed in two ways."""
    return " ".join(unicodedata.normalize("NFC", _INVISIBLE.sub("", str(value))).split())


def _of_numbers(texts, numbers, column, notes, places) -> Classes:
    found = sorted({numbers[text] for text in texts if text is not None})
    if len(found) > MOST_NUMBERS:
        at = next(i for i, text in enumerate(texts) if text is not None)
        raise OwnDataError(
            _(
                "Expected classes in {column!r}, but it holds {count} different numbers, for example "
                "{example} in {place}: that is regression, and this course teaches classification. Put "
                "them into a few classes first, for example with pandas.cut, or name another column: label=…"
            ).format(column=column, count=len(found), example=texts[at], place=places[at])
        )
    _refuse_one(found, column)
    names = [_plain(number) for number in found]
    place = {number: i for i, number in enumerate(found)}
    if len(found) > 2:
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        notes.append(
            _(
                "The labels in {column!r} are numbers ({numbers}), so the course takes their order to mean "
                "something. If they are only codes, write ordered=False."
            ).format(column=column, numbers=shown)
        )
    return Classes(names, len(found) > 2, [None if text is None else place[numbers[text]] for text in texts])


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"


def _of_texts(texts, values, column, notes, order) -> Classes:
    # Spellings that differ in spaces and case only are one class
    spellings: dict[str, Counter] = {}
    for text in texts:
        if text is not None:
            spellings.setdefault(text.casefold(), Counter())[text] += 1
    _refuse_one(list(spellings), column)
    names = {key: counts.most_common(1)[0][0] for key, counts in spellings.items()}
    merged = [list(counts) for counts in spellings.values() if len(counts) > 1]
    untidy = sum(value is not None and str(value) != _tidy(value) for value in values)
    if untidy:
        notes.append(
            _("Labels with stray spaces or invisible characters: {count:,}. They were taken away.").format(
                count=untidy
            )
        )
    if merged:
        shown = "; ".join(" = ".join(map(repr, group)) for group in merged[:5])
        notes.append(_("Spellings of one label were put together: {spellings}.").format(spellings=shown))

    # Their order
    keys, ordered = _in_order(list(names))
    if order is not None:
        keys = list(dict.fromkeys([*(one.casefold() for one in order if one.casefold() in names), *keys]))
    if len(keys) > 0.5 * sum(text is not None for text in texts):
        raise OwnDataError(
            _(
                "Expected a few classes in {column!r}, but it has {count} different values, for example "
                "{example!r}. Name the column of the label: label=…"
            ).format(column=column, count=len(keys), example=names[keys[0]])
        )
    if nothing := [names[key] for key in keys if key in _LIKE_NOTHING]:
        notes.append(
            _("Taken as classes: {classes}. If they stand for no label, remove these rows first.").format(
                classes=nothing
            )
        )
    if ordered and len(keys) > 2 and order is None:
        notes.append(
            _("The classes have an order: {order}. If they have none, write ordered=False.").format(
                order=" < ".join(names[key] for key in keys[:8])
            )
        )
    place = {key: i for i, key in enumerate(keys)}
    return Classes(
        [names[key] for key in keys],
        ordered and len(keys) > 2,
        [None if text is None else place[text.casefold()] for text in texts],
    )


def _in_order(keys: list[str]) -> tuple[list[str], bool]:
    """Return the classes in their natural order, and whether they have one."""
    counted = [_COUNTED.match(key) for key in keys]
    if all(counted) and len({match["unit"].rstrip("s") for match in counted}) == 1:
        return sorted(keys, key=lambda key: float(_COUNTED.match(key)["number"].replace(",", "."))), True
    for scale in _SCALES:
        if set(keys) <= set(scale):
            return sorted(keys, key=scale.index), True
    return sorted(keys), False


def _refuse_one(found: list, column: str) -> None:
    if len(found) < 2:
        if found:
            few = _(
                "Expected at least two classes in {column!r}, but it has only the class {name!r} "
                "(one class only)."
            ).format(column=column, name=found[0])
        else:
            few = _(
                "Expected at least two classes in {column!r}, but it has no label at all (one class only)."
            ).format(column=column)
        advice = _(
            "A model would learn to give this one answer. If the file is sorted and was cut, take it whole; "
            "if another column is the label, name it: label=…"
        )
        raise OwnDataError(f"{few} {advice}")


# Several labels at once


def several_in_a_cell(values: Sequence) -> str | None:
    """Return what separates the labels, if many cells hold several; "list" for lists; else None."""
    present = [value for value in values if value is not None]
    if any(isinstance(value, tuple) for value in present):
        return "list"
    for separator in (",", ";", "|", " / "):
        whole = {value.strip().casefold() for value in present if separator not in value}
        joined = [value for value in present if separator in value]
        parts = [part.strip().casefold() for value in joined for part in value.split(separator)]
        known = sum(part in whole for part in parts)
        # Where most parts are also labels by themselves
        if len(joined) >= max(2, 0.01 * len(present)) and known > 0.5 * len(parts):
            return separator
    return None


def labels_in_cells(values: Sequence, separator: str) -> tuple[list[str], list[list[float]]]:
    """Return the names of all labels, and zeros and ones for each row. A row may have no label at all."""
    cells = []
    for value in values:
        parts = (
            (value if isinstance(value, tuple) else str(value).split(separator)) if value is not None else ()
        )
        cells.append({" ".join(str(part).split()) for part in parts if part and str(part).strip()})
    names = sorted(set().union(*cells))
    return names, [[float(name in one) for name in names] for one in cells]
