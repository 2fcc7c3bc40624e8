"""Draw what a run kept of its training: how its answers formed, and how far its weights moved.

The figures are pure, as in `plots`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from helpers.language import _
from helpers.show.pictures import Picture
from helpers.show.plots import BLUE, GREY, RED, SERIES, new_figure, plain
from helpers.train.runs import Run

MOST_ROWS = 12  # classes that have a row of their own; more would leave no room for the dots
_HATCHES = ("", "//", "..", "xx")


def probabilities_at(run: Run, moment: int) -> np.ndarray:
    """Return the answers that `run` kept at its moment number `moment`: shape (texts, classes)."""
    return np.array(run.moments[moment]["probabilities"])


def places(run: Run, moment: int) -> np.ndarray:
    """Return how far to the right each text stands at this moment: shape (texts,), from 0 to 1.

    With ordered classes it is the mean class, weighted by the probabilities: 0 is the first class, 1 the
    last. A model that knows nothing puts every text into the middle. Without an order it is the probability
    of the true class.
    """
    probabilities = probabilities_at(run, moment)
    if run.watched["ordered"]:
        return probabilities @ np.linspace(0, 1, probabilities.shape[1])
    return probabilities[np.arange(len(probabilities)), run.watched["labels"]]


def goals(run: Run) -> np.ndarray:
    """Return where an answer that is right and sure stands, for each class: shape (classes,), from 0 to 1."""
    classes = len(run.watched["names"])
    return np.linspace(0, 1, classes) if run.watched["ordered"] else np.ones(classes)


def rows_and_lanes(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of each text, from 0, and its height within the row, between 0 and 1: shape (texts,).

    A row is a true class. The texts of a row have different heights, so that no dot hides another.
    """
    labels = np.array(run.watched["labels"])
    rows = labels if len(run.watched["names"]) <= MOST_ROWS else np.zeros_like(labels)
    lanes = np.empty(len(rows))
    for row in np.unique(rows):
        members = np.flatnonzero(rows == row)
        lanes[members] = 0.06 + 0.88 * (np.arange(len(members)) + 0.5) / len(members)
    return rows, lanes


def right_at(run: Run, moment: int) -> np.ndarray:
    """Return for each text whether its answer is right at this moment: shape (texts,)."""
    return probabilities_at(run, moment).argmax(axis=1) == run.watched["labels"]


def moment_sentence(run: Run, moment: int) -> str:
    """Say how many answers are right at this moment, and how sure the model is of the true classes."""
    probabilities = probabilities_at(run, moment)
    right = right_at(run, moment)
    of_truth = probabilities[np.arange(len(right)), run.watched["labels"]].mean()
    return _(
        "Step {step:,}: {right} of {all} answers are right. The true class gets {share:.0%} of the "
        "probability on average; a guess gives it {guess:.0%}."
    ).format(
        step=run.moments[moment]["step"],
        right=right.sum(),
        all=len(right),
        share=of_truth,
        guess=1 / probabilities.shape[1],
    )


def answers_formed(run: Run) -> Picture:
    """Draw the texts that `run` watched as dots: at its first moment, at the middle one, and at the last.

    Raises ValueError if the run has kept no moments.
    """
    if not run.moments:
        text = _("{name!r} has kept no moments. Train it with the callback KeepMoments.")
        raise ValueError(text.format(name=run.name))
    names = [plain(name) for name in run.watched["names"]]
    moments = (0, len(run.moments) // 2, len(run.moments) - 1)
    figure, axes = new_figure(9, 3.4, len(moments))
    rows, lanes = rows_and_lanes(run)
    for ax, moment in zip(axes, moments):
        # The dots, and a line where a sure and right answer stands
        right = right_at(run, moment)
        ax.scatter(
            places(run, moment),
            rows + lanes,
            s=22,
            facecolors=np.where(right, BLUE, "none"),
            edgecolors=np.where(right, BLUE, RED),
        )
        for row in np.unique(rows):
            ax.plot([goals(run)[row]] * 2, [row, row + 1], color=GREY, linewidth=1)
            ax.axhline(row, color=GREY, linewidth=0.5, alpha=0.5)

        # The axes
        ax.set(title=f"step {run.moments[moment]['step']:,}", xlim=(-0.04, 1.04), ylim=(0, rows.max() + 1))
        ax.set_yticks(np.unique(rows) + 0.5, [])
        _name_columns(ax, run, names)
    if len(names) <= MOST_ROWS:
        axes[0].set_yticks(np.unique(rows) + 0.5, [names[row] for row in np.unique(rows)])
    axes[0].set_ylabel("true class")
    text = _("{count} texts as dots, for three moments of {name!r}, one row for each true class.")
    sentences = [moment_sentence(run, moment) for moment in moments]
    figure.alt = " ".join([text.format(count=len(rows), name=run.name), *sentences])
    return figure


def _name_columns(ax, run: Run, names: list[str]) -> None:
    if run.watched["ordered"]:
        ax.set_xticks([0, 1], [names[0], names[-1]])
        ax.set_xlabel("mean answer")
    else:
        ax.set_xlabel("probability of the true class")


def layers_moved(*runs: Run) -> Picture:
    """Draw how far each part of the model has moved in each of `runs`, relative to where it began.

    The head has a scale of its own. It began at small random numbers, so it moves much further than the rest.
    Raises ValueError if no run has measured it.
    """
    runs = [run for run in runs if run.moved]
    if not runs:
        text = _("No run knows how far its weights moved. Train with the callback KeepMovement.")
        raise ValueError(text)
    parts = list(dict.fromkeys(part for run in runs for part in run.moved))
    body = [part for part in parts if part != "head"]

    # The body on the left, the head on the right
    figure, (left, right) = new_figure(9, 1.1 + 0.24 * max(1, len(body)) * (len(runs) + 0.8), 2)
    _movement_bars(left, runs, body)
    _movement_bars(right, runs, ["head"])
    right.set_title("the classifier, on a scale of its own", fontsize=10)
    left.set_title("the body", fontsize=10)
    figure.supxlabel("change of the weights, relative to their size before the training", fontsize=10)
    if len(runs) > 1:
        handles, names = left.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=min(3, len(runs)), frameon=False)
    text = _("Bars: how far each part of the model moved, relative to its size.")
    figure.alt = " ".join([text, *(f"{run.name}: {movement_words(run.moved)}." for run in runs)])
    return figure


def _movement_bars(ax, runs: Sequence[Run], parts: Sequence[str]) -> None:
    """Draw for each part a bar for each run, with its value."""
    height = 0.8 / len(runs)
    for number, run in enumerate(runs):
        style = {"color": SERIES[number % len(SERIES)], "hatch": _HATCHES[number % len(_HATCHES)]}
        values = [run.moved.get(part, np.nan) for part in parts]
        middles = np.arange(len(parts)) + (number + 0.5) * height - 0.4
        bars = ax.barh(middles, values, height * 0.9, label=plain(run.name), edgecolor="white", **style)
        ax.bar_label(bars, [_percent(value) for value in values], padding=3, fontsize=8)
    ax.set_yticks(range(len(parts)), [_called(part) for part in parts])
    ax.set_ylim(len(parts) - 0.5, -0.5)
    ax.margins(x=0.15)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(lambda value, position: f"{100 * value:.3g}%")


def movement_words(moved: Mapping[str, float]) -> str:
    """List the parts with their changes, as in "embeddings 1.2%, layer 1 8.9%, classifier 102%".

    The parts have the names that stand in the picture.
    """
    return ", ".join(f"{_called(part)} {_percent(value)}" for part, value in moved.items())


def _called(part: str) -> str:
    return "classifier" if part == "head" else part


def _percent(value: float) -> str:
    return "" if np.isnan(value) else "0" if value == 0 else f"{100 * value:.{2 if value < 1 else 3}g}%"
