"""Change the settings that decide how much padding there is, and see what an epoch computes."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets
import numpy as np

from helpers.data.padding import PADDING_STRATEGIES, batch_lengths, padding_cost
from helpers.language import N_, _
from helpers.show import plots
from helpers.show.pictures import Picture
from helpers.show.shown import Shown, draw, faded, image

_BATCHES = 12
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
_MEANINGS = {
    "max_length": N_("Every text is filled up to max_length."),
    "longest": N_("Every batch is filled up to its own longest text."),
    "group_by_length": N_(
        'train_sampling_strategy="group_by_length": texts of similar length share a batch, '
        "filled up to its longest."
    ),
}


class PaddingExplorer(Shown):
    """Show sliders for `max_length` and the batch size and a choice of padding, and below them the cost.

    The cost appears in words, numbers and a picture. `lengths` holds the reviews' real token counts, shape
    (texts,), already cut at `limit` tokens. The panel opens on the recipe of the tutorial, which pads
    everything to `limit`.
    """

    def __init__(self, lengths: np.ndarray, limit: int = 512, batch_size: int = 8):
        self.lengths = np.asarray(lengths)
        self.limit = limit

        # The three controls: no batch is larger than the data
        sizes = [size for size in _BATCH_SIZES if size <= len(self.lengths)]
        size = max(size for size in sizes if size <= batch_size)
        wide = {
            "style": {"description_width": "initial"},
            "layout": widgets.Layout(width="96%", max_width="560px"),
        }
        self.max_length = widgets.IntSlider(limit, 16, limit, 16, description="max_length", **wide)
        self.batch_size = widgets.SelectionSlider(
            options=sizes, value=size, description="per_device_train_batch_size", **wide
        )
        self.padding = widgets.Dropdown(options=PADDING_STRATEGIES, description="padding", **wide)

        # The answer in words and as a picture
        self.meaning = widgets.HTML()
        self.words = widgets.HTML()
        self.image = image(self._update())

        # The panel, top to bottom
        cut = widgets.HTML(faded(_("Longer texts are cut to this many tokens.")))
        together = widgets.HTML(
            faded(_("This many texts are computed together, all filled up to one length."))
        )
        controls = [self.max_length, cut, self.batch_size, together, self.padding]
        self.widget = widgets.VBox([*controls, self.meaning, self.words, self.image])
        for control in (self.max_length, self.batch_size, self.padding):
            control.observe(lambda change: draw(self.image, self._update()), "value")

    def _update(self) -> Picture:
        """Write the words for the settings of now, and return the picture."""
        self.meaning.value = faded(_(_MEANINGS[self.padding.value]))
        self.words.value = f'<div style="line-height:1.5"><b>{escape(self.sentence())}</b></div>'
        return self.picture()

    def sentence(self) -> str:
        """Say how much is padding, how many reviews are cut, and what an epoch computes.

        The tokens of an epoch are compared with those of the tutorial's recipe.
        """
        cost = padding_cost(self.lengths, self.batch_size.value, self.padding.value, self.max_length.value)
        recipe = self.limit * len(self.lengths)

        # Reviews that lose tokens: one with `limit` tokens was cut before it came here
        is_cut = (self.lengths > self.max_length.value) | (self.lengths >= self.limit)

        return _(
            "{padding:.1%} of the computed tokens is padding; {cut:.1%} of the texts are cut; an epoch "
            "computes {tokens:,} tokens, {share:.1%} of the {recipe:,} of the tutorial's recipe "
            '(padding="max_length", max_length={limit}).'
        ).format(
            padding=cost.padding_share,
            cut=is_cut.mean(),
            tokens=cost.computed_tokens,
            share=cost.computed_tokens / recipe,
            recipe=recipe,
            limit=self.limit,
        )

    def picture(self) -> Picture:
        """Draw the first 12 batches, one column per text: real tokens below, padding above."""
        padding = self.padding.value
        max_length = self.max_length.value
        batches = batch_lengths(self.lengths, self.batch_size.value, padding, max_length)
        figure = _areas(batches[:_BATCHES], padding, max_length, self.limit)
        figure.alt = _("The first batches, a column for each text.") + f" {self.sentence()}"
        return figure


def _areas(batches: list[np.ndarray], strategy: str, max_length: int, limit: int) -> Picture:
    """Draw real tokens and padding as two areas, which is fast enough to follow a moving slider.

    A bar per review and a layout engine would take too long. Each array of `batches` holds the lengths of its
    reviews in tokens.
    """
    figure = Picture(figsize=(6.4, 2.6), dpi=100)
    ax = figure.add_axes((0.1, 0.12, 0.88, 0.74))
    ax.spines[["top", "right"]].set_visible(False)

    # Heights of the columns, with a gap of zeros after each batch
    gap = max(1, len(batches[0]) // 4)
    real = []
    computed = []
    for batch in batches:
        height = max_length if strategy == "max_length" else batch.max()
        real += [*batch, *[0] * gap]
        computed += [height] * len(batch) + [0] * gap
    columns = np.arange(len(real))

    # The area of the real tokens covers the lower part of the area of all tokens
    hatched = {"facecolor": plots.YELLOW, "edgecolor": plots.GREY, "hatch": "//"}
    ax.fill_between(columns, computed, step="post", linewidth=0, label="padding", **hatched)
    ax.fill_between(columns, real, step="post", facecolor=plots.BLUE, linewidth=0, label="real tokens")
    ax.axhline(max_length, color=plots.RED, linestyle="--", linewidth=1.5, label=f"max_length = {max_length}")

    # Axes and legend
    shown = f"the first {len(batches)} batches" if len(batches) > 1 else "the only batch"
    ax.set_xlabel(f"{shown}, one column per text")
    ax.set(xlim=(0, len(real) - gap), ylim=(0, limit * 1.03), xticks=[], ylabel="tokens")
    figure.legend(loc="upper center", ncols=3, frameon=False, fontsize=9)
    return figure
