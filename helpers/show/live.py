"""Draw a loss curve that grows while a cell trains, and leave a static picture at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from IPython.display import HTML, display

from helpers.show import plots
from helpers.show.growing import GrowingCurve
from helpers.show.pictures import image_html
from helpers.train.runs import Run

_LARGEST_SHARE = 0.015  # of the training's time that drawing may take
_SHORTEST_PAUSE = 0.7  # seconds between two pictures


@contextmanager
def live_curve(*runs: Run, steps: int) -> Iterator[None]:
    """Show the curve of `runs` below the cell while they train, and print a sentence per run at the end.

    The curve needs only a display that can be updated, so it works in every front end. Where there is no
    display, training goes on without a curve. `steps` is the planned number of steps of the last run. Each
    new picture adds only that run's lines to axes that were drawn before, so it costs little.
    """
    # The first picture, before the training; `handle` is None where there is no display
    growing = GrowingCurve(runs[:-1], runs[-1], range(len(runs)), steps)

    def picture() -> HTML:
        return HTML(image_html(growing.png(), 900, 340, runs[-1].summary()))

    handle = display(picture(), display_id=True)
    next_time = 0.0

    # A new picture, unless the last one is too recent
    def redraw(run: Run) -> None:
        nonlocal next_time
        if handle is None or time.perf_counter() < next_time:
            return
        began = time.perf_counter()
        handle.update(picture())
        took = time.perf_counter() - began
        next_time = began + took + max(_SHORTEST_PAUSE, took / _LARGEST_SHARE)

    # The training runs at `yield`
    for run in runs:
        run.listen(redraw)
    try:
        yield
    # The last picture and the sentences, also after an error
    finally:
        for run in runs:
            run.unlisten(redraw)
        if handle is not None:
            handle.update(plots.loss_curve(*runs))
        for run in runs:
            print(run.summary())
