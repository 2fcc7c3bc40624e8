"""Protects a learner from a line that changes without a word where a notebook promises one change."""

import difflib
import re

import pytest
from notebook_files import NOTEBOOKS, code_cells

# The plain cell with which the versions of a notebook begin: 5 begins with the loop of 3
FIRST = {
    "03_native_pytorch_loop": ("03_native_pytorch_loop", "loop"),
    "05_results_you_can_defend": ("03_native_pytorch_loop", "loop"),
    "07_fast_and_unbreakable": ("07_fast_and_unbreakable", "rung-tutorial"),
    "08_more_than_one_device": ("08_more_than_one_device", "loop"),
}
MARK = re.compile(r"  # New:.*$")


def chains():
    """Yield neighbours: a cell, and the next one, which repeats it with `# New:` lines."""
    for path in NOTEBOOKS:
        stem, first = FIRST.get(path.stem, (path.stem, None))
        before = next((cell for cell in code_cells(path.with_stem(stem)) if cell.id == first), None)
        for version in (cell for cell in code_cells(path) if "# New:" in cell.source):
            yield pytest.param(before.source, version.source, id=f"{path.stem[:2]}-{before.id}-{version.id}")
            before = version


def unmarked(before: str, after: str) -> list[str]:
    """Return the lines that differ without a mark, and those that have a mark without a difference.

    A line that only lost the mark of the version before is the same line. Removed lines count, unless a
    marked line stands in their place.
    """
    old = [MARK.sub("", line) for line in before.splitlines() if line.strip()]
    lines = [line for line in after.splitlines() if line.strip()]
    new = [MARK.sub("", line) for line in lines]
    wrong = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            wrong += [line for line in lines[c:d] if MARK.search(line)]
        elif kind == "delete":
            wrong += old[a:b]
        else:
            wrong += [line for line in lines[c:d] if not MARK.search(line)]
    return wrong


CHAINS = list(chains())


@pytest.mark.parametrize(("before", "after"), CHAINS)
def test_each_version_is_the_one_before_with_marked_lines(before, after):
    assert unmarked(before, after) == []


def test_there_are_chains():
    assert len(CHAINS) >= 10


def test_the_check_sees_an_unmarked_change_a_mark_too_many_and_a_lost_line():
    before = "a = 1\nb = 2  # New: two\nc = 3"
    assert unmarked(before, "a = 1\nb = 2\nc = 4") == ["c = 4"]
    assert unmarked(before, "a = 1  # New: one\nb = 2\nc = 3") == ["a = 1  # New: one"]
    assert unmarked(before, "a = 1\nc = 3") == ["b = 2"]
    assert unmarked(before, "a = 1\nb = 2\nc = 3\nd = 4  # New: four") == []
