"""Draw the curve of a run while it trains, so cheaply that it can be drawn often."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from helpers.show import plots
from helpers.train.runs import Run


class GrowingCurve:
    """Draw the `earlier` runs once, then add only the lines of `run` to each new picture.

    The picture is that of `plots.loss_curve`. Its axes, ticks and legends take nine tenths of the time. This
    class draws them again only when the loss grows out of the picture. `numbers` gives each run its colour:
    one number per earlier run, then one for `run`. `steps` is the planned number of steps. A `narrow` picture
    has the accuracy below the losses. With `class_counts`, shape (classes,), it also shows guessing.
    """

    def __init__(
        self,
        earlier: Sequence[Run],
        run: Run,
        numbers: Sequence[int],
        steps: int,
        class_counts: Sequence[int] | None = None,
        narrow: bool = False,
    ):
        self._earlier = earlier
        self._run = run
        self._numbers = numbers
        self._steps = steps
        self._class_counts = class_counts
        self._narrow = narrow
        self._draw_axes(2.0)  # a classifier of a few classes starts below this loss

    def png(self) -> bytes:
        """Draw the run as it is now, as the bytes of a PNG file."""
        # New axes, if the loss has grown out of the picture
        losses = [*self._run.series("loss")[1], *self._run.series("eval_loss")[1]]
        highest = max(filter(math.isfinite, losses), default=0.0)
        if highest > self._top:
            self._draw_axes(1.25 * highest)

        # The lines of the run on the stored background
        self._canvas.restore_region(self._background)
        for line, key in zip(self._lines, ("loss", "eval_loss", "accuracy")):
            line.set_data(*self._run.series(key))
            line.axes.draw_artist(line)

        # The pixels as a PNG: fast compression, because a new picture follows soon
        size = self._canvas.get_width_height()
        pixels = Image.frombuffer("RGBA", size, self._canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
        buffer = io.BytesIO()
        pixels.convert("RGB").save(buffer, "png", compress_level=1)
        return buffer.getvalue()

    def _draw_axes(self, top: float) -> None:
        """Draw everything but the lines of `run`, with room for losses up to `top`, and store the picture."""
        # Axes that hold the earlier runs and all planned steps
        numbers = self._numbers[: len(self._earlier)]
        kind = {"growing": True, "narrow": self._narrow, "class_counts": self._class_counts}
        figure = plots.loss_curve(*self._earlier, numbers=numbers, **kind)
        left, right = figure.axes
        self._top = max(top, left.get_ylim()[1])
        for ax in (left, right):
            ax.set_xlim(0, max(self._steps, ax.get_xlim()[1]))
        left.set_ylim(0, self._top)

        # Empty lines for the loss, the validation loss and the accuracy of `run`
        style = {**plots.run_style(self._numbers[-1]), "linewidth": 2, "animated": True}
        self._lines = [
            left.plot([], [], **style)[0],
            left.plot([], [], marker="o", **style)[0],
            right.plot([], [], marker="o", **style)[0],
        ]
        note = f"{plots.plain(self._run.name)}, in training"
        left.text(0.02, 0.03, note, transform=left.transAxes, fontsize=8 if self._narrow else None)

        # The stored picture: it leaves out animated lines
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)
