"""Draw the figures of the course: each function takes a `Run` or arrays and returns a `Picture`.

The functions are pure: they use no pyplot state and display nothing. The colours are Okabe and Ito's, which
people with the common colour-vision deficiencies can tell apart. No meaning depends on colour alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.ticker import MaxNLocator

from helpers.data.padding import PaddingCost
from helpers.language import _
from helpers.show.end_labels import End, label_ends, width_of
from helpers.show.fonts import drawable
from helpers.show.pictures import Picture
from helpers.show.told import guessing_loss
from helpers.train.learning_rates import RangeTest
from helpers.train.runs import Run, loss_difference
from helpers.train.scale import Memory

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
RED = "#D55E00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
YELLOW = "#F0E442"
GREY = "#6B6B6B"
SERIES = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
_LINES = ("-", "--", ":", "-.")
_MOST_WITH_NOISE = 3  # runs whose unsmoothed losses can be drawn before they hide each other
WIDE = (9, 3.4)  # inches: the curves side by side
NARROW = (4.4, 3.7)  # one above the other, beside the sliders of the lab


# A style of the learner's own may ask for LaTeX. Without it, no figure could be drawn.
if rcParams["text.usetex"] and shutil.which("latex") is None:
    rcParams["text.usetex"] = False


def new_figure(width: float, height: float, columns: int = 1):
    """Make a figure of `width` by `height` inches; return it and its axes, one or `columns` side by side."""
    figure = Picture(figsize=(width, height), dpi=150, layout="constrained")
    axes = figure.subplots(1, columns)
    for ax in np.atleast_1d(axes):
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def plain(text: str) -> str:
    """Escape the dollars in `text`, so that matplotlib draws it as it is, in any script it has a font for.

    Matplotlib reads what stands between two dollars as a formula, and raises ValueError if it is not one.
    """
    return drawable(text).replace("$", r"\$")


def length_histogram(lengths: np.ndarray, max_length: int) -> Picture:
    """Draw a histogram of token lengths, shape (texts,), and mark the mean and the model's limit."""
    figure, ax = new_figure(8, 3.2)
    bins = np.arange(0, max(lengths.max(), max_length) + 16, 16)
    # matplotlib 3.10 takes a tuple for the colours of several bars
    ax.hist(lengths, bins=bins, color=SKY, edgecolor=to_hex(ax.get_facecolor()))
    ax.axvline(lengths.mean(), color=BLUE, linewidth=2, label=f"mean: {lengths.mean():.0f}")
    ax.axvline(max_length, color=RED, linestyle="--", linewidth=2, label=f"limit of the model: {max_length}")
    ax.set(xlabel="tokens in a text", ylabel="texts")
    ax.legend(frameon=False)
    figure.alt = _(
        "Histogram of the tokens in {texts:,} texts: mean {mean:.0f}, median {median:.0f}, longest "
        "{longest:,}; {share:.1%} reach the model's limit of {limit:,} or exceed it."
    ).format(
        texts=len(lengths),
        mean=lengths.mean(),
        median=np.median(lengths),
        longest=lengths.max(),
        share=(lengths >= max_length).mean(),
        limit=max_length,
    )
    return figure


def padding_bars(costs: Sequence[PaddingCost]) -> Picture:
    """Draw a bar per strategy: the real tokens and the padding that one epoch computes."""
    # The numbers, in thousands
    names = [cost.strategy for cost in costs]
    real = np.array([cost.real_tokens for cost in costs]) / 1_000
    computed = np.array([cost.computed_tokens for cost in costs]) / 1_000

    # The bars
    figure, ax = new_figure(8, 0.7 + 0.55 * len(costs))
    hatched = {"color": YELLOW, "edgecolor": GREY, "hatch": "//", "linewidth": 0.5}
    ax.barh(names, real, color=BLUE, label="real tokens")
    ax.barh(names, computed - real, left=real, label="padding", **hatched)
    for position, cost in enumerate(costs):
        ax.text(computed[position], position, f" {cost.padding_share:.0%} padding", va="center")

    # The axes and the legend
    ax.invert_yaxis()
    ax.set(xlabel="thousand tokens computed per epoch", xlim=(0, computed.max() * 1.22))
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    told = [
        _("{strategy} {tokens:,}, of which {share:.0%} padding").format(
            strategy=cost.strategy, tokens=cost.computed_tokens, share=cost.padding_share
        )
        for cost in costs
    ]
    text = _("A bar for each strategy, tokens computed per epoch: {bars}")
    figure.alt = text.format(bars="; ".join(told))
    return figure


def ladder(speeds: Mapping[str, float]) -> Picture:
    """Draw a bar per recipe: the reviews a second in training, also as a multiple of the first recipe's."""
    names = [plain(name) for name in speeds]  # first, since it may add a font
    figure, ax = new_figure(8, 0.7 + 0.45 * len(speeds))
    rows = range(len(speeds))
    bars = ax.barh(rows, list(speeds.values()), color=[GREY, *[BLUE] * (len(speeds) - 1)])
    ax.set_yticks(rows, names)
    first = next(iter(speeds.values()))
    ax.bar_label(bars, [f" {speed:.3g}  ({speed / first:.1f}×)" for speed in speeds.values()])
    ax.invert_yaxis()
    ax.margins(x=0.2)
    ax.set(xlabel="texts a second, in training")
    told = [
        _("{name} {speed:.3g} ({ratio:.1f} times the first)").format(
            name=name, speed=speed, ratio=speed / first
        )
        for name, speed in speeds.items()
    ]
    text = _("A bar for each recipe, texts a second in training: {bars}")
    figure.alt = text.format(bars="; ".join(told))
    return figure


def padded_batches(batches: Mapping[str, Sequence[np.ndarray]], max_length: int, count: int = 12) -> Picture:
    """Draw the first `count` batches of each strategy: one column per text, padding above real tokens."""
    figure, axes = new_figure(9, 2.8, len(batches))
    axes = np.atleast_1d(axes)
    shares = []
    for ax, (strategy, chosen) in zip(axes, batches.items()):
        # The columns, with a gap after each batch
        left = real = computed = 0
        for batch in chosen[:count]:
            height = max_length if strategy == "max_length" else batch.max()
            real += batch.sum()
            computed += height * len(batch)
            ax.bar(left + np.arange(len(batch)), height, width=1, color=YELLOW)
            ax.bar(left + np.arange(len(batch)), batch, width=1, color=BLUE)
            left += len(batch) + 2

        # The axes
        ax.set(title=strategy, xticks=[], ylim=(0, max_length * 1.02))
        ax.set_xlabel(f"first {min(count, len(chosen))} batches")
        shares.append(f"{strategy} {1 - real / computed:.0%}")
    axes[0].set_ylabel("tokens (blue: real, yellow: padding)", fontsize=8)
    figure.alt = _(
        "The first {count} batches of each strategy, a column for each text: real tokens below, padding "
        "above. Share of padding: {shares}"
    ).format(count=count, shares="; ".join(shares))
    return figure


def loss_curve(
    *runs: Run,
    numbers: Sequence[int] | None = None,
    growing: bool = False,
    narrow: bool = False,
    class_counts: Sequence[int] | None = None,
) -> Picture:
    """Draw training and validation loss over the steps on the left, and accuracy on the right.

    A `narrow` picture has the accuracy below the losses. Without any accuracy, its part is missing, unless a
    run is `growing`: then an accuracy may come. `numbers` fixes each run's colour and dash, so that they stay
    when another run is hidden; by default they are 0, 1, 2, … With `class_counts`, shape (classes,),
    the validation rows of each class, dotted lines show what a model has that only guesses.
    """
    # The axes; one run needs names for its losses, several runs need names for the runs
    several = len(runs) > 1
    names = [plain(run.name) for run in runs] if several else []
    with_accuracy = growing or any(run.series("accuracy")[1] for run in runs)
    figure, labelled = _loss_axes(names, with_accuracy, narrow)
    left, right = figure.axes if with_accuracy else (figure.axes[0], None)

    # The lines
    ends: dict[Axes, list[End]] = {ax: [] for ax in figure.axes}
    for number, run in zip(range(len(runs)) if numbers is None else numbers, runs):
        steps, losses = run.series("loss")
        if not steps:
            continue
        style = run_style(number) | {"markersize": 4 if narrow else 6}
        name = plain(run.name) if several else "training loss"
        smoothed = _smoothed(losses)
        if len(runs) <= _MOST_WITH_NOISE:
            left.plot(steps, losses, color=style["color"], alpha=0.5, linewidth=1)
        left.plot(steps, smoothed, linewidth=2, label=name, **style)
        ends[left].append(End(name, steps[-1], smoothed[-1], style))
        if run.evaluations:
            of_evaluation = {**style, "marker": "o", "color": style["color"] if several else RED}
            left.plot(*run.series("eval_loss"), label=None if several else "validation loss", **of_evaluation)
        if right is not None and run.series("accuracy")[0]:
            at, accuracies = run.series("accuracy")
            right.plot(at, accuracies, marker="o", **style)
            ends[right].append(End(name, at[-1], accuracies[-1], style))

    # What guessing has
    guessed = []
    if class_counts is not None:
        levels = guessing_loss(class_counts), max(class_counts) / sum(class_counts)
        for ax, level in zip(figure.axes, levels):
            _guessing_line(ax, level)
        text = (
            _("Dotted: guessing, loss {loss:.2f}, accuracy {accuracy:.3f}.")
            if right
            else _("Dotted: guessing, loss {loss:.2f}.")
        )
        guessed = [text.format(loss=levels[0], accuracy=levels[1])]

    # The limits, then the names
    left.set_ylim(bottom=0)
    for ax in figure.axes:
        ax.set_xlim(*left.get_xlim())
        if labelled:
            label_ends(ax, ends[ax])
    if ends[left] and not labelled:
        left.legend(frameon=False, fontsize=8 if narrow else 9, ncols=1 + len(runs) // 5)
    what = _("Curves of loss and accuracy over the steps.") if right else _("Curves of loss over the steps.")
    told = [run.summary() for run in runs] or [_("No run yet, 0 curves.")]
    figure.alt = " ".join([what, *told, *guessed])
    return figure


def _guessing_line(ax: Axes, level: float) -> None:
    ax.axhline(level, color=GREY, linestyle=":", linewidth=1, alpha=0.8)
    # x is a share of the axes, y a value
    right_end = ax.get_yaxis_transform()
    ax.text(0.995, level, "guessing", color=GREY, fontsize=7, ha="right", va="bottom", transform=right_end)


def run_style(number: int) -> dict:
    """Return colour and dash of the run with this number. No two of the first twelve share both."""
    return {"color": SERIES[number % len(SERIES)], "linestyle": _LINES[number % len(_LINES)]}


def _loss_axes(names: Sequence[str], with_accuracy: bool, narrow: bool) -> tuple[Picture, bool]:
    """Make the figure of `loss_curve` with its axes, and say whether `names` fit beside them.

    The axes have fixed places, because the figure is drawn again and again while a model trains.
    """
    # The axes, as wide as the names leave them
    size = NARROW if narrow else WIDE
    height = 0.4 if narrow and with_accuracy else 0.8
    names_width = width_of(names, height * size[1])
    room = (names_width or 0) / size[0] if names else 0
    figure = Picture(figsize=size, dpi=150 if narrow else 100)
    if narrow and with_accuracy:
        places = [(0.12, 0.58, 0.86 - room, 0.4), (0.12, 0.11, 0.86 - room, 0.4)]
    elif with_accuracy:
        places = [(0.075, 0.15, 0.41 - room, 0.8), (0.56, 0.15, 0.42 - room, 0.8)]
    else:
        left = 0.12 if narrow else 0.075
        places = [(left, 0.15, 0.98 - left - room, 0.8)]

    # The words and the grid
    letters = {"fontsize": 8 if narrow else "medium"}
    loss = "loss" if narrow and with_accuracy else "loss (cross-entropy)"
    words = (loss + (" (● validation)" if names and with_accuracy else ""), "validation accuracy")
    for place, word in zip(places, words):
        ax = figure.add_axes(place)
        ax.set_ylabel(word, **letters)
        ax.spines[["top", "right"]].set_visible(False)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.tick_params(labelsize=letters["fontsize"])
        ax.grid(alpha=0.25)
    if with_accuracy:
        figure.axes[1].set_ylim(0, 1)
    for ax in figure.axes[-1:] if narrow else figure.axes:
        ax.set_xlabel("step", **letters)
    return figure, bool(names) and names_width is not None


def _smoothed(values: Sequence[float], span: int = 10) -> list[float]:
    """Compute an exponential moving average over about `span` points.

    It is corrected for the start (Kingma & Ba 2015, section 3).
    """
    decay = 1 - 1 / span
    mean = 0.0
    weight = 0.0
    result = []
    for value in values:
        mean = decay * mean + (1 - decay) * value
        weight = decay * weight + (1 - decay)
        result.append(mean / weight)
    return result


def schedule(steps: np.ndarray, learning_rates: np.ndarray) -> Picture:
    """Draw the learning rates over the steps of a training, both of shape (points,)."""
    # The axes have a fixed place, because this figure is drawn again while a slider moves
    figure = Picture(figsize=(NARROW[0], 1.5), dpi=150)
    ax = figure.add_axes((0.12, 0.27, 0.86, 0.62))
    ax.spines[["top", "right"]].set_visible(False)

    # The curve and its axes
    ax.plot(steps, learning_rates, color=BLUE, linewidth=2)
    ax.fill_between(steps, learning_rates, color=SKY, alpha=0.25)
    ax.set(xlim=(0, max(steps[-1], 1)), ylim=(0, learning_rates.max() * 1.08))
    ax.set_xlabel("step", fontsize=8, labelpad=1)
    ax.set_ylabel("learning_rate", fontsize=8)
    ax.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    ax.tick_params(labelsize=8)
    ax.yaxis.get_offset_text().set_fontsize(8)
    # Few ticks: each takes as long to draw as the curve
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(3))
    top = learning_rates.argmax()
    figure.alt = _(
        "The learning rate over {steps:,.0f} steps: {first:.1e} at the start, highest {highest:.1e} at step "
        "{step:,.0f}, {last:.1e} at the end."
    ).format(
        steps=steps[-1],
        first=learning_rates[0],
        highest=learning_rates[top],
        step=steps[top],
        last=learning_rates[-1],
    )
    return figure


def range_test(test: RangeTest) -> Picture:
    """Draw the loss against the learning rate (log scale), and mark the suggestion."""
    figure, ax = new_figure(8, 3)
    ax.plot(test.learning_rates, test.losses, color=SKY, alpha=0.6, linewidth=1, label="loss of each step")
    ax.plot(test.learning_rates, test.smoothed, color=BLUE, linewidth=2, label="smoothed")
    suggestion = f"suggestion: {test.suggestion:.1e}"
    ax.axvline(test.suggestion, color=RED, linestyle="--", linewidth=2, label=suggestion)
    ax.set(xlabel="learning_rate", ylabel="training loss", xscale="log")
    ax.legend(frameon=False)
    figure.alt = _("The training loss over a growing learning rate.") + f" {test.sentence()}"
    return figure


def loss_comparison(first: Run, second: Run) -> Picture:
    """Draw the training losses of two runs, and their absolute difference beside them (log scale).

    The figure shows the steps that both runs have logged.
    """
    figure, (left, right) = new_figure(9, 3.4, 2)
    difference = loss_difference(first, second)
    steps = difference.keys()
    for ax in (left, right):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))

    # The losses: a thin line over a wide one, so that both can be seen where they are equal
    for run, colour, style, width in ((first, SKY, "-", 5), (second, RED, "--", 1.5)):
        losses = dict(zip(*run.series("loss")))
        losses = [losses[step] for step in steps]
        left.plot(steps, losses, color=colour, linestyle=style, linewidth=width, label=plain(run.name))
    left.set(xlabel="step", ylabel="training loss")
    left.legend(frameon=False)

    # The difference: a log scale has no place for zero
    distances = np.maximum(list(difference.values()), 1e-9)
    right.plot(steps, distances, color=BLUE, marker=".", linestyle="none")
    right.axhline(1e-3, color=RED, linestyle="--", label="one thousandth")
    right.set(xlabel="step", ylabel="absolute difference", yscale="log", ylim=(5e-10, 5))
    right.legend(frameon=False)
    figure.alt = _(
        "The training losses of {first} and {second} over {steps} steps. Their largest difference is "
        "{largest:.2g}, that of the last step {last:.2g}."
    ).format(
        first=first.name,
        second=second.name,
        steps=len(steps),
        largest=max(difference.values()),
        last=difference[max(steps)],
    )
    return figure


def confusion_heatmap(counts: np.ndarray, label_names: Sequence[str], most_classes: int = 15) -> Picture:
    """Draw counts of shape (classes, classes): rows true, columns predicted, shaded by share of the row.

    Of more than `most_classes` classes, it draws the twelve pairs that are mistaken most often, since nobody
    could read so many squares.
    """
    short = [name if len(name) <= 24 else name[:23] + "…" for name in label_names]
    names = [plain(name) for name in short]
    if any(drawable(name) != name for name in label_names):
        names = [f"class {number}" for number in range(1, len(names) + 1)]  # the text beside it names them
    if len(names) > most_classes:
        figure = _confused_pairs(counts, names)
        text = _("A bar for each of the most frequent mistakes.")
        figure.alt = f"{text} {_confusion_text(counts, short)}"
        return figure

    # The shaded squares
    size = max(4.4, 0.55 * len(names))
    figure, ax = new_figure(size + 1.2, size)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)

    # The counts in them
    for row, column in np.ndindex(counts.shape):
        colour = "white" if shares[row, column] > 0.55 else "black"
        ax.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=colour)

    # The axes and the colour bar
    positions = range(len(names))
    long = max(map(len, names)) > 60 / len(names)
    ax.set_xticks(positions, names, rotation=45 if long else 0, ha="right" if long else "center")
    ax.set_yticks(positions, names)
    ax.set(xlabel="predicted", ylabel="true label")
    ax.spines[:].set_visible(False)
    figure.colorbar(image, label="share of the true label", shrink=0.85)
    text = _("Confusion matrix, rows true, columns predicted.")
    figure.alt = f"{text} {_confusion_text(counts, short)}"
    return figure


def _confusion_text(counts: np.ndarray, names: Sequence[str], most: int = 3) -> str:
    """Say how many texts of each class are right, and which mistakes are the most frequent."""
    right = ", ".join(
        _("{name} {right:,} of {all:,}").format(name=name, right=counts[row, row], all=counts[row].sum())
        for row, name in enumerate(names)
    )
    mistakes = np.where(np.eye(len(names), dtype=bool), 0, counts)
    worst = [
        _("{true} taken for {answer}, {count:,} times").format(
            true=names[place // len(names)], answer=names[place % len(names)], count=mistakes.flat[place]
        )
        for place in np.argsort(-mistakes, axis=None, kind="stable")[:most]
        if mistakes.flat[place]
    ]
    text = _("Right: {right}. Most frequent mistakes: {mistakes}.")
    return text.format(right=right, mistakes="; ".join(worst) or _("none"))


def _confused_pairs(counts: np.ndarray, names: Sequence[str], count: int = 12) -> Picture:
    """Draw a bar for each of the pairs (true class, answer) with the most mistakes."""
    mistakes = np.where(np.eye(len(names), dtype=bool), 0, counts)
    worst = np.argsort(-mistakes, axis=None, kind="stable")[:count]
    pairs = [np.unravel_index(place, counts.shape) for place in worst if mistakes.flat[place]]
    figure, ax = new_figure(8, 0.9 + 0.34 * max(1, len(pairs)))
    for place, (true, answer) in enumerate(pairs):
        ax.barh(place, mistakes[true, answer], color=BLUE, height=0.62)
        ax.text(
            mistakes[true, answer], place, f" {mistakes[true, answer]} of {counts[true].sum()}", va="center"
        )
    ax.set_yticks(range(len(pairs)), [f"{names[true]} → {names[answer]}" for true, answer in pairs])
    ax.invert_yaxis()
    ax.set(xlabel=f"mistakes: the {len(pairs)} most frequent, true class → answer")
    ax.margins(x=0.15)
    return figure


def accuracy_in_context(accuracy: float, error: float, references: Mapping[str, float]) -> Picture:
    """Draw this run's accuracy with one standard error, beside the `references` (name → accuracy)."""
    names = ["this run", *map(plain, references)]  # first, since it may add a font
    figure, ax = new_figure(8, 0.9 + 0.42 * len(names))
    values = [accuracy, *references.values()]
    ax.barh(range(len(names)), values, color=[BLUE] + [GREY] * len(references), height=0.62)
    ax.set_yticks(range(len(names)), names)
    # The colour of the words: in a dark style, black would be invisible
    ax.errorbar(accuracy, 0, xerr=error, color=rcParams["text.color"], capsize=5, linewidth=1.5)
    for position, value in enumerate(values):
        ax.text(value + (error + 0.01 if position == 0 else 0.01), position, f"{value:.3f}", va="center")
    ax.invert_yaxis()
    ax.set(xlabel="accuracy on the validation rows", xlim=(0, 1))
    others = "; ".join(f"{name} {value:.3f}" for name, value in references.items())
    text = _("Bars of accuracy: this run {accuracy:.3f} ± {error:.3f} (standard error); {others}.")
    figure.alt = text.format(accuracy=accuracy, error=error, others=others)
    return figure


def memory_bars(memories: Mapping[str, Memory], limit: float) -> Picture:
    """Draw a bar per strategy: what each device keeps, in GB, and where its memory of `limit` GB ends."""
    figure, ax = new_figure(8, 1.0 + 0.45 * len(memories))
    parts = {
        "weights": (BLUE, ""),
        "gradients": (ORANGE, "//"),
        "optimizer": (SKY, ".."),
    }

    # The bars: a part behind the other, told apart by hatches too
    left = np.zeros(len(memories))
    for part, (colour, hatch) in parts.items():
        sizes = np.array([getattr(memory, part) for memory in memories.values()]) / 1e9
        ax.barh(list(memories), sizes, left=left, color=colour, hatch=hatch, edgecolor=GREY, label=part)
        left += sizes
    for position, total in enumerate(left):
        ax.text(total, position, f" {total:.1f}", va="center")

    # The limit, the axes, the words
    ax.axvline(limit, color=RED, linestyle="--", linewidth=2, label=f"a GPU of {limit:.0f} GB")
    ax.invert_yaxis()
    ax.set(xlabel="GB on each device", xlim=(0, max(left.max(), limit) * 1.12))
    figure.legend(loc="outside upper right", ncols=4, frameon=False)
    figure.alt = _(
        "A bar for each strategy, GB on each device, beside a limit of {limit:.0f} GB: {bars}"
    ).format(
        limit=limit,
        bars="; ".join(f"{strategy} {memory.total / 1e9:.1f}" for strategy, memory in memories.items()),
    )
    return figure
