"""Write the names of lines at their ends, so that nobody has to look them up in a legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

SIZE = 8  # points
_LINE = 1.1 * SIZE / 72  # inches from one name to the next
_LETTER = 0.6 * SIZE / 72  # inches
_SAMPLE = 0.22  # inches: the piece of line before a name
_GAP = 0.12  # inches between the axes and that piece
_LONGEST = 12  # letters


class End(NamedTuple):
    """The last point of a line, its name, and its colour and dash as keywords of `plot`."""

    name: str
    x: float
    y: float
    style: dict


def width_of(names: Sequence[str], height: float) -> float | None:
    """Return the inches that these names take up beside axes of `height` inches; None if they do not fit."""
    longest = max(map(len, names), default=0)
    if len(names) * _LINE > height or longest > _LONGEST:
        return None
    return _GAP + _SAMPLE + longest * _LETTER


def label_ends(ax: Axes, ends: Sequence[End]) -> None:
    """Write the name of each line to the right of `ax`, after a piece of the line.

    Names whose lines end close together are pushed apart. A dotted line leads from the height of each end to
    its name. It stays outside of `ax`, where nobody takes it for data. The limits of `ax` must be set before.
    """
    # The places of the names, as shares of the axes
    width, height = ax.get_position().size * ax.figure.get_size_inches()
    low, high = ax.get_ylim()
    ends = sorted(ends, key=lambda end: end.y)
    wanted = [min(1.0, max(0.0, (end.y - low) / (high - low))) for end in ends]
    left, right = 1 + _GAP / width, 1 + (_GAP + _SAMPLE) / width

    # The dotted line, a piece of the line itself, and the name
    outside = {"clip_on": False, "transform": ax.transAxes}
    for end, at, place in zip(ends, wanted, spread(wanted, _LINE / height)):
        ax.plot([1, left], [at, place], color="0.5", linestyle=":", linewidth=0.8, **outside)
        piece = {**end.style, "linewidth": 2, **outside}
        ax.plot([left, right], [place, place], **piece)
        ax.text(right + 0.04 / width, place, end.name, transform=ax.transAxes, fontsize=SIZE, va="center")


def spread(wanted: Sequence[float], spacing: float) -> list[float]:
    """Return the rising places `wanted`, moved as little as needed to stand `spacing` apart, from 0 to 1.

    Neighbours that are too close form a block around the mean of their places (the pool-adjacent-violators
    algorithm). If all of them do not fit, they stand closer.
    """
    spacing = min(spacing, 1 / max(1, len(wanted) - 1))

    # Blocks of neighbours: how many, and the mean of (wanted place - distance in the block)
    blocks: list[tuple[int, float]] = []
    for number, place in enumerate(wanted):
        size, mean = 1, place - number * spacing
        while blocks and blocks[-1][1] > mean:
            before, its_mean = blocks.pop()
            size, mean = size + before, (size * mean + before * its_mean) / (size + before)
        blocks.append((size, mean))

    # The places, within the axes
    free = 1 - (len(wanted) - 1) * spacing
    offsets = [min(free, max(0.0, mean)) for size, mean in blocks for _ in range(size)]
    return [offset + number * spacing for number, offset in enumerate(offsets)]
