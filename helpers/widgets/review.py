"""Type a review and see what the model answers, and which words pushed it there."""

from __future__ import annotations

import time
from html import escape

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from helpers import plots
from helpers.attribution import Attribution, word_attributions
from helpers.widgets.shown import Shown, faded
from helpers.widgets.tokens import drawable

_LONGEST_UPDATE = 0.15  # seconds; slower than that, typing stumbles
_HINT = "Write a review above: the answer appears here."
_NAMED = 3  # words named on each side


class ReviewTester(Shown):
    """A field to type into, and below it the probability of each class and the review with its words' pushes.

    Where one answer takes less than 0.15 s the panel follows every key, else it answers on leaving the field.
    """

    def __init__(self, model, tokenizer, text: str = "The food was excellent, but we waited an hour for it."):
        self.model, self.tokenizer = model, tokenizer
        self.text = widgets.Textarea(
            text, description="Your review:", rows=3, style={"description_width": "initial"}, layout=widgets.Layout(width="98%")
        )
        self.text.continuous_update = self._seconds() < _LONGEST_UPDATE
        when = "It answers as you type." if self.text.continuous_update else "It answers when you leave the field: this model takes its time."
        self.when = widgets.HTML(faded(when))
        self.bars, self.marked, self.words = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.widget = widgets.VBox([self.text, self.when, self.bars, self.marked, self.words])
        self.text.observe(self._update, "value")
        self._update()

    def close(self) -> None:
        """Take the panel off the page and let go of the model."""
        self.text.unobserve_all()
        self.widget.close()
        self.model = None

    def _seconds(self) -> float:
        """What one answer takes, also to an empty field; the second of two, as the first also loads what is loaded only once."""
        for _ in range(2):
            began = time.perf_counter()
            word_attributions(self.model, self.tokenizer, f"good {self.text.value}")
        return time.perf_counter() - began

    def _update(self, _=None) -> None:
        self._answer = self._attribution()
        answer = self._answer
        self.bars.value = _bars(answer.probabilities, self._labels()) if answer else ""
        self.marked.value = _marked(self.text.value, answer) if answer else ""
        self.words.value = f'<div style="line-height:1.5">{escape(self.sentence())}</div>'

    def _attribution(self) -> Attribution | None:
        try:
            return word_attributions(self.model, self.tokenizer, self.text.value)
        except ValueError:  # no words yet
            return None

    def _labels(self) -> list[str]:
        return [str(self.model.config.id2label[index]) for index in range(self.model.config.num_labels)]

    def sentence(self) -> str:
        """The answer, its probability, and the words that pushed most towards it and against it."""
        answer = self._answer
        if answer is None:
            return _HINT
        label = self._labels()[answer.predicted]
        return (
            f"{label} ({answer.probabilities[answer.predicted]:.0%}). Pushed most towards {label}: {_strongest(answer, 1)}; "
            f"against: {_strongest(answer, -1)}.{_unread_note(self.text.value, answer)}"
        )

    def picture(self) -> Figure:
        """The probabilities on the left, the words that pushed most on the right."""
        return _picture(self._answer, self._labels())


def _strongest(answer: Attribution, sign: int) -> str:
    """The words that pushed most in one direction, with their scores; "none" where none did."""
    order = [i for i in np.argsort(-sign * answer.scores, kind="stable") if sign * answer.scores[i] > 0]
    return ", ".join(f"“{answer.words[i]}” ({_signed(answer.scores[i])})" for i in order[:_NAMED]) or "none"


def _places(text: str, answer: Attribution) -> list[tuple[int, int]]:
    """Where each word begins and ends in the text."""
    places, position = [], 0
    for word in answer.words:
        start = text.index(word, position)
        position = start + len(word)
        places.append((start, position))
    return places


def _unread_note(text: str, answer: Attribution) -> str:
    end = _places(text, answer)[-1][1]
    return f" The text is too long for the model: it read {end:,} of {len(text):,} characters." if text[end:].strip() else ""


def _signed(score: float) -> str:
    return f"{score:+.2g}".replace("-", "−")


def _bars(probabilities: np.ndarray, labels: list[str]) -> str:
    """HTML: a row per class with its name, a bar and the probability; the largest in bold."""
    rows = []
    for label, probability in zip(labels, probabilities):
        weight = "bold" if probability == probabilities.max() else "normal"
        bar = f'<span style="display:block;height:12px;background:{plots.BLUE};width:{probability:.1%}"></span>'
        rows.append(
            f'<span style="font-weight:{weight};overflow-wrap:anywhere">{escape(label)}</span>'
            f'<span style="background:rgba(128,128,128,0.25)">{bar}</span>'
            f'<span style="font-weight:{weight};text-align:right">{probability:.1%}</span>'
        )
    grid = "display:grid;grid-template-columns:fit-content(40%) minmax(80px,1fr) max-content;gap:3px 8px;align-items:center"
    return f'<div style="{grid};max-width:560px;margin:6px 0">{"".join(rows)}</div>'


def _marked(text: str, answer: Attribution) -> str:
    """HTML: the review on white, each word on blue (towards the answer) or orange (against), the stronger the deeper.

    What follows the last word was cut before the model saw it, and is faded.
    """
    largest = max(np.abs(answer.scores).max(), 1e-12)
    parts, position = [], 0
    for (start, end), score in zip(_places(text, answer), answer.scores):
        parts += [escape(text[position:start]), _mark(text[start:end], score, abs(score) / largest)]
        position = end
    legend = (
        f'<span style="background:{_tint(plots.BLUE, 0.6)};{_line(1)}">towards the answer</span> '
        f'<span style="background:{_tint(plots.ORANGE, 0.6)};{_line(-1)}">against it</span>'
    )
    return (
        '<div style="background:#FFFFFF;color:#111;border:1px solid #999;border-radius:4px;padding:6px 8px;line-height:1.8;'
        f'white-space:pre-wrap;overflow-wrap:anywhere">{"".join(parts)}<span style="opacity:0.45">{escape(text[position:])}</span></div>'
        f'<div style="display:inline-block;background:#FFFFFF;color:#111;font-size:12px;line-height:1.8;padding:0 4px">{legend}</div>'
    )


def _mark(word: str, score: float, strength: float) -> str:
    colour = plots.BLUE if score > 0 else plots.ORANGE
    line = _line(score) if strength > 0.3 else ""
    return f'<span title="{_signed(score)}" style="background:{_tint(colour, 0.65 * strength)};{line}">{escape(word)}</span>'


def _line(score: float) -> str:
    """The direction for those who do not tell the colours apart: a line below, solid or dashed."""
    return f"border-bottom:2px solid {plots.BLUE}" if score > 0 else f"border-bottom:2px dashed {plots.RED}"


def _tint(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:.2f})"


def _picture(answer: Attribution | None, labels: list[str]) -> Figure:
    figure, (left, right) = plots.picture(9, 0.9 + 0.3 * max(len(labels), 6), 2)
    probabilities = np.zeros(len(labels)) if answer is None else answer.probabilities
    left.barh(range(len(labels)), probabilities, color=plots.BLUE)
    left.set_yticks(range(len(labels)), [drawable(label) for label in labels], parse_math=False)
    left.set(xlim=(0, 1), xlabel="probability")
    order = [] if answer is None else np.argsort(-np.abs(answer.scores), kind="stable")[: 2 * _NAMED]
    scores = np.array([answer.scores[i] for i in order])
    right.barh(range(len(order)), scores, color=[plots.BLUE if score > 0 else plots.ORANGE for score in scores])
    right.set_yticks(range(len(order)), [drawable(answer.words[i]) for i in order], parse_math=False)
    right.axvline(0, color=plots.GREY, linewidth=1)
    right.set(xlabel="← against the answer    towards it →")
    for ax in (left, right):
        ax.invert_yaxis()
    return figure
