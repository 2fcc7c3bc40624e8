"""Protects a learner with a dark style from figures whose lines or words are black on black."""

import numpy as np
import pytest
from matplotlib import style as styles
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.lines import Line2D
from matplotlib.text import Text
from test_plots import FIGURES, some_run

from helpers.show import plots
from helpers.train.learning_rates import RangeTest

pytestmark = pytest.mark.faults
RATES = np.geomspace(1e-6, 1e-1, 5)
DRAWN = {name: draw for name, (draw, _) in FIGURES.items()} | {
    "ladder": lambda: plots.ladder({"tutorial": 3.0, "fast": 14.0}),
    "schedule": lambda: plots.schedule(np.arange(5), RATES),
    "range_test": lambda: plots.range_test(RangeTest(RATES, np.ones(5), np.ones(5), 1e-3)),
    "growing": lambda: plots.loss_curve(some_run(), growing=True),
}


def luminance(colour) -> float:
    """Return the relative luminance that WCAG defines, 0 to 1."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(artist, colour, behind) -> float:
    """Return the contrast of WCAG, 1 to 21, of an artist before `behind`."""
    red, green, blue, alpha = to_rgba(colour)
    alpha *= 1 if artist.get_alpha() is None else artist.get_alpha()
    seen = alpha * np.array([red, green, blue]) + (1 - alpha) * np.array(to_rgb(behind))
    lighter, darker = sorted((luminance(seen), luminance(behind)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def too_faint(figure):
    """List the words and lines that can hardly be seen before what lies behind them."""
    page = figure.get_facecolor()
    found = []
    for text in figure.findobj(Text):
        on_a_heatmap = text.axes is not None and text.axes.images and text in text.axes.texts
        if text.get_text() and not on_a_heatmap:
            box = text.get_bbox_patch()
            behind = page if box is None else box.get_facecolor()
            found.append((contrast(text, text.get_color(), behind) / 4, text.get_text()))
    for line in figure.findobj(lambda artist: isinstance(artist, (Line2D, LineCollection))):
        grid = any(line in axis.get_gridlines() for ax in figure.axes for axis in (ax.xaxis, ax.yaxis))
        colour = line.get_color() if isinstance(line, Line2D) else line.get_color()[0]
        if not grid:
            found.append((contrast(line, colour, page) / 1.3, repr(line)))
    return [name for share, name in found if share < 1]


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_can_be_seen_on_light_and_on_dark(name, style):
    """The error bar of "accuracy in context" was black, whatever lay behind it."""
    with styles.context(style):
        assert too_faint(DRAWN[name]()) == []


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("panel", ["tokens", "padding", "tester"])
def test_every_panels_picture_can_be_seen_on_light_and_on_dark(panel, style, request):
    """The boxes of the tokens are light in every style; a dark style wrote white words into them."""
    with styles.context(style):
        assert too_faint(request.getfixturevalue(panel).picture()) == []
