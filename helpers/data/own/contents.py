"""Look at texts for what should be known before training: personal data, markup, copies, contradictions."""

from __future__ import annotations

import html
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from helpers.data.own.splits import Row
from helpers.language import N_, _, ngettext

_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]*[a-zA-Z]{2,}\b")
_PHONE = re.compile(r"(?<![\w.,-])(\+\d{1,3}[ .-]?)?(\(0?\d{1,5}\)|\d{2,5})([ .\-/]?\d{2,4}){2,4}(?![\w-])")
_CARD = re.compile(r"(?<![\d-])(?:\d[ -]?){12,18}\d(?![\d-])")
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|&(?:[a-zA-Z]{2,8}|#\d{1,6});")


def note_contents(rows: Sequence[Row], names: Sequence[str], cleaned: bool, notes: list[str]) -> None:
    """Write into `notes` what was found, with counts. No text is changed here."""
    _note_personal(rows, notes)
    marked = sum(bool(_MARKUP.search(row.text)) for row in rows)
    if marked and not cleaned:
        notes.append(
            _(
                "HTML tags or entities in {count:,} of the texts, such as {example!r}: kept; "
                "clean_html=True removes them."
            ).format(count=marked, example=_first_markup(rows))
        )
    _note_copies(rows, names, notes)


def without_html(text: str) -> str:
    """Return the text without tags, and with characters in place of entities."""
    return " ".join(html.unescape(re.sub(r"</?[a-zA-Z][^<>]{0,200}>", " ", text)).split())


def _first_markup(rows: Sequence[Row]) -> str:
    return next(match.group() for row in rows if (match := _MARKUP.search(row.text)))


def _note_personal(rows: Sequence[Row], notes: list[str]) -> None:
    found = Counter()
    for row in rows:
        found[N_("{count:,} with an e-mail address")] += bool(_EMAIL.search(row.text))
        cards = [match.group() for match in _CARD.finditer(row.text) if _is_card(match.group())]
        found[N_("{count:,} with a number like a payment card's")] += bool(cards)
        rest = _CARD.sub(" ", row.text)
        phones = (re.sub(r"\D", "", match.group()) for match in _PHONE.finditer(rest))
        found[N_("{count:,} with a number like a telephone's")] += any(
            8 <= len(digits) <= 15 for digits in phones
        )
    if any(found.values()):
        shown = ", ".join(_(what).format(count=count) for what, count in found.items() if count)
        notes.append(
            _(
                "Personal data: {found}. Think before you train on these texts, and before you push "
                "anything: a model can repeat what it has read."
            ).format(found=shown)
        )


def _is_card(text: str) -> bool:
    """Return whether the digits pass the check that payment cards pass (Luhn, ISO/IEC 7812)."""
    digits = [int(one) for one in text if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return len(set(digits)) > 2 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _note_copies(rows: Sequence[Row], names: Sequence[str], notes: list[str]) -> None:
    labels: dict[str, Counter] = defaultdict(Counter)
    for row in rows:
        labels[row.text][row.label if isinstance(row.label, int) else tuple(row.label)] += 1
    copies = sum(counts.total() - 1 for counts in labels.values())
    if copies:
        notes.append(
            _("Rows whose text is there already: {copies:,}. Copies of a text stay in one split.").format(
                copies=copies
            )
        )
    torn = {text: counts for text, counts in labels.items() if len(counts) > 1}
    if torn:
        text, counts = next(iter(torn.items()))
        if all(isinstance(label, int) for label in counts):
            first, *others = (names[label] for label in counts)
            shown = repr(first)
            for other in others:
                shown = _("{labels} and {other!r}").format(labels=shown, other=other)
        else:
            shown = _("different labels")
        notes.append(
            ngettext(
                "With different labels: {count:,} text, for example {text!r} with {labels}. "
                "They are kept: look at them.",
                "With different labels: {count:,} texts, for example {text!r} with {labels}. "
                "They are kept: look at them.",
                len(torn),
            ).format(count=len(torn), text=text[:80], labels=shown)
        )
