"""Divide rows into train, validation and test, so that no text stands on two sides."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from helpers.language import _

ORDER = ("train", "validation", "test")
# Half the rows of one side would have to change their class to look like the other: then the file was cut
_CUT = 0.5


@dataclass
class Row:
    """A text, the number of its class (or zeros and ones), the split it came in, and where it stood."""

    text: str
    label: int | list[float] | None
    split: str | None
    place: str


def divide(rows: list[Row], names: Sequence[str], seed: int, notes: list[str]) -> dict[str, list[Row]]:
    """Return the rows of each split. Rows that are copies of a row of a later split are left out.

    Without a test split, a tenth becomes one; likewise for validation. The shares of the classes are kept,
    and copies of a text stay on one side. A file that was sorted and then cut is divided anew.
    """
    given = {split: [row for row in rows if row.split == split] for split in ORDER}
    loose = [row for row in rows if row.split is None]
    if loose or not given["train"] or _was_cut(given, notes):
        if not loose and not given["train"] and rows:
            notes.append(_("There are no training rows of their own, so all rows are divided anew."))
        given = {"train": list(rows), "validation": [], "test": []}
    given = _without_copies(given, notes)

    # What is missing comes out of the training rows
    tenth = round(0.1 * sum(map(len, given.values())))
    for split in ("test", "validation"):
        if not given[split]:
            given["train"], given[split] = _take(given["train"], tenth, seed)
            notes.append(
                _("{rows:,} rows, drawn with seed {seed}, are the {split} split.").format(
                    rows=len(given[split]), seed=seed, split=split
                )
            )
    _note_rare(given, names, notes)
    return given


def _was_cut(given: dict[str, list[Row]], notes: list[str]) -> bool:
    """Return whether train and test hold such different classes that a sorted file must have been cut."""
    shares = {}
    for split in ("train", "test"):
        labels = [row.label for row in given[split] if isinstance(row.label, int)]
        shares[split] = {label: count / len(labels) for label, count in Counter(labels).items()}
    if len(given["test"]) < 20 or not all(shares.values()):
        return False
    classes = shares["train"].keys() | shares["test"].keys()
    distance = sum(abs(shares["train"].get(one, 0) - shares["test"].get(one, 0)) for one in classes) / 2
    if distance <= _CUT:
        return False
    notes.append(
        _(
            "Train and test hold different classes ({share:.0%} of the rows would have to change theirs), as "
            "when a sorted file is cut in two: all rows are put together and divided anew."
        ).format(share=distance)
    )
    return True


def _without_copies(given: dict[str, list[Row]], notes: list[str]) -> dict[str, list[Row]]:
    """Leave out what stands in a later split, too: a model would be tested on what it has learned."""
    kept = {}
    seen: set[str] = set()
    for split in reversed(ORDER):
        kept[split] = [row for row in given[split] if row.text not in seen]
        copies = len(given[split]) - len(kept[split])
        if copies:
            notes.append(
                _("Left out of {split}: {copies:,} copies of texts that judge. They would leak.").format(
                    split=split, copies=copies
                )
            )
        seen |= {row.text for row in given[split]}
    return {split: kept[split] for split in ORDER}


def _take(rows: list[Row], count: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Take about `count` rows out, from each class its share. Returns the rest and what was taken.

    A class of three texts or more gives at least one; a smaller one gives none, so that it can be learned.
    """
    by_text: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        by_text[row.text].append(number)
    groups: dict[str, list[list[int]]] = defaultdict(list)
    for numbers in by_text.values():
        groups[str(rows[numbers[0]].label)].append(numbers)

    share = count / max(1, len(rows))
    taken: set[int] = set()
    for label in sorted(groups):
        texts = groups[label]
        random.Random(f"{seed} {label}").shuffle(texts)
        wanted = max(1, round(share * sum(map(len, texts)))) if len(texts) >= 3 else 0
        got = 0
        for numbers in texts[: len(texts) - 1]:
            # A text with very many copies would fill the split alone
            if got + len(numbers) <= max(wanted, 2) + 1 and got < wanted:
                taken.update(numbers)
                got += len(numbers)
    rest = [row for number, row in enumerate(rows) if number not in taken]
    return rest, [row for number, row in enumerate(rows) if number in taken]


def _note_rare(given: dict[str, list[Row]], names: Sequence[str], notes: list[str]) -> None:
    """Say which classes cannot be learned or judged."""
    counts = {
        split: Counter(row.label for row in rows if isinstance(row.label, int))
        for split, rows in given.items()
    }
    everywhere = sum(counts.values(), Counter())
    for number, name in enumerate(names):
        if not everywhere[number]:
            continue
        if everywhere[number] == 1:
            note = _("The class {name!r} has one row: it can hardly be learned, and not be judged.")
        elif everywhere[number] == 2:
            note = _("The class {name!r} has two rows: it can hardly be learned, and not be judged.")
        elif not counts["train"][number]:
            note = _("The class {name!r} stands in no training row: the model cannot learn it.")
        elif not counts["test"][number]:
            note = _("The class {name!r} stands in no test row: nobody can say how well it is found.")
        else:
            continue
        notes.append(note.format(name=name))
