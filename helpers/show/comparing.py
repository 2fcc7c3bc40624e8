"""Move sliders, and see how much chance there is in a comparison."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets
import numpy as np

from helpers.judge.comparing import power, rows_needed, winners
from helpers.language import _
from helpers.show import judged
from helpers.show.pictures import Picture
from helpers.show.shown import Shown, draw, faded, image

_WIDE = {"style": {"description_width": "140px"}, "layout": widgets.Layout(width="96%", max_width="560px")}


class _Sliders(Shown):
    """Base of the two panels: sliders, a small word for each, and below them a sentence and a picture."""

    def _show(self, *explained: tuple[widgets.Widget, str]) -> None:
        """Make `widget` of the sliders, each with its explanation. They draw the panel anew when moved."""
        self.words = widgets.HTML()
        self.image = image()
        controls = [part for slider, word in explained for part in (slider, widgets.HTML(faded(word)))]
        self.widget = widgets.VBox([*controls, self.words, self.image])
        for slider, word in explained:
            slider.observe(lambda change: self._update(), "value")
        self._update()

    def _update(self) -> None:
        draw(self.image, self.picture())
        self.words.value = f'<div style="line-height:1.5"><b>{escape(self.sentence())}</b></div>'


class ChoosingExplorer(_Sliders):
    """Choose the best of several trainings on some rows, and see how it does on fresh ones.

    `right` of shape (trainings, rows) says whether each answer was right. `fixed` is what the trainings
    differ in, such as "seed".
    """

    def __init__(self, right: np.ndarray, fixed: str, rows: int = 200):
        self.right = np.asarray(right)
        self.fixed = fixed
        most = self.right.shape[1] // 2
        self.tries = widgets.IntSlider(len(right), 1, len(right), description=_("trainings"), **_WIDE)
        self.rows = widgets.IntSlider(
            min(rows, most), 50, most, 50, description=_("rows that choose"), **_WIDE
        )
        compared = _("So many trainings are compared. They differ in their {fixed}.").format(fixed=fixed)
        self._show(
            (self.tries, compared),
            (self.rows, _("The best on these rows wins. Then it is judged on all other rows.")),
        )

    def _draws(self) -> tuple[np.ndarray, np.ndarray]:
        return winners(self.right, self.tries.value, self.rows.value, draws=400)

    def sentence(self) -> str:
        """Say how much accuracy the winner loses on fresh rows."""
        chosen, fresh = self._draws()
        return _(
            "The best of {tries} on {rows} rows has {chosen:.3f} there and {fresh:.3f} on fresh rows: it "
            "falls by {fall:.3f} on average (400 draws). The mean of all trainings is {mean:.3f}."
        ).format(
            tries=self.tries.value,
            rows=self.rows.value,
            chosen=chosen.mean(),
            fresh=fresh.mean(),
            fall=chosen.mean() - fresh.mean(),
            mean=self.right.mean(),
        )

    def picture(self) -> Picture:
        """Draw the winners' accuracies on the rows that chose them, and on fresh rows."""
        return judged.winners_fall(*self._draws())


class RowsExplorer(_Sliders):
    """Say how large a difference is, and see how many rows it takes to find it."""

    def __init__(self, difference: float = 0.02, disagreement: float = 0.2):
        self.difference = widgets.FloatSlider(
            difference,
            min=0.005,
            max=0.1,
            step=0.005,
            readout_format=".3f",
            description=_("difference"),
            **_WIDE,
        )
        self.disagreement = widgets.FloatSlider(
            disagreement, min=0.1, max=0.6, step=0.01, description=_("disagreement"), **_WIDE
        )
        self._show(
            (self.difference, _("The true difference between the two accuracies: 0.02 for 0.55 and 0.57.")),
            (self.disagreement, _("The share of rows where exactly one of the two models is right.")),
        )

    def _needed(self) -> int:
        return rows_needed(self.difference.value, self.disagreement.value)

    def sentence(self) -> str:
        """Say how many rows it takes, and what a thousand rows can do."""
        chance = power(1_000, self.difference.value, self.disagreement.value)
        return _(
            "It takes {rows:,} rows to find a difference of {difference:.3f} in four of five comparisons. "
            "With 1,000 rows, one finds it in {chance:.0%} of them."
        ).format(rows=self._needed(), difference=self.difference.value, chance=chance)

    def picture(self) -> Picture:
        """Draw how probably a comparison finds the difference, over the number of rows."""
        rows = np.geomspace(50, 200_000, 80)
        found = [power(count, self.difference.value, self.disagreement.value) for count in rows]
        return judged.power_curve(rows, np.array(found), self._needed())
