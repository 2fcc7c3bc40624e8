"""Type a review and see what the model answers, and which words pushed it there."""

from __future__ import annotations

import time
from html import escape

import ipywidgets as widgets
import numpy as np

from helpers.judge.attribution import Attribution, word_attributions
from helpers.language import N_, _
from helpers.show import plots
from helpers.show.fonts import drawable
from helpers.show.pictures import Picture
from helpers.show.shown import Shown, faded

_LONGEST_UPDATE = 0.15  # seconds; a slower answer makes typing stumble
_HINT = N_("Write a text above: the answer appears here.")
_NAMED = 3  # words named on each side
_GRID = (
    "display:grid;grid-template-columns:fit-content(40%) minmax(80px,1fr) max-content;"
    "gap:3px 8px;align-items:center;max-width:560px;margin:6px 0"
)
_PAPER = (
    "background:#FFFFFF;color:#111;border:1px solid #999;border-radius:4px;padding:6px 8px;"
    "line-height:1.8;white-space:pre-wrap;overflow-wrap:anywhere"
)
_LEGEND = "display:inline-block;background:#FFFFFF;color:#111;font-size:12px;line-height:1.8;padding:0 4px"


class ReviewTester(Shown):
    """A field for a review, and below it the probability of each class and how each word pushed the answer.

    If one answer takes less than 0.15 s, the panel answers at every key. Otherwise it answers when the
    learner leaves the field.
    """

    def __init__(self, model, tokenizer, text: str = "The food was excellent, but we waited an hour for it."):
        self.model = model
        self.tokenizer = tokenizer

        # The field for the review
        self.text = widgets.Textarea(
            text,
            description=_("Your text:"),
            rows=3,
            style={"description_width": "initial"},
            layout=widgets.Layout(width="98%"),
        )
        self.text.continuous_update = self._seconds() < _LONGEST_UPDATE
        when = _("It answers when you leave the field: this model takes its time.")
        if self.text.continuous_update:
            when = _("It answers as you type.")
        self.when = widgets.HTML(faded(when))

        # The answer below it
        self.bars = widgets.HTML()
        self.marked = widgets.HTML()
        self.words = widgets.HTML()
        self.widget = widgets.VBox([self.text, self.when, self.bars, self.marked, self.words])
        self.text.observe(self._update, "value")
        self._update()

    def close(self) -> None:
        """Take the panel off the page and let go of the model."""
        self.text.unobserve_all()
        self.widget.close()
        self.model = None

    def _seconds(self) -> float:
        """Measure how long one answer takes, also if the field is empty.

        Only the second of two answers counts: the first one also loads what has to be loaded once.
        """
        for attempt in range(2):
            began = time.perf_counter()
            word_attributions(self.model, self.tokenizer, f"good {self.text.value}")
        return time.perf_counter() - began

    def _update(self, change=None) -> None:
        try:
            answer = word_attributions(self.model, self.tokenizer, self.text.value)
        except ValueError:  # no words yet
            answer = None
        self._answer = answer
        self.bars.value = probability_bars(answer.probabilities, self._labels()) if answer else ""
        self.marked.value = _marked(self.text.value, answer) if answer else ""
        self.words.value = f'<div style="line-height:1.5">{escape(self.sentence())}</div>'

    def _labels(self) -> list[str]:
        return [str(self.model.config.id2label[index]) for index in range(self.model.config.num_labels)]

    def sentence(self) -> str:
        """Say the answer, its probability, and the words that pushed most towards it and against it."""
        answer = self._answer
        if answer is None:
            return _(_HINT)
        label = self._labels()[answer.predicted]
        probability = answer.probabilities[answer.predicted]
        text = _(
            "{label} ({probability:.0%}). Pushed most towards {label}: {towards}; against: {against}."
        ).format(
            label=label,
            probability=probability,
            towards=_strongest(answer, 1),
            against=_strongest(answer, -1),
        )
        unread = _unread_note(self.text.value, answer)
        return f"{text} {unread}" if unread else text

    def picture(self) -> Picture:
        """Draw the probabilities on the left and the words that pushed most on the right."""
        figure = _answer_figure(self._answer, self._labels())
        text = _("Bars: the probability of each class, and how words pushed.")
        figure.alt = f"{text} {self.sentence()}"
        return figure


def _strongest(answer: Attribution, sign: int) -> str:
    """Name the words that pushed most in one direction, with their scores; "none" if no word did."""
    order = [i for i in np.argsort(-sign * answer.scores, kind="stable") if sign * answer.scores[i] > 0]
    return ", ".join(f"“{answer.words[i]}” ({_signed(answer.scores[i])})" for i in order[:_NAMED]) or _(
        "none"
    )


def _places(text: str, answer: Attribution) -> list[tuple[int, int]]:
    """Find where each word begins and ends in the text."""
    places = []
    position = 0
    for word in answer.words:
        start = text.index(word, position)
        position = start + len(word)
        places.append((start, position))
    return places


def _unread_note(text: str, answer: Attribution) -> str:
    """Say how much of the text the model has read, if it has not read all of it."""
    end = _places(text, answer)[-1][1]
    if not text[end:].strip():
        return ""
    note = _("The text is too long for the model: it read {read:,} of {all:,} characters.")
    return note.format(read=end, all=len(text))


def _signed(score: float) -> str:
    return f"{score:+.2g}".replace("-", "−")


def probability_bars(probabilities: np.ndarray, labels: list[str]) -> str:
    """Return HTML with a row per class: its name, a bar and the probability, the largest one in bold."""
    rows = []
    for label, probability in zip(labels, probabilities):
        weight = "bold" if probability == probabilities.max() else "normal"
        bar = f"display:block;height:12px;background:{plots.BLUE};width:{probability:.1%}"
        rows.append(
            f'<span style="font-weight:{weight};overflow-wrap:anywhere">{escape(label)}</span>'
            f'<span style="background:rgba(128,128,128,0.25)"><span style="{bar}"></span></span>'
            f'<span style="font-weight:{weight};text-align:right">{probability:.1%}</span>'
        )
    return f'<div style="{_GRID}">{"".join(rows)}</div>'


def _marked(text: str, answer: Attribution) -> str:
    """Return HTML with the review on white, each word on blue (towards the answer) or orange (against it).

    The stronger the push, the deeper the colour. The text after the last word is faded, because it was cut
    before the model saw it.
    """
    # The words, and what stands between them
    largest = max(np.abs(answer.scores).max(), 1e-12)
    parts = []
    position = 0
    for (start, end), score in zip(_places(text, answer), answer.scores):
        strength = abs(score) / largest
        colour = plots.BLUE if score > 0 else plots.ORANGE
        style = f"background:{_tint(colour, 0.65 * strength)};{_line(score) if strength > 0.3 else ''}"
        parts.append(escape(text[position:start]))
        parts.append(f'<span title="{_signed(score)}" style="{style}">{escape(text[start:end])}</span>')
        position = end
    parts.append(f'<span style="opacity:0.45">{escape(text[position:])}</span>')

    # The meaning of the colours
    towards = f"background:{_tint(plots.BLUE, 0.6)};{_line(1)}"
    against = f"background:{_tint(plots.ORANGE, 0.6)};{_line(-1)}"
    names = _("towards the answer"), _("against it")
    legend = f'<span style="{towards}">{names[0]}</span> <span style="{against}">{names[1]}</span>'
    return f'<div style="{_PAPER}">{"".join(parts)}</div><div style="{_LEGEND}">{legend}</div>'


def _line(score: float) -> str:
    """Return CSS for a line below, solid or dashed, for people who cannot tell the colours apart."""
    return f"border-bottom:2px solid {plots.BLUE}" if score > 0 else f"border-bottom:2px dashed {plots.RED}"


def _tint(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:.2f})"


def _answer_figure(answer: Attribution | None, labels: list[str]) -> Picture:
    """Draw the answer; without one, draw empty axes."""
    # The words first, since they may add a font
    order = [] if answer is None else np.argsort(-np.abs(answer.scores), kind="stable")[: 2 * _NAMED]
    words = [drawable(answer.words[i]) for i in order]
    labels = [drawable(label) for label in labels]
    figure, (left, right) = plots.new_figure(9, 0.9 + 0.3 * max(len(labels), 6), 2)

    # The probabilities
    rows = range(len(labels))
    left.barh(rows, np.zeros(len(labels)) if answer is None else answer.probabilities, color=plots.BLUE)
    left.set_yticks(rows, labels, parse_math=False)
    left.set(xlim=(0, 1), xlabel="probability")

    # The words that pushed most
    scores = [answer.scores[i] for i in order]
    colours = [plots.BLUE if score > 0 else plots.ORANGE for score in scores]
    right.barh(range(len(order)), scores, color=colours)
    right.set_yticks(range(len(order)), words, parse_math=False)
    right.axvline(0, color=plots.GREY, linewidth=1)
    right.set(xlabel="← against the answer    towards it →")

    # The first row on top
    left.invert_yaxis()
    right.invert_yaxis()
    return figure
