"""Protects a learner from a live curve that slows the training, ends it, or misses its end."""

from base64 import b64decode

import pytest

from helpers.show import live, plots
from helpers.show.live import live_curve
from helpers.train.runs import Run


class Handle:
    def __init__(self):
        self.pictures = []

    def update(self, figure):
        self.pictures.append(figure)


@pytest.fixture
def handle(monkeypatch):
    handle = Handle()
    monkeypatch.setattr(live, "display", lambda figure, display_id: handle)
    return handle


def test_last_picture_holds_the_whole_run_and_a_sentence_follows(handle, capsys):
    run = Run("test")
    with live_curve(run, steps=100):
        run.start()
        for step in range(1, 6):
            run.log(step, 1.0 / step)
        run.end()
    assert handle.pictures[-1].axes[0].get_lines()[0].get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert run.summary() in capsys.readouterr().out


def test_drawing_is_rationed(handle, monkeypatch):
    """A picture for every step would take longer than the steps."""
    monkeypatch.setattr(live, "_SHORTEST_PAUSE", 60)
    run = Run("test")
    with live_curve(run, steps=100):
        run.start()
        for step in range(1, 101):
            run.log(step, 1.0)
    assert len(handle.pictures) == 2, "one early, one at the end"


def test_with_the_planned_steps_only_the_lines_are_drawn_again(handle, monkeypatch):
    """Axes, ticks and legends are nine tenths of a picture's cost. They were once redrawn each time, so
    pictures came seldom, and the curve jerked.
    """
    monkeypatch.setattr(live, "_SHORTEST_PAUSE", 0)
    monkeypatch.setattr(live, "_LARGEST_SHARE", 1e9)
    drawn = []
    draw = plots.loss_curve
    monkeypatch.setattr(
        plots, "loss_curve", lambda *runs, **given: (drawn.append(runs), draw(*runs, **given))[1]
    )
    run = Run("test")
    with live_curve(run, steps=20):
        run.start()
        for step in range(1, 21):
            run.log(step, 1.0)
    images = [picture.data.partition("base64,")[2] for picture in handle.pictures[:-1]]
    assert len(drawn) == 2, "the axes, and the last picture"
    assert len(images) >= 20 and len(set(images)) >= 20
    assert all(b64decode(image[:8]).startswith(b"\x89PNG") for image in images)
    assert 'alt="test: running after 20 steps' in handle.pictures[-2].data
    assert handle.pictures[-1].axes[0].get_lines()


def test_an_error_still_leaves_the_curve_and_no_listener(handle, monkeypatch):
    monkeypatch.setattr(live, "_SHORTEST_PAUSE", 0)
    monkeypatch.setattr(live, "_LARGEST_SHARE", 1e9)
    run = Run("test")
    with pytest.raises(RuntimeError), live_curve(run, steps=100):
        run.log(1, 1.0)
        raise RuntimeError
    drawn = len(handle.pictures)
    run.log(2, 1.0)
    assert len(handle.pictures) == drawn >= 1


def test_without_a_display_training_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(live, "display", lambda figure, display_id: None)
    run = Run("script")
    with live_curve(run, steps=100):
        run.log(1, 1.0)
    assert "script" in capsys.readouterr().out
    assert plots.loss_curve(run).axes[0].get_lines()
