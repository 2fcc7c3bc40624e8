"""Turn the settings that decide about padding, and see what an epoch computes."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from helpers import plots
from helpers.data import PADDING_STRATEGIES, batch_lengths, padding_cost
from helpers.widgets.shown import Shown, draw, faded, image

_BATCHES = 12
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
_MEANINGS = {
    "max_length": "Every review is filled up to max_length.",
    "longest": "Every batch is filled up to its own longest review.",
    "group_by_length": 'train_sampling_strategy="group_by_length": reviews of similar length share a batch, filled up to its longest.',
}


class PaddingExplorer(Shown):
    """Sliders for `max_length` and the batch size, a choice of padding; what they cost in words, numbers and a picture.

    `lengths` holds the reviews' real token counts, shape (texts,), already cut at `limit` tokens. It opens on the
    recipe of the tutorial: everything padded to `limit`.
    """

    def __init__(self, lengths: np.ndarray, limit: int = 512, batch_size: int = 8):
        self.lengths, self.limit = np.asarray(lengths), limit
        sizes = [size for size in _BATCH_SIZES if size <= len(self.lengths)]
        wide = {"style": {"description_width": "initial"}, "layout": widgets.Layout(width="96%", max_width="560px")}
        self.max_length = widgets.IntSlider(limit, 16, limit, 16, description="max_length", **wide)
        self.batch_size = widgets.SelectionSlider(
            options=sizes, value=max(size for size in sizes if size <= batch_size), description="per_device_train_batch_size", **wide
        )
        self.padding = widgets.Dropdown(options=PADDING_STRATEGIES, description="padding", **wide)
        self.meaning, self.words = widgets.HTML(), widgets.HTML()
        self.image = image(self._update())
        self.widget = widgets.VBox([
            self.max_length, widgets.HTML(faded("Longer reviews are cut to this many tokens.")),
            self.batch_size, widgets.HTML(faded("This many reviews are computed together, all filled up to one length.")),
            self.padding, self.meaning, self.words, self.image,
        ])
        for control in (self.max_length, self.batch_size, self.padding):
            control.observe(lambda _: draw(self.image, self._update()), "value")

    def _update(self) -> Figure:
        self.meaning.value = faded(_MEANINGS[self.padding.value])
        self.words.value = f'<div style="line-height:1.5"><b>{escape(self.sentence())}</b></div>'
        return self.picture()

    def sentence(self) -> str:
        """Shares of padding and of cut reviews, and the tokens of an epoch beside those of the tutorial's recipe."""
        settings = self.batch_size.value, self.padding.value, self.max_length.value
        cost = padding_cost(self.lengths, *settings)
        recipe = self.limit * len(self.lengths)
        return (
            f"{cost.padding_share:.1%} of the computed tokens is padding; {self._cut_share():.1%} of the reviews are cut; an epoch computes "
            f"{cost.computed_tokens:,} tokens, {cost.computed_tokens / recipe:.1%} of the {recipe:,} of the tutorial's recipe "
            f'(padding="max_length", max_length={self.limit}).'
        )

    def _cut_share(self) -> float:
        """Share of reviews that lose tokens, 0 … 1. One that reached the limit lost its end before it came here."""
        return float(np.mean((self.lengths > self.max_length.value) | (self.lengths >= self.limit)))

    def picture(self) -> Figure:
        """The first 12 batches, a column a review: real tokens below, padding above."""
        batches = batch_lengths(self.lengths, self.batch_size.value, self.padding.value, self.max_length.value)
        return _picture(batches[:_BATCHES], self.padding.value, self.max_length.value, self.limit)


def _picture(batches: list[np.ndarray], strategy: str, max_length: int, limit: int) -> Figure:
    """Two areas instead of a bar per review, and no layout engine: it is redrawn while a slider moves."""
    figure = plots.Picture(figsize=(6.4, 2.6), dpi=100)
    ax = figure.add_axes((0.1, 0.12, 0.88, 0.74))
    ax.spines[["top", "right"]].set_visible(False)
    gap = max(1, len(batches[0]) // 4)
    real = np.concatenate([np.pad(batch, (0, gap)) for batch in batches])
    computed = np.concatenate([np.pad(np.full(len(b), max_length if strategy == "max_length" else b.max()), (0, gap)) for b in batches])
    columns = np.arange(len(real))
    ax.fill_between(columns, computed, step="post", facecolor=plots.YELLOW, edgecolor=plots.GREY, hatch="//", linewidth=0, label="padding")
    ax.fill_between(columns, real, step="post", facecolor=plots.BLUE, linewidth=0, label="real tokens")
    ax.axhline(max_length, color=plots.RED, linestyle="--", linewidth=1.5, label=f"max_length = {max_length}")
    ax.set(xlim=(0, len(real) - gap), ylim=(0, limit * 1.03), xticks=[], ylabel="tokens")
    ax.set_xlabel(f"the first {len(batches)} batches, a column a review" if len(batches) > 1 else "the only batch, a column a review")
    figure.legend(loc="upper center", ncols=3, frameon=False, fontsize=9)
    return figure
