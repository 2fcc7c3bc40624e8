"""List the runs so far, one row each, to overlay, hide or delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import ipywidgets as widgets

from helpers.language import _
from helpers.show import plots
from helpers.show.lab.theme import PICTURE_CLASS
from helpers.show.told import accuracy_text
from helpers.train.runs import Run

# Matplotlib's names of the dashes → a ground of CSS that looks like them
_DASHES = {
    "-": "{colour}",
    "--": "repeating-linear-gradient(90deg,{colour} 0 8px,transparent 8px 12px)",
    ":": "repeating-linear-gradient(90deg,{colour} 0 3px,transparent 3px 6px)",
    "-.": "repeating-linear-gradient(90deg,{colour} 0 9px,transparent 9px 12px,{colour} 12px 15px,"
    "transparent 15px 18px)",
}
# A description is HTML to ipywidgets 7, and formulas in it are set in all versions.
_PLAIN = str.maketrans({"<": "‹", ">": "›", "&": "＆", "$": "＄", "\\": "＼"})


class RunList:
    """Rows for runs, in the order in which they came.

    A run keeps its number, and with it its colour, until it is deleted. A row shows the settings in `names`
    that differ between the runs. The list calls `on_change()` when another set of runs is to be drawn, and
    `on_delete(run)` when somebody pressed a row's Delete.
    """

    def __init__(self, names: Sequence[str], on_change: Callable[[], None], on_delete: Callable[[Run], None]):
        self._names = names
        self._on_change = on_change
        self._on_delete = on_delete
        self._numbers: dict[int, int] = {}  # id of a run → its number
        self._boxes: dict[int, widgets.Checkbox] = {}
        self._runs: list[Run] = []
        self.box = widgets.VBox()

    @property
    def next_number(self) -> int:
        """The number that the next run will have."""
        return 1 + max(self._numbers.values(), default=-1)

    def add(self, run: Run) -> None:
        """Add a row for `run`, ticked."""
        self._numbers[id(run)] = self.next_number
        box = widgets.Checkbox(
            value=True,
            description=run.name.translate(_PLAIN),
            indent=False,
            layout=widgets.Layout(width="8em"),
        )
        box.observe(lambda change: self._on_change(), names="value")
        self._boxes[id(run)] = box
        self._runs.append(run)
        self.refresh()

    def remove(self, run: Run) -> None:
        """Remove the row of `run`."""
        self._runs.remove(run)
        del self._boxes[id(run)]
        del self._numbers[id(run)]
        self.refresh()

    def shown(self) -> tuple[list[Run], list[int]]:
        """Return the ticked runs and their numbers."""
        ticked = [run for run in self._runs if self._boxes[id(run)].value]
        return ticked, [self._numbers[id(run)] for run in ticked]

    def refresh(self) -> None:
        """Write the rows anew, because every run changes what differs between the runs."""
        differing = differing_settings(self._runs, self._names)
        before = self.box.children
        self.box.children = tuple(self._row(run, differing) for run in self._runs)
        for row in before:  # otherwise the page would keep them all
            for widget in (*row.children[1:], row):
                widget.close()

    def _row(self, run: Run, differing: Sequence[str]) -> widgets.Box:
        delete = widgets.Button(description=_("Delete"), layout=widgets.Layout(width="5em"))
        delete.on_click(lambda button: self._on_delete(run))
        text_layout = widgets.Layout(flex="1 1 18em", min_width="16em")
        words = f"{_sample(self._numbers[id(run)])} {escape(describe(run, differing))}"
        words = f'<div style="line-height:1.4">{words}</div>'
        text = widgets.HTML(words, layout=text_layout)
        text.add_class(PICTURE_CLASS)
        wrap = widgets.Layout(display="flex", flex_flow="row wrap")
        return widgets.Box([self._boxes[id(run)], text, delete], layout=wrap)


def _sample(number: int) -> str:
    """Return HTML for a piece of the line that the run with this number has in the picture."""
    style = plots.run_style(number)
    stops = _DASHES[style["linestyle"]].format(colour=style["color"])
    look = f"display:inline-block;width:36px;height:3px;vertical-align:middle;background:{stops}"
    return f'<span style="{look}" aria-hidden="true"></span>'


def differing_settings(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """Return those of `names` whose settings differ between the runs."""
    differing = []
    for name in names:
        values = [run.settings.get(name) for run in runs]
        # 0 and 0.0 are one setting
        distinct = {float(value) if isinstance(value, (int, float)) else str(value) for value in values}
        if len(distinct) > 1:
            differing.append(name)
    return differing


def describe(run: Run, differing: Sequence[str]) -> str:
    """Write a row: the accuracy ± its standard error, the settings that differ, the last losses, the time."""
    parts = []
    if run.evaluations and "accuracy" in run.evaluations[-1]:
        parts.append(_("accuracy {accuracy}").format(accuracy=accuracy_text(run)))
    parts += [f"{name} {run.settings[name]}" for name in differing if name in run.settings]
    if run.history:
        parts.append(_("training loss {loss:.2f}").format(loss=run.training_losses()[1]))
    if run.evaluations:
        parts.append(_("validation loss {eval_loss:.2f}").format(**run.evaluations[-1]))
    parts.append(_("{seconds:.0f} s").format(seconds=run.seconds))
    if run.status != "finished":
        parts.append(_("{status} after {steps} steps").format(status=_(run.status), steps=run.step))
    return " · ".join(parts)
