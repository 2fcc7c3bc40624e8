"""The runs so far: a row each, to overlay, hide or delete."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import ipywidgets as widgets

from helpers import plots
from helpers.metrics import standard_error
from helpers.runs import Run

# A description is HTML to ipywidgets 7, and formulas in it are set in all versions.
_PLAIN = str.maketrans({"<": "‹", ">": "›", "&": "＆", "$": "＄", "\\": "＼"})


class RunList:
    """Rows for runs, kept in order; a run keeps its number, and with it its colour, until it is deleted.

    `names` are the settings that a row shows where they differ.
    `on_change()` is called when another set of runs is to be drawn, `on_delete(run)` when a row's Delete was pressed.
    """

    def __init__(self, names: Sequence[str], on_change: Callable[[], None], on_delete: Callable[[Run], None]):
        self._names, self._on_change, self._on_delete = names, on_change, on_delete
        self._numbers: dict[int, int] = {}  # id of a run → its number
        self._boxes: dict[int, widgets.Checkbox] = {}
        self._runs: list[Run] = []
        self.box = widgets.VBox()

    @property
    def next_number(self) -> int:
        """The number that the next run will have."""
        return 1 + max(self._numbers.values(), default=-1)

    def add(self, run: Run) -> None:
        self._numbers[id(run)] = self.next_number
        box = widgets.Checkbox(value=True, description=run.name.translate(_PLAIN), indent=False, layout=widgets.Layout(width="11em"))
        box.observe(lambda change: self._on_change(), names="value")
        self._boxes[id(run)] = box
        self._runs.append(run)
        self.refresh()

    def remove(self, run: Run) -> None:
        self._runs.remove(run)
        del self._boxes[id(run)], self._numbers[id(run)]
        self.refresh()

    def shown(self) -> tuple[list[Run], list[int]]:
        """The runs that are ticked, and their numbers."""
        ticked = [run for run in self._runs if self._boxes[id(run)].value]
        return ticked, [self._numbers[id(run)] for run in ticked]

    def refresh(self) -> None:
        """Write the rows anew: what differs between the runs changes with every run."""
        differing = differing_settings(self._runs, self._names)
        before = self.box.children
        self.box.children = tuple(self._row(run, differing) for run in self._runs)
        for row in before:  # or the page would keep them all
            for widget in (*row.children[1:], row):
                widget.close()

    def _row(self, run: Run, differing: Sequence[str]) -> widgets.Box:
        delete = widgets.Button(description="Delete", layout=widgets.Layout(width="5em"))
        delete.on_click(lambda button: self._on_delete(run))
        colour = plots.SERIES[self._numbers[id(run)] % len(plots.SERIES)]
        text = widgets.HTML(
            f'<span style="color:{colour};font-size:130%" aria-hidden="true">■</span> {escape(describe(run, differing))}',
            layout=widgets.Layout(flex="1 1 18em", min_width="16em"),
        )
        return widgets.Box([self._boxes[id(run)], text, delete], layout=widgets.Layout(display="flex", flex_flow="row wrap"))


def load_run(path: Path) -> Run:
    """A saved run under its file's name, which its content may not choose: Delete removes the file of that name.

    Raises ValueError for a file that a panel did not write: another name, or texts where a row or a curve needs numbers.
    """
    name = path.stem.replace("_", " ")
    if not re.fullmatch(r"run \d+", name):
        raise ValueError("the files of a panel are called run_1.json, run_2.json, … Rename it so to see it here.")
    run = dataclasses.replace(Run.load(path), name=name)
    try:
        _check_numbers(run)
        describe(run, ())
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"expected the numbers of a training, written by Run.save ({type(error).__name__}: {error}).") from error
    return run


def _check_numbers(run: Run) -> None:
    points = [value for point in (*run.history, *run.evaluations) for value in point.values()]
    sizes = [run.settings.get(name) for name in ("per_device_train_batch_size", "gradient_accumulation_steps", "eval_size")]
    if wrong := [value for value in (run.seconds, *points, *sizes) if not isinstance(value, (int, float, type(None)))]:
        raise TypeError(f"no number: {wrong[0]!r}")


def differing_settings(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """Those of `names` whose settings are not the same in all runs."""
    return [name for name in names if len({_comparable(run.settings.get(name)) for run in runs}) > 1]


def _comparable(value):
    """0 and 0.0 are one setting."""
    return float(value) if isinstance(value, (int, float)) else str(value)


def describe(run: Run, differing: Sequence[str]) -> str:
    """Settings that differ, final losses, accuracy with its standard error, seconds."""
    parts = [f"{name} {run.settings[name]}" for name in differing if name in run.settings]
    losses = run.series("loss")[1]
    if losses:
        edge = max(1, len(losses) // 20)
        parts.append(f"training loss {sum(losses[-edge:]) / edge:.2f}")
    if run.evaluations:
        final = run.evaluations[-1]
        parts.append(f"evaluation loss {final['eval_loss']:.2f}")
        if "accuracy" in final:
            parts.append(f"accuracy {accuracy_text(run)}")
    parts.append(f"{run.seconds:.0f} s")
    if run.status != "finished":
        parts.append(f"{run.status} after {run.step} steps")
    return " · ".join(parts)


def accuracy_text(run: Run) -> str:
    """The last accuracy, with its standard error where the run says how many reviews it was measured on ("eval_size")."""
    accuracy = run.series("accuracy")[1][-1]
    rows = run.settings.get("eval_size")
    return f"{accuracy:.3f} ± {standard_error(accuracy, rows):.3f}" if rows else f"{accuracy:.3f}"
