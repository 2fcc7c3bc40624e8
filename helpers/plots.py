"""Pure functions: a `Run` or arrays in, a matplotlib `Figure` out. No pyplot state, no display.

Colours are Okabe and Ito's, which people with the common colour-vision deficiencies can tell apart; no meaning hangs
on colour alone.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from helpers.data import PaddingCost
from helpers.learning_rates import RangeTest
from helpers.runs import Run, loss_difference

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#6B6B6B",
)
SERIES = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
_LINES = ("-", "--", ":", "-.")


class Picture(Figure):
    """A Figure that a notebook shows by itself, without pyplot."""

    def _repr_png_(self):
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_png(buffer, pil_kwargs={"compress_level": 1})  # the default takes half as long again, for 5 % fewer bytes
        width, height = self.get_size_inches() * 100
        return buffer.getvalue(), {"width": int(width), "height": int(height)}


def picture(width: float, height: float, columns: int = 1):
    """A figure of that many inches and its axes, one or `columns` side by side."""
    figure = Picture(figsize=(width, height), dpi=150, layout="constrained")
    axes = figure.subplots(1, columns)
    for ax in np.atleast_1d(axes):
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def plain(text: str) -> str:
    """The text for matplotlib, which sets what stands between two dollars as a formula and raises ValueError where it is none."""
    return text.replace("$", r"\$")


def length_histogram(lengths: np.ndarray, max_length: int) -> Figure:
    """Histogram of token lengths, shape (texts,), with the mean and the model's limit marked."""
    figure, ax = picture(8, 3.2)
    ax.hist(lengths, bins=np.arange(0, max(lengths.max(), max_length) + 16, 16), color=SKY, edgecolor="white")
    ax.axvline(lengths.mean(), color=BLUE, linewidth=2, label=f"mean: {lengths.mean():.0f}")
    ax.axvline(max_length, color=RED, linestyle="--", linewidth=2, label=f"limit of the model: {max_length}")
    ax.set(xlabel="tokens in a review", ylabel="reviews")
    ax.legend(frameon=False)
    return figure


def padding_bars(costs: Sequence[PaddingCost]) -> Figure:
    """A bar per strategy: real tokens and padding computed in one epoch."""
    figure, ax = picture(8, 0.7 + 0.55 * len(costs))
    names = [cost.strategy for cost in costs]
    real = np.array([cost.real_tokens for cost in costs]) / 1_000
    computed = np.array([cost.computed_tokens for cost in costs]) / 1_000
    ax.barh(names, real, color=BLUE, label="real tokens")
    ax.barh(names, computed - real, left=real, color=YELLOW, edgecolor=GREY, hatch="//", linewidth=0.5, label="padding")
    for position, cost in enumerate(costs):
        ax.text(computed[position], position, f" {cost.padding_share:.0%} padding", va="center")
    ax.invert_yaxis()
    ax.set(xlabel="thousand tokens computed per epoch", xlim=(0, computed.max() * 1.22))
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    return figure


def ladder(speeds: Mapping[str, float]) -> Figure:
    """A bar per recipe: reviews a second in training, and how many times that of the first."""
    figure, ax = picture(8, 0.7 + 0.45 * len(speeds))
    bars = ax.barh(list(speeds), list(speeds.values()), color=[GREY, *[BLUE] * (len(speeds) - 1)])
    first = next(iter(speeds.values()))
    ax.bar_label(bars, [f" {speed:.3g}  ({speed / first:.1f}×)" for speed in speeds.values()])
    ax.invert_yaxis()
    ax.margins(x=0.2)
    ax.set(xlabel="reviews a second, in training")
    return figure


def batch_lengths(batches: Mapping[str, Sequence[np.ndarray]], max_length: int, count: int = 12) -> Figure:
    """The first `count` batches of each strategy, a column a text: real tokens below, padding above."""
    figure, axes = picture(9, 2.8, len(batches))
    for ax, (strategy, chosen) in zip(np.atleast_1d(axes), batches.items()):
        left = 0
        for batch in chosen[:count]:
            height = max_length if strategy == "max_length" else batch.max()
            ax.bar(left + np.arange(len(batch)), height, width=1, color=YELLOW)
            ax.bar(left + np.arange(len(batch)), batch, width=1, color=BLUE)
            left += len(batch) + 2
        ax.set(title=strategy, xticks=[], ylim=(0, max_length * 1.02), xlabel=f"first {min(count, len(chosen))} batches")
    np.atleast_1d(axes)[0].set_ylabel("tokens (blue: real, yellow: padding)", fontsize=8)
    return figure


def loss_curve(*runs: Run, numbers: Sequence[int] | None = None, growing: bool = False) -> Figure:
    """Training and evaluation loss over steps on the left; accuracy on the right, where there is one or, while a run is `growing`, may come.

    `numbers` fixes each run's colour and line, so that they stay when another run is hidden; by default 0, 1, 2, …
    """
    figure = Picture(figsize=(9, 3.4), dpi=100)
    # A fixed layout: this one is drawn again and again while a model trains.
    if growing or any(run.series("accuracy")[1] for run in runs):
        left, right = figure.add_axes((0.075, 0.15, 0.41, 0.8)), figure.add_axes((0.56, 0.15, 0.42, 0.8))
        right.set(xlabel="step", ylabel="evaluation accuracy", ylim=(0, 1))
    else:
        left, right = figure.add_axes((0.075, 0.15, 0.905, 0.8)), None
    several = len(runs) > 1
    for number, run in zip(range(len(runs)) if numbers is None else numbers, runs):
        steps, losses = run.series("loss")
        if not steps:
            continue
        style = {"color": SERIES[number % len(SERIES)], "linestyle": _LINES[number % 4]}
        left.plot(steps, losses, color=style["color"], alpha=0.3, linewidth=1)
        left.plot(steps, _smoothed(losses), linewidth=2, label=plain(run.name) if several else "training loss", **style)
        if run.evaluations:
            of_evaluation = {"marker": "o", **style, "color": style["color"] if several else RED}
            left.plot(*run.series("eval_loss"), label=None if several else "evaluation loss", **of_evaluation)
        if right is not None:
            right.plot(*run.series("accuracy"), marker="o", **style)
    left.set(xlabel="step", ylabel="loss (cross-entropy)" + (", ● evaluation" if several else ""))
    left.set_ylim(bottom=0)
    if left.get_legend_handles_labels()[0]:
        left.legend(frameon=False, fontsize=9, ncols=1 + len(runs) // 5)
    for ax in figure.axes:
        ax.set_xlim(*left.get_xlim())
        ax.spines[["top", "right"]].set_visible(False)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.25)
    return figure


def _smoothed(values: Sequence[float], span: int = 10) -> list[float]:
    """Exponential moving average over about `span` points, corrected for the start (Kingma & Ba 2015, section 3)."""
    decay, mean, weight, result = 1 - 1 / span, 0.0, 0.0, []
    for value in values:
        mean, weight = decay * mean + (1 - decay) * value, decay * weight + (1 - decay)
        result.append(mean / weight)
    return result


def schedule(steps: np.ndarray, learning_rates: np.ndarray) -> Figure:
    """Learning rates, shape (points,), over the steps of a training."""
    figure = Picture(figsize=(5.2, 2.2), dpi=100)
    ax = figure.add_axes((0.15, 0.24, 0.82, 0.68))  # a fixed layout: it is redrawn while a slider moves
    ax.spines[["top", "right"]].set_visible(False)
    ax.plot(steps, learning_rates, color=BLUE, linewidth=2)
    ax.fill_between(steps, learning_rates, color=SKY, alpha=0.25)
    ax.set(xlabel="step", ylabel="learning_rate", xlim=(0, max(steps[-1], 1)), ylim=(0, learning_rates.max() * 1.08))
    ax.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def range_test(test: RangeTest) -> Figure:
    """Loss against learning rate (log scale), with the suggestion marked."""
    figure, ax = picture(8, 3)
    ax.plot(test.learning_rates, test.losses, color=SKY, alpha=0.6, linewidth=1, label="loss of each step")
    ax.plot(test.learning_rates, test.smoothed, color=BLUE, linewidth=2, label="smoothed")
    ax.axvline(test.suggestion, color=RED, linestyle="--", linewidth=2, label=f"suggestion: {test.suggestion:.1e}")
    ax.set(xlabel="learning_rate", ylabel="training loss", xscale="log")
    ax.legend(frameon=False)
    return figure


def loss_comparison(first: Run, second: Run) -> Figure:
    """Two runs' training losses at the steps both logged on the left, their absolute difference on the right (log scale)."""
    figure, (left, right) = picture(9, 3.4, 2)
    difference = loss_difference(first, second)
    for run, colour, style, width in ((first, SKY, "-", 5), (second, RED, "--", 1.5)):
        losses = dict(zip(*run.series("loss")))
        left.plot(difference.keys(), [losses[step] for step in difference], color=colour, linestyle=style, linewidth=width, label=plain(run.name))
    left.set(xlabel="step", ylabel="training loss")
    left.legend(frameon=False)
    right.plot(difference.keys(), np.maximum(list(difference.values()), 1e-9), color=BLUE, marker=".", linestyle="none")
    right.axhline(1e-3, color=RED, linestyle="--", label="one thousandth")
    right.set(xlabel="step", ylabel="absolute difference", yscale="log", ylim=(5e-10, 5))
    right.legend(frameon=False)
    return figure


def confusion_matrix(counts: np.ndarray, label_names: Sequence[str]) -> Figure:
    """Counts of shape (classes, classes), rows true, columns predicted; shaded by share of the row."""
    figure, ax = picture(5.6, 4.4)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        ax.text(column, row, f"{counts[row, column]}", ha="center", va="center", color="white" if shares[row, column] > 0.55 else "black")
    positions, names = range(len(label_names)), [plain(name) for name in label_names]
    ax.set(xticks=positions, yticks=positions, xticklabels=names, yticklabels=names, xlabel="predicted", ylabel="true label")
    ax.spines[:].set_visible(False)
    figure.colorbar(image, label="share of the true label", shrink=0.85)
    return figure


def accuracy_in_context(accuracy: float, error: float, references: Mapping[str, float]) -> Figure:
    """This run's accuracy with one standard error, beside `references` (name → accuracy)."""
    figure, ax = picture(8, 0.9 + 0.42 * (len(references) + 1))
    names = ["this run", *references]
    ax.barh(names, [accuracy, *references.values()], color=[BLUE] + [GREY] * len(references), height=0.62)
    ax.errorbar(accuracy, 0, xerr=error, color="black", capsize=5, linewidth=1.5)
    for position, value in enumerate([accuracy, *references.values()]):
        ax.text(value + (error + 0.01 if position == 0 else 0.01), position, f"{value:.3f}", va="center")
    ax.invert_yaxis()
    ax.set(xlabel="accuracy on the evaluation set", xlim=(0, 1))
    return figure
