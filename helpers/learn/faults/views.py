"""Show the evidence of a training beside that of a healthy one: pictures, tables, and what gives it away."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from helpers.judge.metrics import worst_mistakes
from helpers.language import N_, _
from helpers.learn.faults.rules import RULES
from helpers.learn.faults.training import Evidence, Recipe
from helpers.show.formed import layers_moved
from helpers.show.pictures import Picture, image_html
from helpers.show.plots import GREY, RED, loss_curve, new_figure, plain, run_style
from helpers.show.shown import PARAGRAPH

_LONGEST = 300  # characters of a text in a table: about as much as the model reads
_CELL = "text-align:left;vertical-align:top;padding:2px 10px 2px 0"
_LINE = "1px solid rgba(128,128,128,0.4)"
_ROWS = {"training": N_("training rows"), "judged": N_("validation rows"), "unused": N_("unused rows")}


def curves(evidence: Evidence, healthy: Evidence) -> Picture:
    """Draw the losses and the accuracies of both trainings."""
    return loss_curve(evidence.run, healthy.run)


def norm_curve(evidence: Evidence, healthy: Evidence) -> Picture:
    """Draw the gradient norm of each step of both trainings (log scale)."""
    figure, ax = new_figure(9, 3)
    for number, of in enumerate((evidence, healthy)):
        ax.plot(*of.run.series("grad_norm"), linewidth=1.5, label=plain(of.run.name), **run_style(number))
    ax.set(xlabel="step", ylabel="gradient norm", yscale="log")
    ax.legend(frameon=False)
    ax.grid(alpha=0.25)
    told = _(
        "{name}: from {ends[0]:.3g} to {ends[1]:.3g}; from one step to the next it changes by {jump:.0%}."
    )
    figure.alt = " ".join(
        [
            _("The gradient norm over the steps."),
            *(
                told.format(name=of.run.name, ends=of.norm_ends, jump=of.norm_jump)
                for of in (evidence, healthy)
            ),
        ]
    )
    return figure


def accuracy_bars(evidence: Evidence, healthy: Evidence, rows: Sequence[str] = tuple(_ROWS)) -> Picture:
    """Draw the accuracy of both trainings on these kinds of rows, and where guessing could bring it."""
    figure, ax = new_figure(9, 0.9 + 0.7 * len(rows))
    for number, of in enumerate((evidence, healthy)):
        values = [of.accuracies[kind] for kind in rows]
        style = {"color": run_style(number)["color"], "hatch": ("", "//")[number], "edgecolor": "white"}
        bars = ax.barh(
            np.arange(len(rows)) + 0.4 * number - 0.2, values, 0.36, label=plain(of.run.name), **style
        )
        ax.bar_label(bars, [f"{value:.2f}" for value in values], padding=3)
    guessing = f"guessing, with luck: up to {evidence.guessing:.2f}"
    ax.axvline(evidence.guessing, color=GREY, linestyle=":", linewidth=2, label=guessing)
    ax.set_yticks(range(len(rows)), [_ROWS[kind] for kind in rows])
    ax.set(xlim=(0, 1.1), xlabel="accuracy")
    ax.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    figure.alt = " ".join(
        [
            _("The accuracies."),
            *(f"{of.run.name}: {_in_words(of, rows)}." for of in (evidence, healthy)),
            _("With luck, a model that only guesses gets up to {accuracy:.2f}.").format(
                accuracy=evidence.guessing
            ),
        ]
    )
    return figure


def _in_words(evidence: Evidence, kinds: Sequence[str]) -> str:
    """Say the accuracy on each of these kinds of rows."""
    told = _("{accuracy:.2f} on the {rows}")
    return ", ".join(told.format(accuracy=evidence.accuracies[kind], rows=_(_ROWS[kind])) for kind in kinds)


def giveaway(fault: str, evidence: Evidence, healthy: Evidence) -> Picture:
    """Draw the learner's own evidence that gives `fault` away, with an arrow to the decisive place."""
    # The picture, the axes, and the place
    if fault == "zero_grad":
        figure = norm_curve(evidence, healthy)
        ax, place, words = (
            figure.axes[0],
            (evidence.run.step, evidence.norms[-1]),
            N_("it grows, and no longer jumps"),
        )
    elif fault in ("frozen", "rate"):
        figure = layers_moved(evidence.run, healthy.run)
        ax = figure.axes[0]
        body = [change for part, change in evidence.run.moved.items() if part != "head"]
        row = int(np.argmax(body))
        place, words = (body[row], row - 0.2), N_("no change") if fault == "frozen" else N_("far too far")
    elif fault == "tokenizer":
        figure = curves(evidence, healthy)
        ax, (steps, accuracies) = figure.axes[1], evidence.run.series("accuracy")
        place, words = (steps[-1], accuracies[-1]), N_("pretraining is of no use")
    else:
        figure = accuracy_bars(evidence, healthy)
        ax = figure.axes[0]
        rows, words = (
            ("unused", N_("what it is worth"))
            if fault == "leak"
            else ("judged", N_("no better than guessing"))
        )
        place = (evidence.accuracies[rows], list(_ROWS).index(rows) - 0.2)

    # The arrow
    _point(ax, place, words, bars=fault not in ("zero_grad", "tokenizer"))
    figure.alt += " " + _("An arrow points at “{words}”.").format(words=_(words))
    return figure


def _point(ax, place: tuple[float, float], words: str, bars: bool) -> None:
    """Draw an arrow from these words to `place`, in the units of `ax`: the end of a bar or of a curve."""
    # A bar's value stands right of its end; beside the end of a curve there is room below or above
    across, up = ax.transAxes.inverted().transform(ax.transData.transform(place))
    right = bars and across < 0.5
    beside = (60 if right else -45, 0 if bars else -40 if up > 0.5 else 40)  # in points
    arrow = {"arrowstyle": "->", "color": RED, "linewidth": 2, "shrinkB": 34 if right else 3}
    ax.annotate(
        words,
        place,
        beside,
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        color=RED,
        fontweight="bold",
        arrowprops=arrow,
        bbox={"facecolor": "white", "edgecolor": RED, "boxstyle": "round"},
    )


def answer(question: str, evidence: Evidence, healthy: Evidence, names: Sequence[str]) -> tuple[str, str]:
    """Answer one of the `QUESTIONS` with a sentence, and with HTML: a table or a picture.

    `names` are those of the classes.
    """
    signs = {sign.question: sign for rule in RULES for sign in rule.signs}
    if question == "norms":
        picture = norm_curve(evidence, healthy)
        return picture.alt, _image(picture)
    if question == "weights":
        return signs["weights"].told(evidence, healthy), _image(layers_moved(evidence.run, healthy.run))
    if question in ("training", "unused"):
        picture = accuracy_bars(evidence, healthy, (question, "judged"))
        return picture.alt, _image(picture)
    if question == "answers":
        true = np.bincount(evidence.labels, minlength=len(names)) / len(evidence.labels)
        rows = [(name, f"{share:.0%}", f"{of:.0%}") for name, share, of in zip(names, evidence.shares, true)]
        most = int(evidence.shares.argmax())
        sentence = _("The commonest answer is “{name}”, {share:.0%} of all.").format(
            name=names[most], share=evidence.shares[most]
        )
        return sentence, table((_("class"), _("share of the answers"), _("share of the labels")), rows)
    rows = [row[1:] for row in evidence.seen]
    return signs["rows"].told(evidence, healthy), table((_("what the model reads"), _("its label")), rows)


def mistakes(evidence: Evidence, recipe: Recipe, count: int = 4) -> str:
    """Return HTML with the mistakes on the validation rows of which the model is surest."""
    worst = worst_mistakes(
        recipe.judged.texts, evidence.logits, evidence.labels, recipe.label_names, count, ordered=False
    )
    right = round(evidence.accuracies["judged"] * len(evidence.labels))
    caption = _("{right} of {rows} validation rows are right. Of these mistakes it is surest:").format(
        right=right, rows=len(evidence.labels)
    )
    rows = [
        (line.text, line.label, f"{line.predicted} ({line.probability:.0%})") for line in worst.itertuples()
    ]
    return f"<div>{caption}</div>" + table((_("text"), _("label"), _("answer")), rows)


def read_and_written(evidence: Evidence) -> str:
    """Return HTML with two training texts, as they are and as the model reads them."""
    return table((_("what the text says"), _("what the model reads")), [row[:2] for row in evidence.seen[:2]])


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an HTML table that is readable on a light and on a dark page. Long texts are cut."""
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(name)}</th>' for name in columns)
    lines = "".join(f'<tr style="border-top:{_LINE}">{"".join(map(_cell, row))}</tr>' for row in rows)
    style = f"border-collapse:collapse;margin:4px 0;{PARAGRAPH}"
    return f'<table style="{style}"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'


def _cell(value: str) -> str:
    text = _short(str(value))
    # A long word without a gap must not widen the page; a short one must not fall into letters
    style = f"{_CELL};overflow-wrap:anywhere" if len(text) > 24 else _CELL
    return f'<td style="{style}">{escape(text)}</td>'


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _image(picture: Picture) -> str:
    png, size = picture._repr_png_()
    return image_html(png, **size)
