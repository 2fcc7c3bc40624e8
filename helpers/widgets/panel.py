"""The lab: move a slider, press Run, watch it learn, compare."""

from __future__ import annotations

import dataclasses
import re
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import ipywidgets as widgets

from helpers import plots
from helpers.learning_rates import RangeTest, learning_rate_schedule
from helpers.recipes import training_arguments_code
from helpers.runs import Run
from helpers.training import planned_steps, recording
from helpers.widgets.controls import Controls
from helpers.widgets.growing import GrowingCurve
from helpers.widgets.run_list import RunList
from helpers.widgets.shown import Shown, draw, image

_CURVE_SHARE = 0.04  # of the training's time that drawing the curve may take
_PAUSES = {"curve": 0.4, "progress": 0.25}  # seconds between two updates, at least


class HyperparameterPanel(Shown):
    """Sliders, a schedule, Run and Stop, a growing curve, and the runs so far.

    `train(args, run, train_size)` is the notebook's own function: it trains with the `TrainingArguments` given, on the first
    `train_size` reviews, records into `run`, ends early when `run.stop_requested`, and returns what it made. `args` holds the
    defaults. `code(args, settings)` writes the Python for the current sliders; `find_learning_rate(args, keep_on)` returns a
    `RangeTest`. Runs are saved in `folder` and found there again; those in `runs` are shown as well.

    `panel.run(learning_rate=1e-4)` does what the button does, in the cell that calls it. `panel.result` is what `train` returned
    last, `panel.best_run` the run with the highest accuracy.
    """

    def __init__(
        self,
        train: Callable,
        args,
        *,
        train_rows: int,
        eval_rows: int,
        folder: str | Path,
        code: Callable = training_arguments_code,
        find_learning_rate: Callable | None = None,
        runs: Sequence[Run] = (),
    ):
        self._train, self._args, self._code, self._find, self._folder = train, args, code, find_learning_rate, Path(folder)
        self.runs: list[Run] = []
        self.result = None
        self._current: Run | None = None
        self._growing: GrowingCurve | None = None
        self._busy, self._stopping = threading.Lock(), False
        self._next = dict.fromkeys(_PAUSES, 0.0)
        self.controls = Controls(args, train_rows)
        self._list = RunList(list(self.controls.widgets), eval_rows, on_change=self._draw_curve, on_delete=self.delete)
        self._build()
        for run in (*runs, *self._load()):
            self._add(run)
        self.controls.observe(self._settings_moved)
        self._settings_moved()
        self._draw_curve()

    # What people who prefer code use

    def run(self, **settings) -> Run:
        """Move the sliders to `settings`, train in this cell, and return the run. Errors are raised, after they were noted."""
        self.controls.set(**settings)
        with self._working():
            return self._train_once(self.controls.values())

    def stop(self) -> None:
        """End the training, or the range test, after its current step."""
        self._stopping = True
        if self._current is not None:
            self._current.request_stop()

    @property
    def best_run(self) -> Run | None:
        """The run with the highest accuracy at its end; without any evaluation, the one with the lowest training loss."""
        evaluated = [run for run in self.runs if run.series("accuracy")[1]]
        if evaluated:
            return max(evaluated, key=lambda run: run.series("accuracy")[1][-1])
        trained = [run for run in self.runs if run.history]
        return min(trained, key=lambda run: run.history[-1]["loss"], default=None)

    @property
    def training(self) -> bool:
        return self._busy.locked()

    def delete(self, run: Run) -> None:
        """Remove a run from the list and its file from the folder."""
        self.runs.remove(run)
        self._path(run.name).unlink(missing_ok=True)
        self._list.remove(run)
        self._draw_curve()
        self._settings_moved()

    # What is shown

    def picture(self):
        shown, numbers = self._list.shown()
        return plots.loss_curve(*shown, numbers=numbers) if shown else self._schedule_picture()

    def sentence(self) -> str:
        kept = f"{len(self.runs)} run{'' if len(self.runs) == 1 else 's'} so far" if self.runs else "No run yet"
        best = self.best_run
        return f"{self._plan()} {kept}." + (f" Best: {best.summary()}" if best else "")

    def _build(self) -> None:
        self._buttons = {
            "run": _button("Run", self._run_clicked, "primary"),
            "stop": _button("Stop", lambda button: self.stop(), "warning", disabled=True),
            "reset": _button("Reset", lambda button: self.controls.reset()),
            "seeds": _button("Repeat with 3 seeds", self._seeds_clicked),
            "find": _button("Find learning_rate", self._find_clicked),
        }
        if self._find is None:
            del self._buttons["find"]
        self._schedule = image(self._schedule_picture())
        self._planned, self._message = widgets.HTML(), widgets.HTML()
        self._bar = widgets.IntProgress(min=0, max=1, layout=widgets.Layout(width="100%", max_width="34em"))
        self._progress = widgets.HTML("Ready.")
        self._curve = image(self._schedule_picture())
        self._found = widgets.VBox()
        self._source = widgets.Textarea(rows=12, layout=widgets.Layout(width="98%"))
        folded = widgets.Accordion(children=[self._source], selected_index=0)
        folded.set_title(0, "The code for these settings")
        wrap = widgets.Layout(display="flex", flex_flow="row wrap", align_items="flex-start")
        preview = widgets.VBox([self._planned, self._schedule], layout=widgets.Layout(flex="1 1 20em", min_width="16em"))
        self.controls.box.layout.flex = "1 1 26em"
        self.widget = widgets.VBox([
            widgets.Box([self.controls.box, preview], layout=wrap),
            widgets.Box(list(self._buttons.values()), layout=wrap),
            self._bar, self._progress, self._message, self._curve, self._list.box, self._found, folded,
        ])

    def _schedule_picture(self):
        settings = self.controls.values()
        rates = learning_rate_schedule(settings["lr_scheduler_type"], settings["learning_rate"], settings["warmup_steps"], self._steps(settings))
        return plots.schedule(*rates)

    @staticmethod
    def _steps(settings: dict) -> int:
        return planned_steps(settings["train_size"], settings["per_device_train_batch_size"], settings["num_train_epochs"])

    def _plan(self) -> str:
        settings = self.controls.values()
        text = f"{self._steps(settings):,} steps"
        per_review = self._seconds_per_review()
        if per_review is None:
            return text + ". How long they take can be estimated after the first run."
        seconds = per_review * settings["num_train_epochs"] * settings["train_size"]
        return text + f", about {_duration(seconds)} on this machine (an estimate, from the seconds per review of the latest run)."

    def _seconds_per_review(self) -> float | None:
        for run in reversed(self.runs):
            reviews = (run.history[-1]["step"] if run.history else 0) * run.settings.get("per_device_train_batch_size", 0)
            if reviews and run.seconds:
                return run.seconds / reviews
        return None

    def _settings_moved(self) -> None:
        settings = self.controls.values()
        draw(self._schedule, self._schedule_picture())
        self._planned.value = f"<b>{escape(self._plan())}</b>"
        self._source.value = self._code(self._arguments(settings), settings)

    def _draw_curve(self) -> None:
        shown, numbers = self._list.shown()
        if self._current is not None:
            self._growing = GrowingCurve(shown, self._current, [*numbers, self._list.next_number], self._bar.max)
        elif shown:
            draw(self._curve, plots.loss_curve(*shown, numbers=numbers))
        self._curve.layout.display = None if shown or self._current is not None else "none"

    # Training

    def _arguments(self, settings: dict):
        return dataclasses.replace(self._args, **{name: value for name, value in settings.items() if name != "train_size"})

    def _train_once(self, settings: dict) -> Run:
        run = self._current = Run(self._new_name(), settings=dict(settings))
        self._bar.max = self._steps(settings)
        self._draw_curve()
        run.listen(self._follow)
        try:
            with recording(run, say=self._say):
                self.result = self._train(self._arguments(settings), run, settings["train_size"])
        finally:
            run.unlisten(self._follow)
            self._current = self._growing = None
            self._add(run)
            run.save(self._path(run.name))
            self._show_progress(run)
            self._draw_curve()
            self._settings_moved()
        return run

    def _follow(self, run: Run) -> None:
        """Called in the thread that trains, after each step: cheap things often, the curve as often as it may."""
        if self._stopping and not run.stop_requested:
            run.request_stop()  # pressed before the training began, which clears the run
        now = time.perf_counter()
        if now >= self._next["progress"]:
            self._show_progress(run)
            self._next["progress"] = now + _PAUSES["progress"]
        if now >= self._next["curve"] and run.history:
            self._curve.value = self._growing.png()
            took = time.perf_counter() - now
            self._next["curve"] = now + took + max(_PAUSES["curve"], took / _CURVE_SHARE)

    def _show_progress(self, run: Run) -> None:
        self._bar.value = run.step
        text = f"{run.name}: {run.status}, step {run.step:,} of {self._bar.max:,}"
        text += f" · loss {run.history[-1]['loss']:.2f}" if run.history else ""
        text += f" · {_duration(run.seconds)} elapsed"
        if run.status == "running" and run.step:
            text += f" · about {_duration(run.seconds / run.step * max(0, self._bar.max - run.step))} to go"
        self._progress.value = escape(text)

    def _working(self):
        return _Working(self)

    def _in_background(self, work: Callable[[], None]) -> None:
        """Do `work` in a thread, so that the page and other cells stay alive."""

        def guarded() -> None:
            try:
                with self._working():
                    work()
            except Exception as error:
                self._say(f"{type(error).__name__}: {error}", details=traceback.format_exc())

        if not self.training:
            threading.Thread(target=guarded, daemon=True).start()

    def _run_clicked(self, button) -> None:
        self._in_background(lambda: self._train_once(self.controls.values()))

    def _seeds_clicked(self, button) -> None:
        self._in_background(self._repeat)

    def _repeat(self, count: int = 3) -> None:
        settings, runs = self.controls.values(), []
        for seed in range(settings["seed"], settings["seed"] + count):
            runs.append(self._train_once(settings | {"seed": seed}))
            if self._stopping:
                return
        accuracies = [run.series("accuracy")[1][-1] for run in runs if run.series("accuracy")[1]]
        if accuracies:
            self._say(
                f"{len(accuracies)} seeds, nothing else changed: accuracy from {min(accuracies):.3f} to {max(accuracies):.3f}, mean "
                f"{sum(accuracies) / len(accuracies):.3f}. A difference between two settings that is no larger than this spread means nothing."
            )

    def _find_clicked(self, button) -> None:
        self._in_background(self._find_once)

    def _find_once(self) -> None:
        self._progress.value = "Range test: a few steps with a growing learning rate …"
        test: RangeTest = self._find(self._arguments(self.controls.values()), lambda: not self._stopping)
        self._found.children = (image(plots.range_test(test)), widgets.HTML(escape(test.sentence())))
        self._progress.value = "Range test done."
        if not self._stopping:
            self.controls.set(learning_rate=test.suggestion)
            self._say(f"The slider now stands at the suggestion, {test.suggestion:.1e}.")

    def _say(self, message: str, details: str = "") -> None:
        folded = f"<details><summary>Details</summary><pre>{escape(details)}</pre></details>" if details else ""
        self._message.value = f'<div role="status">{escape(message)}</div>{folded}' if message else ""

    # Runs

    def _new_name(self) -> str:
        names = [*(run.name for run in self.runs), *(path.stem.replace("_", " ") for path in self._folder.glob("run_*.json"))]
        numbers = [int(found[1]) for name in names if (found := re.fullmatch(r"run (\d+)", name))]
        return f"run {max(numbers, default=0) + 1}"

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.replace(' ', '_')}.json"

    def _add(self, run: Run) -> None:
        self.runs.append(run)
        self._list.add(run)

    def _load(self) -> list[Run]:
        loaded = []
        for path in sorted(self._folder.glob("run_*.json"), key=lambda path: path.stat().st_mtime):
            try:
                loaded.append(Run.load(path))
            except ValueError as error:
                self._say(f"{path.name} is left out: {error}")
        return loaded


class _Working:
    """One training at a time: buttons that would start another are disabled, and code is told so."""

    def __init__(self, panel: HyperparameterPanel):
        self._panel = panel

    def __enter__(self) -> None:
        if not self._panel._busy.acquire(blocking=False):
            raise RuntimeError("A training is running in this panel. Press Stop, or wait for its end.")
        self._panel._stopping = False
        self._panel._say("")
        self._switch(working=True)

    def __exit__(self, *error) -> None:
        self._panel._busy.release()
        self._switch(working=False)

    def _switch(self, working: bool) -> None:
        for name, button in self._panel._buttons.items():
            button.disabled = working if name != "stop" else not working


def _button(label: str, clicked: Callable, style: str = "", disabled: bool = False) -> widgets.Button:
    button = widgets.Button(description=label, button_style=style, disabled=disabled, layout=widgets.Layout(width="auto"))
    button.on_click(clicked)
    return button


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
