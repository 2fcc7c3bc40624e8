"""Protects a learner whose classes have no Latin names from boxes, and from a warning for each."""

import warnings

import numpy as np
import pytest
from matplotlib import rcParams

from helpers.judge import Reliability
from helpers.show import fonts, judged, plots
from helpers.show.fonts import drawable
from helpers.train import Run

NAMES = ["좋음", "나쁨", "ดี", "جيد", "良い", "ασ", "\U0001f600", "\u0378"]
RUNS = [Run(name) for name in NAMES[:2]]
for run in RUNS:
    run.log(1, 0.5)
RELIABLE = Reliability(np.array([0.8]), np.array([0.7]), np.array([9]))
PICTURES = {
    "curves": lambda: plots.loss_curve(*RUNS),
    "comparison": lambda: plots.loss_comparison(*RUNS),
    "references": lambda: plots.accuracy_in_context(0.5, 0.1, dict.fromkeys(NAMES, 0.4)),
    "recipes": lambda: plots.ladder(dict.fromkeys(NAMES, 10.0)),
    "sizes": lambda: judged.size_curves({name: {250: [0.4, 0.5]} for name in NAMES[:5]}),
    "reliability": lambda: judged.reliability_diagram(dict.fromkeys(NAMES[:2], RELIABLE)),
    "intervals": lambda: judged.intervals(NAMES, [0.5] * 8, [(0.4, 0.6)] * 8, 0.5, "accuracy", "guessing"),
    "confusion": lambda: plots.confusion_heatmap(np.eye(8, dtype=int), NAMES),
    "pairs": lambda: plots.confusion_heatmap(np.ones((24, 24), dtype=int), NAMES * 3),
}


@pytest.mark.parametrize("has_fonts", [True, False], ids=["with fonts", "without fonts"])
@pytest.mark.parametrize("picture", PICTURES)
def test_the_first_picture_of_a_kernel_warns_of_no_glyph(picture, has_fonts, monkeypatch):
    """A font that is added after the figure was made comes too late for its axes. Colab has none to add."""
    if not has_fonts:
        monkeypatch.setattr(fonts, "_font_with", lambda character: None)
    monkeypatch.setitem(rcParams, "font.family", ["sans-serif"])  # as before the first picture
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # that is between matplotlib and its libraries
        PICTURES[picture]()._repr_png_()


def test_a_letter_without_any_font_becomes_a_question_mark():
    assert drawable("a\u0378b") == "a?b"


def test_a_font_of_the_system_is_put_behind_the_usual_one(monkeypatch):
    """In front of it, all Latin letters would change."""
    monkeypatch.setitem(rcParams, "font.family", ["sans-serif"])
    monkeypatch.setattr(fonts, "_font_with", lambda character: "Some Font")
    assert drawable("좋음 a") == "좋음 a" and rcParams["font.family"] == ["sans-serif", "Some Font"]


def test_classes_that_no_font_can_draw_are_numbered(monkeypatch):
    """Half a name would be read as another name. The text beside the picture names them in this order."""
    monkeypatch.setattr(fonts, "_font_with", lambda character: None)
    figure = plots.confusion_heatmap(np.eye(3, dtype=int), ["좋음", "fine", "나쁨"])
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["class 1", "class 2", "class 3"]


def test_of_many_classes_the_worst_pairs_are_drawn():
    """Nobody could read 77 × 77 squares."""
    counts = np.eye(77, dtype=int) * 5
    counts[3, 8], counts[10, 2] = 4, 2
    figure = plots.confusion_heatmap(counts, [f"intent {number}" for number in range(77)])
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["intent 3 → intent 8", "intent 10 → intent 2"]
