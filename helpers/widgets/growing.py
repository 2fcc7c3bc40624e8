"""The curve of a run while it trains, drawn so cheaply that it can be drawn often."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from helpers import plots
from helpers.runs import Run


class GrowingCurve:
    """`plots.loss_curve` of the `earlier` runs, drawn once; each new picture adds only the lines of `run` on top.

    Axes, ticks and legends are nine tenths of the work. They are drawn anew only when the loss leaves the picture. `numbers`
    are those of the earlier runs and of `run`, `steps` what is planned.
    """

    def __init__(self, earlier: Sequence[Run], run: Run, numbers: Sequence[int], steps: int):
        self._earlier, self._run, self._numbers, self._steps = earlier, run, numbers, steps
        self._draw_axes(2.0)  # before the training: a classifier of a few classes begins below that

    def png(self) -> bytes:
        losses = [loss for key in ("loss", "eval_loss") for loss in self._run.series(key)[1] if math.isfinite(loss)]
        highest = max(losses, default=0.0)
        if highest > self._top:
            self._draw_axes(1.25 * highest)
        self._canvas.restore_region(self._background)
        for line, key in zip(self._lines, ("loss", "eval_loss", "accuracy")):
            line.set_data(*self._run.series(key))
            line.axes.draw_artist(line)
        buffer = io.BytesIO()
        pixels = Image.frombuffer("RGBA", self._canvas.get_width_height(), self._canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
        pixels.convert("RGB").save(buffer, "png", compress_level=1)
        return buffer.getvalue()

    def _draw_axes(self, top: float) -> None:
        figure = plots.loss_curve(*self._earlier, numbers=self._numbers[: len(self._earlier)], growing=True)
        left, right = figure.axes
        self._top = max(top, left.get_ylim()[1])
        for ax in (left, right):
            ax.set_xlim(0, max(self._steps, ax.get_xlim()[1]))
        left.set_ylim(0, self._top)
        colour = plots.SERIES[self._numbers[-1] % len(plots.SERIES)]
        style = {"color": colour, "linewidth": 2, "animated": True}
        self._lines = [left.plot([], [], **style)[0], left.plot([], [], marker="o", **style)[0], right.plot([], [], marker="o", **style)[0]]
        left.text(0.02, 0.03, f"{plots.plain(self._run.name)}, in training", transform=left.transAxes, color=colour)
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)
