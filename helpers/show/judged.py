"""Draw how far a result can be trusted: pure figures, as in `plots`, for what `helpers.judge` computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure

from helpers.judge.calibration import Reliability
from helpers.show.plots import BLUE, GREY, ORANGE, RED, SERIES, new_figure, plain

_MARKERS = "osD^v"


def size_curves(accuracies: Mapping[str, Mapping[int, Sequence[float]]]) -> Figure:
    """Draw the accuracy over the number of training rows (log scale): method → rows → one value per seed.

    A line joins the means; each seed is a point.
    """
    figure, ax = new_figure(8, 3.6)
    for (name, by_rows), colour, marker in zip(accuracies.items(), SERIES, _MARKERS):
        rows = sorted(by_rows)
        means = [np.mean(by_rows[count]) for count in rows]
        ax.plot(rows, means, color=colour, marker=marker, linewidth=2, label=name)
        for count in rows:
            values = by_rows[count]
            ax.plot([count] * len(values), values, linestyle="none", marker=marker, color=colour, alpha=0.4)
    ticks = sorted({count for by_rows in accuracies.values() for count in by_rows})
    ax.set(xscale="log", xlabel="training rows", ylabel="accuracy on the validation rows")
    ax.set_xticks(ticks, [f"{count:,}" for count in ticks])
    ax.minorticks_off()
    ax.grid(alpha=0.25)
    ax.legend(frameon=False)
    return figure


def winners_fall(chosen: np.ndarray, fresh: np.ndarray) -> Figure:
    """Draw how the winners' accuracies spread on the rows that chose them, and on fresh rows."""
    figure, ax = new_figure(8, 2.8)
    lowest, highest = min(chosen.min(), fresh.min()), max(chosen.max(), fresh.max())
    # Half a point wide: a narrower bar could miss every accuracy that 200 rows can have
    bins = np.arange(np.floor(lowest * 200) - 0.5, highest * 200 + 1) / 200
    for values, colour, hatch, name in (
        (fresh, BLUE, "", "on fresh rows"),
        (chosen, ORANGE, "//", "on the rows that chose it"),
    ):
        style = {"color": colour, "alpha": 0.65, "hatch": hatch}
        ax.hist(values, bins=bins, label=f"{name}: mean {values.mean():.3f}", **style)
        ax.axvline(values.mean(), color=colour, linewidth=2)
    ax.set(xlabel="accuracy of the winner", ylabel="draws", yticks=[])
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def intervals(
    names: Sequence[str],
    values: Sequence[float],
    ends: Sequence[tuple[float, float]],
    reference: float,
    label: str,
    meaning: str,
) -> Figure:
    """Draw a value with its interval (low, high) for each name, and a dashed line at `reference`.

    `label` is for the axis, `meaning` says what the dashed line is.
    """
    names = [plain(name) for name in names]  # first, since it may add a font
    figure, ax = new_figure(8, 1.1 + 0.3 * len(names))
    for position, (value, (low, high)) in enumerate(zip(values, ends)):
        ax.plot([low, high], [position, position], color=BLUE, linewidth=2)
        ax.plot(value, position, marker="o", color=BLUE)
    ax.axvline(reference, color=RED, linestyle="--", linewidth=1.5, label=meaning)
    figure.legend(loc="outside upper right", frameon=False)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set(xlabel=label)
    ax.grid(axis="x", alpha=0.25)
    return figure


def reliability_diagram(curves: Mapping[str, Reliability]) -> Figure:
    """Draw how often the model is right over how sure it is; on the dashed line, the two are the same."""
    figure, ax = new_figure(5.6, 4)
    ax.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="as sure as right")
    for (name, curve), colour, marker in zip(curves.items(), (RED, BLUE), _MARKERS):
        # The area of a point says how many rows it stands for
        sizes = 20 + 400 * curve.rows / curve.rows.sum()
        ax.scatter(curve.confidence, curve.accuracy, s=sizes, color=colour, marker=marker, alpha=0.5)
        ax.plot(curve.confidence, curve.accuracy, color=colour, marker=marker, label=name)
    ax.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    ax.legend(frameon=False)
    return figure


def coverage(shares: np.ndarray, accuracies: np.ndarray, everything: float) -> Figure:
    """Draw the accuracy on the surest rows over their share, and dash the accuracy on all rows."""
    figure, ax = new_figure(8, 3)
    ax.plot(shares, accuracies, color=BLUE, linewidth=2)
    ax.axhline(everything, color=RED, linestyle="--", label=f"on all rows: {everything:.3f}")
    ax.set(xlabel="share of the rows that it answers, the surest first", ylabel="accuracy on them")
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    ax.grid(alpha=0.25)
    ax.legend(frameon=False)
    return figure


def power_curve(rows: np.ndarray, power: np.ndarray, needed: int) -> Figure:
    """Draw how probably a comparison finds the difference, over the number of rows (log scale)."""
    figure, ax = new_figure(6.4, 2.6)
    ax.plot(rows, power, color=BLUE, linewidth=2)
    ax.axhline(0.8, color=GREY, linestyle="--", linewidth=1)
    ax.axvline(needed, color=RED, linestyle="--", linewidth=1.5, label=f"0.8 with {needed:,} rows")
    ax.set(xscale="log", ylim=(0, 1.02), xlabel="rows to judge on", ylabel="chance to find it")
    ax.legend(frameon=False, labelcolor=rcParams["text.color"])
    return figure
