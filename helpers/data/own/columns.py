"""Find the column of the text and that of the label, unless they are named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import fmean

from helpers.data.own.errors import OwnDataError, nearest
from helpers.data.own.labels import MOST_NUMBERS, number_of, several_in_a_cell
from helpers.data.own.tables import Table
from helpers.language import _

_TEXT_NAMES = (
    "text", "sentence", "review", "review text", "review_text", "reviewtext", "comment", "content", "message",
    "body", "document", "utterance", "tweet", "question", "headline", "v2", "본문", "내용", "문장", "텍스트",
)  # fmt: skip
_LABEL_NAMES = (
    "label", "labels", "class", "category", "target", "sentiment", "rating", "stars", "star", "score",
    "intent", "emotion", "polarity", "topic", "y", "verdict", "grade", "airline_sentiment", "overall", "v1",
    "spam", "class index", "star_rating", "라벨", "레이블", "분류", "평점", "감성", "감정",
)  # fmt: skip
_LABEL_TEXT = re.compile(r"^(label|class|category|target|intent|topic)[ _](text|name|str|string|desc\w*)$")
_ADDRESS = re.compile(r"^(https?://|www\.)\S+$", re.IGNORECASE)
_DATE = re.compile(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}.*)?$")
_LOOK_AT = 2_000


def choose_text(table: Table, given, label: str | None, notes: list[str]) -> list[str]:
    """Return the column of the text, or the columns to join."""
    if given is not None:
        names = [given] if isinstance(given, str) or not isinstance(given, (list, tuple)) else list(given)
        for name in names:
            _check_name(table, name, "text")
        if not names:
            raise OwnDataError(
                _("Expected a column for text=, got none. The columns are {columns}.").format(
                    columns=table.columns
                )
            )
        return names

    lengths = {}
    for name in table.columns:
        values = _some(table, name)
        if name != label and values and not _is_no_text(values):
            known = 3 if name.strip().lower() in _TEXT_NAMES else 1
            filled = sum(value is not None for value in table.column(name)) / len(table.rows)
            different = len(set(values)) / len(values)
            lengths[name] = known * fmean(map(len, values)) * different**0.5 * filled
    if not lengths:
        _refuse_no_text(table, label)
    longest = max(lengths, key=lengths.get)
    titles = [
        name for name in lengths
        if name != longest and re.search("title|subject|headline|summary|제목", name, re.IGNORECASE)
    ]  # fmt: skip
    if titles and _repeats(table, [longest]) > 0.5 > _repeats(table, [*titles, longest]):
        notes.append(
            _("{longest!r} says the same in many rows, so {titles} and {longest!r} are joined.").format(
                longest=longest, titles=titles
            )
        )
        return [*titles, longest]
    if titles:
        notes.append(
            _("The text is {longest!r}. {titles} could be put before it: text={both}.").format(
                longest=longest, titles=", ".join(map(repr, titles)), both=[*titles, longest]
            )
        )
    long = [name for name in lengths if name not in (longest, *titles) and _words(table, name) > 3]
    if long:
        both = [name for name in table.columns if name in (longest, *long)]
        notes.append(
            _("The text is {longest!r}. Other columns hold texts, too. To join them: text={both}.").format(
                longest=longest, both=both
            )
        )
    return [longest]


def _words(table: Table, name: str) -> float:
    return fmean(len(value.split()) for value in _some(table, name) if isinstance(value, str))


def _repeats(table: Table, names: Sequence[str]) -> float:
    """Return which share of the rows say what another row has said."""
    rows = list(zip(*(table.column(name) for name in names), strict=True))
    return 1 - len(set(rows)) / len(rows)


def _refuse_no_text(table: Table, label: str | None) -> None:
    shown = "; ".join(
        _("{name!r} holds {value!r}").format(name=name, value=_some(table, name)[0])
        if _some(table, name)
        else _("{name!r} is empty").format(name=name)
        for name in table.columns[:6]
        if name != label
    )
    raise OwnDataError(
        _(
            "Expected a column of texts in {table}, but none of its columns {columns} is one: {found}. "
            "Numbers, dates and addresses are no texts. If one of them is, name it: text=…"
        ).format(table=table.name, columns=table.columns, found=shown or _("there is no other column"))
    )


def _is_no_text(values: Sequence) -> bool:
    """Return whether these are numbers, dates, addresses or lists."""
    most = 0.8 * len(values)
    return (
        sum(not isinstance(value, str) for value in values) > most
        or sum(isinstance(value, str) and number_of(value) is not None for value in values) > most
        or sum(isinstance(value, str) and bool(_DATE.match(value.strip())) for value in values) > most
        or sum(isinstance(value, str) and bool(_ADDRESS.match(value.strip())) for value in values) > most
    )


def choose_label(table: Table, given, text, notes: list[str]) -> tuple[str, list[str] | None]:
    """Return the column of the label, and its classes in order if another column numbers them.

    Raises OwnDataError if there is no such column, or if there are several.
    """
    if given is not None:
        _check_name(table, given, "label")
        return given, None
    texts = [text] if isinstance(text, str) else list(text or ())
    possible = [name for name in table.columns if name not in texts and _may_be_label(table, name)]
    known = sorted(
        (name for name in possible if name.strip().lower() in _LABEL_NAMES),
        key=lambda name: _LABEL_NAMES.index(name.strip().lower()),
    )
    if not known and len(flags := _flags(table, possible)) >= 3:
        raise OwnDataError(
            _(
                "Expected one label a row in {table}, but the columns {columns} hold 0 and 1, several at "
                "once: that is multi-label. Read it so: own_data(…, multi_label=True)."
            ).format(table=table.name, columns=flags)
        )
    chosen = known[0] if known else possible[0] if len(possible) == 1 else None
    pair = _code_and_name(table, chosen, possible)
    if pair is not None:
        code, name = pair
        notes.append(
            _("{code!r} is the code of {name!r}: the label is {name!r}, in the order of the codes.").format(
                code=code, name=name
            )
        )
        pairs = dict(zip(table.column(code), table.column(name), strict=True))
        return name, [pairs[one] for one in sorted(filter(None, pairs), key=number_of) if pairs[one]]
    if chosen is None:
        _refuse_no_label(table, possible)
    return chosen, None


def _refuse_no_label(table: Table, possible: list[str]) -> None:
    if possible:
        raise OwnDataError(
            _(
                "Expected one column of labels in {table}, but {count} could be it: {columns}. "
                "Say which: label={columns[0]!r}."
            ).format(table=table.name, count=len(possible), columns=possible)
        )
    for name in table.columns:
        numbers = {
            value for value in _some(table, name) if isinstance(value, str) and number_of(value) is not None
        }
        if len(numbers) > MOST_NUMBERS and not re.search("id|index|unnamed|column", name, re.IGNORECASE):
            raise OwnDataError(
                _(
                    "Expected a column of labels in {table}, but {column!r} holds {count} different numbers, "
                    "for example {example}: that is regression, and this course teaches classification. "
                    "Put them into a few classes first, for example with pandas.cut."
                ).format(table=table.name, column=name, count=len(numbers), example=_some(table, name)[0])
            )
    raise OwnDataError(
        _(
            "Expected a column of labels in {table}, with a few different values, but none of its columns "
            "{columns} is one. If one of them is, name it: label=…"
        ).format(table=table.name, columns=table.columns)
    )


def has_label(table: Table, label: str) -> bool:
    """Return whether the table has this column, and anything in it."""
    return label in table.columns and any(value is not None for value in table.column(label))


def _may_be_label(table: Table, name: str) -> bool:
    values = [value for value in table.column(name) if value is not None]
    if not values or any(isinstance(value, tuple) for value in values):
        return bool(values)
    different = {value.strip().casefold() for value in values}
    lower = name.strip().lower()
    if lower in _LABEL_NAMES:
        return fmean(map(len, values[:_LOOK_AT])) < 60 or len(different) <= 0.5 * len(values)
    if sum(bool(_DATE.match(value.strip())) for value in values[:_LOOK_AT]) > 0.8 * len(values[:_LOOK_AT]):
        return False
    dense = len(different) <= max(2, min(200, len(values) / 3))
    return dense and fmean(map(len, values[:_LOOK_AT])) < 60 and len(different) > 1


def _flags(table: Table, names: Sequence[str]) -> list[str]:
    """Return the columns that hold nothing but 0 and 1."""
    return [name for name in names if set(table.column(name)) <= {"0", "1", "0.0", "1.0"}]


def _code_and_name(table: Table, chosen: str | None, possible: Sequence[str]) -> tuple[str, str] | None:
    """Return (code, name) if the chosen column, or both of two, say the same in numbers and in words."""
    codes = [chosen] if chosen else list(possible) if len(possible) == 2 else []
    for code in codes:
        for name in possible:
            if name != code and (chosen is None or _belongs(code, name)):
                pairs = {
                    pair
                    for pair in zip(table.column(code), table.column(name), strict=True)
                    if None not in pair
                }
                of_code, of_name = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
                numbers = all(isinstance(one, str) and number_of(one) is not None for one in of_code)
                words = all(isinstance(one, str) and number_of(one) is None for one in of_name)
                if len(pairs) == len(of_code) == len(of_name) > 1 and numbers and words:
                    return code, name
    return None


def _belongs(code: str, name: str) -> bool:
    code, name = code.lower(), name.lower()
    return bool(_LABEL_TEXT.match(name)) or name.startswith(code) or name in _LABEL_NAMES or code in name


def multi_label_columns(table: Table, given, text: Sequence[str]) -> list[str]:
    """Return the columns of 0 and 1, or the one column whose cells hold several labels."""
    if given is not None:
        names = [given] if isinstance(given, str) else list(given)
        for name in names:
            _check_name(table, name, "label")
        return names
    others = [name for name in table.columns if name not in text]
    flags = _flags(table, others)
    if len(flags) >= 2:
        return flags
    several = [name for name in others if several_in_a_cell(table.column(name))]
    if len(several) == 1:
        return several
    raise OwnDataError(
        _(
            "Expected columns of 0 and 1, or one whose cells hold several labels, in {table}; its columns "
            "are {columns}. Name them: label=['one', 'two'], or label='labels'."
        ).format(table=table.name, columns=table.columns)
    )


def _check_name(table: Table, name, role: str) -> None:
    if name not in table.columns:
        absent = _("Expected a column {name!r} for {role}= in {table}; its columns are {columns}.").format(
            name=name, role=role, table=table.name, columns=table.columns
        )
        raise OwnDataError(f"{absent} {nearest(name, table.columns)}".rstrip())


def _some(table: Table, name: str) -> list:
    return [value for value in table.column(name) if value is not None][:_LOOK_AT]
