"""Protects a learner from twelve curves that nobody can tell apart."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from test_plots import some_run

from helpers.show import plots
from helpers.show.end_labels import spread

# What the two commonest deficiencies make of linear RGB (Machado, Oliveira & Fernandes 2009, severity 1)
SEEN_BY = {
    "everybody": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


# What the page of a dark theme makes of a colour after it inverted it: CSS hue-rotate(180deg)
HALF_TURN = [[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]]


def lab(colour, seen_by, dark=False):
    """Return the colour in CIELAB (D65), as somebody with this deficiency sees it."""
    rgb = np.array(to_rgb(colour))
    if dark:
        rgb = np.clip(np.array(HALF_TURN) @ (1 - rgb), 0, 1)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(SEEN_BY[seen_by]) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(to_xyz) @ linear / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("seen_by", SEEN_BY)
def test_twelve_runs_differ_in_dash_or_clearly_in_colour(seen_by, dark):
    """A distance of 10 in CIELAB is several times what the eye just notices."""
    for first, second in itertools.combinations(map(plots.run_style, range(12)), 2):
        if first["linestyle"] == second["linestyle"]:
            one, other = (lab(style["color"], seen_by, dark) for style in (first, second))
            assert np.linalg.norm(one - other) > 10, (first, second)


def test_on_a_dark_page_each_line_can_be_seen():
    """Black is 0 in CIELAB's lightness, white 100; the dark page of JupyterLab is at 5."""
    assert min(lab(colour, "everybody", dark=True)[0] for colour in plots.SERIES) > 30


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize("count", [2, 12])
def test_names_stand_at_the_line_ends_inside_the_picture_and_over_nothing(narrow, count):
    runs = [some_run(f"run {number}") for number in range(1, count + 1)]
    figure = plots.loss_curve(*runs, narrow=narrow)
    figure.draw_without_rendering()
    assert all(ax.get_legend() is None for ax in figure.axes)
    for ax in figure.axes:
        boxes = [text.get_window_extent() for text in ax.texts]
        assert sorted(text.get_text() for text in ax.texts) == sorted(run.name for run in runs)
        assert all(box.x0 > ax.bbox.x1 and box.x1 <= figure.bbox.x1 for box in boxes)
        heights = sorted((box.y0 + box.y1) / 2 for box in boxes)
        assert min(np.diff(heights)) > 0.9 * 8 / 72 * figure.dpi, "no name over another"
        others = [other.bbox for other in figure.axes if other is not ax]
        assert not any(box.overlaps(other) for box in boxes for other in others)


def test_no_line_to_a_name_crosses_the_axes_as_data_would():
    """A thin line in the colour of a short run seemed to rise from 1.6 to 4.9."""
    short, long = some_run("short"), some_run("long")
    for step in range(21, 100):
        long.log(step, 5.0)
    figure = plots.loss_curve(short, long)
    for ax in figure.axes:
        leaders = [line for line in ax.lines if line.get_color() == "0.5"]
        assert len(leaders) == 2 and all(line.get_linestyle() == ":" for line in leaders)
        assert all(line.get_transform() == ax.transAxes and min(line.get_xdata()) >= 1 for line in leaders)


def test_guessing_is_drawn_and_named_where_the_classes_are_known():
    """Nobody sees from a loss of 1.5 alone that it is hardly below guessing."""
    figure = plots.loss_curve(some_run("a"), some_run("b"), class_counts=[300, 100])
    for ax, level in zip(figure.axes, (0.5623, 0.75)):  # -(0.75 ln 0.75 + 0.25 ln 0.25), and the larger share
        (word,) = (text for text in ax.texts if text.get_text() == "guessing")
        assert word.get_position()[1] == pytest.approx(level, abs=1e-4)
        assert any(np.allclose(line.get_ydata(), level, atol=1e-4) for line in ax.lines)
    assert figure.alt.endswith("Dotted: guessing, loss 0.56, accuracy 0.750.")


@pytest.mark.parametrize("names", [["a", "a rate of 0.0005 and no warmup"], [f"run {n}" for n in range(20)]])
def test_names_that_do_not_fit_stand_in_a_legend(names):
    figure = plots.loss_curve(*map(some_run, names), narrow=True)
    assert figure.axes[0].get_legend() is not None and not figure.axes[0].texts


@pytest.mark.parametrize(
    ("wanted", "spacing", "expected"),
    [
        ([0.2, 0.8], 0.1, [0.2, 0.8]),
        ([0.5, 0.5], 0.2, [0.4, 0.6]),
        ([0.0, 0.0, 0.9], 0.1, [0.0, 0.1, 0.9]),
        ([1.0, 1.0], 0.1, [0.9, 1.0]),
        ([0.5, 0.5, 0.5], 1.0, [0.0, 0.5, 1.0]),
        ([0.4], 0.5, [0.4]),
    ],
)
def test_names_are_pushed_apart_as_little_as_needed(wanted, spacing, expected):
    assert spread(wanted, spacing) == pytest.approx(expected)
