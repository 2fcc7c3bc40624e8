"""A loss curve that grows while a cell trains, and stays as a static picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from IPython.display import Image, display

from helpers import plots
from helpers.runs import Run
from helpers.widgets.growing import GrowingCurve

_LARGEST_SHARE = 0.015  # of the training's time that drawing may take
_SHORTEST_PAUSE = 0.7  # seconds between two pictures


@contextmanager
def live_curve(*runs: Run, steps: int) -> Iterator[None]:
    """Show the curve of `runs` below the cell, redraw it as they grow, and end with a sentence per run.

    It needs nothing but a display that can be updated, so it works in every front end and with none. `steps` are those planned for the
    last of the runs: axes are drawn once, and only its lines again and again, so that a picture costs little.
    """
    growing = GrowingCurve(runs[:-1], runs[-1], range(len(runs)), steps)
    handle = display(Image(growing.png()), display_id=True)
    next_time = 0.0

    def redraw(run: Run) -> None:
        nonlocal next_time
        if handle is None or time.perf_counter() < next_time:
            return
        began = time.perf_counter()
        handle.update(Image(growing.png()))
        took = time.perf_counter() - began
        next_time = began + took + max(_SHORTEST_PAUSE, took / _LARGEST_SHARE)

    for run in runs:
        run.listen(redraw)
    try:
        yield
    finally:
        for run in runs:
            run.unlisten(redraw)
        if handle is not None:
            handle.update(plots.loss_curve(*runs))
        for run in runs:
            print(run.summary())
