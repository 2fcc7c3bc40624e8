"""Draw how far a result can be trusted: pure figures, as in `plots`, for what `helpers.judge` computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rcParams

from helpers.judge.calibration import Reliability
from helpers.language import _
from helpers.show.pictures import Picture
from helpers.show.plots import BLUE, GREY, ORANGE, RED, SERIES, new_figure, plain

_MARKERS = "osD^v"


def size_curves(accuracies: Mapping[str, Mapping[int, Sequence[float]]]) -> Picture:
    """Draw the accuracy over the number of training rows (log scale): method → rows → one value per seed.

    A line joins the means; each seed is a point.
    """
    names = [plain(name) for name in accuracies]  # first, since it may add a font
    figure, ax = new_figure(8, 3.6)
    for name, by_rows, colour, marker in zip(names, accuracies.values(), SERIES, _MARKERS):
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
    told = [_("Mean accuracy over the number of training rows.")]
    for name, of in accuracies.items():
        points = [
            _("{accuracy:.3f} with {rows:,} rows").format(accuracy=np.mean(of[count]), rows=count)
            for count in sorted(of)
        ]
        told.append(f"{name}: {', '.join(points)}.")
    figure.alt = " ".join(told)
    return figure


def winners_fall(chosen: np.ndarray, fresh: np.ndarray) -> Picture:
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
    figure.alt = _(
        "Two histograms of the winner's accuracy in {draws:,} draws: on the rows that chose it, mean "
        "{mean:.3f}, from {low:.3f} to {high:.3f}; on fresh rows, mean {fresh_mean:.3f}, from "
        "{fresh_low:.3f} to {fresh_high:.3f}."
    ).format(
        draws=len(chosen),
        mean=chosen.mean(),
        low=chosen.min(),
        high=chosen.max(),
        fresh_mean=fresh.mean(),
        fresh_low=fresh.min(),
        fresh_high=fresh.max(),
    )
    return figure


def intervals(
    names: Sequence[str],
    values: Sequence[float],
    ends: Sequence[tuple[float, float]],
    reference: float,
    label: str,
    meaning: str,
) -> Picture:
    """Draw a value with its interval (low, high) for each name, and a dashed line at `reference`.

    `label` is for the axis, `meaning` says what the dashed line is.
    """
    said = [
        _("{name} {value:.3f} ({low:.3f} to {high:.3f})").format(name=name, value=value, low=low, high=high)
        for name, value, (low, high) in zip(names, values, ends)
    ]
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
    figure.alt = _(
        "{label}, points with intervals: {points}. Dashed line, {meaning}: {reference:.3f}."
    ).format(label=label, points="; ".join(said), meaning=meaning, reference=reference)
    return figure


def reliability_diagram(curves: Mapping[str, Reliability]) -> Picture:
    """Draw how often the model is right over how sure it is; on the dashed line, the two are the same."""
    names = [plain(name) for name in curves]  # first, since it may add a font
    figure, ax = new_figure(5.6, 4)
    ax.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="as sure as right")
    for name, curve, colour, marker in zip(names, curves.values(), (RED, BLUE), _MARKERS):
        # The area of a point says how many rows it stands for
        sizes = 20 + 400 * curve.rows / curve.rows.sum()
        ax.scatter(curve.confidence, curve.accuracy, s=sizes, color=colour, marker=marker, alpha=0.5)
        ax.plot(curve.confidence, curve.accuracy, color=colour, marker=marker, label=name)
    ax.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    ax.legend(frameon=False)
    told = [_("How often the model is right over how sure it is.")]
    for name, curve in curves.items():
        text = _("{name}, calibration error {error:.3f}: {points}.")
        told.append(text.format(name=name, error=curve.error, points=_right_when_sure(curve)))
    figure.alt = " ".join(told)
    return figure


def _right_when_sure(curve: Reliability) -> str:
    return ", ".join(
        _("right in {right:.2f} where {sure:.2f} sure").format(right=right, sure=sure)
        for sure, right in zip(curve.confidence, curve.accuracy)
    )


def coverage(shares: np.ndarray, accuracies: np.ndarray, everything: float) -> Picture:
    """Draw the accuracy on the surest rows over their share, and dash the accuracy on all rows."""
    figure, ax = new_figure(8, 3)
    ax.plot(shares, accuracies, color=BLUE, linewidth=2)
    ax.axhline(everything, color=RED, linestyle="--", label=f"on all rows: {everything:.3f}")
    ax.set(xlabel="share of the rows that it answers, the surest first", ylabel="accuracy on them")
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    ax.grid(alpha=0.25)
    ax.legend(frameon=False)
    found = [
        _("{accuracy:.3f} on the surest {share:.0%}").format(
            accuracy=accuracies[np.abs(shares - share).argmin()], share=share
        )
        for share in (0.1, 0.25, 0.5, 0.75)
    ]
    figure.alt = _(
        "Accuracy over the share of the rows that the model answers, the surest first: {points}, "
        "{everything:.3f} on all rows."
    ).format(points=", ".join(found), everything=everything)
    return figure


def power_curve(rows: np.ndarray, power: np.ndarray, needed: int) -> Picture:
    """Draw how probably a comparison finds the difference, over the number of rows (log scale)."""
    figure, ax = new_figure(6.4, 2.6)
    ax.plot(rows, power, color=BLUE, linewidth=2)
    ax.axhline(0.8, color=GREY, linestyle="--", linewidth=1)
    ax.axvline(needed, color=RED, linestyle="--", linewidth=1.5, label=f"0.8 with {needed:,} rows")
    ax.set(xscale="log", ylim=(0, 1.02), xlabel="rows to judge on", ylabel="chance to find it")
    ax.legend(frameon=False, labelcolor=rcParams["text.color"])
    figure.alt = _(
        "The chance to find the difference over the rows to judge on: {first_chance:.0%} with "
        "{first_rows:,.0f} rows, 80% with {needed:,}, {last_chance:.0%} with {last_rows:,.0f}."
    ).format(
        first_chance=power[0],
        first_rows=rows[0],
        needed=needed,
        last_chance=power[-1],
        last_rows=rows[-1],
    )
    return figure
