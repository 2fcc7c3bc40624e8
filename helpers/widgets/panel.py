"""The lab: move a slider, press Run, watch it learn, compare."""

from __future__ import annotations

import dataclasses
import gc
import math
import re
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import ClassVar

import ipywidgets as widgets

from helpers import plots
from helpers.learning_rates import RangeTest, learning_rate_schedule
from helpers.recipes import training_arguments_code
from helpers.runs import Run
from helpers.training import logging_steps, out_of_memory, planned_steps, recording
from helpers.widgets.controls import Controls
from helpers.widgets.growing import GrowingCurve
from helpers.widgets.run_list import RunList, accuracy_text, load_run
from helpers.widgets.shown import WIDE, Shown, draw, image

_CURVE_SHARE = 0.02  # of the training's time that drawing the curve may take
_PAUSES = {"curve": 0.4, "progress": 0.25, "save": 5.0}  # seconds between two updates, at least


class HyperparameterPanel(Shown):
    """Sliders, a schedule, Run and Stop, a growing curve, and the runs so far.

    `train(args, run, train_size)` is the notebook's own function: it trains with the `TrainingArguments` given, on the first
    `train_size` reviews, records into `run`, ends early when `run.stop_requested`, and returns what it made. `args` holds the
    defaults. `code(args, settings)` writes the Python for the current sliders; `find_learning_rate(args, keep_on)` returns a
    `RangeTest`. Runs are saved in `folder` and found there again; those in `runs` are shown as well. The expected time follows from
    the latest run, and before the first from `reviews_per_second`, the throughput of a training measured elsewhere.

    `panel.run(learning_rate=1e-4)` does what the button does, in the cell that calls it. `panel.result` is what `train` returned
    last, `panel.best_run` the run with the highest accuracy.

    One training at a time in a kernel, whatever the panel: two would share the random state, and what `Trainer`s share.
    """

    _busy = threading.Lock()
    _panels: ClassVar[weakref.WeakSet] = weakref.WeakSet()
    _active: HyperparameterPanel | None = None  # the one that trains

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
        reviews_per_second: float | None = None,
    ):
        self._train, self._args, self._code, self._find, self._folder = train, args, code, find_learning_rate, Path(folder)
        self._eval_rows, self._reviews_per_second, self._thread = eval_rows, reviews_per_second, None
        self.runs: list[Run] = []
        self.result = None
        self._current: Run | None = None
        self._growing: GrowingCurve | None = None
        self._stopping, self._pieces = False, 1
        self._next = dict.fromkeys(_PAUSES, 0.0)
        self.controls = Controls(args, train_rows)
        self._list = RunList(list(self.controls.widgets), on_change=self._draw_curve, on_delete=self.delete)
        self._build()
        for run in (*self._load(), *(run for run in runs if run.history)):
            self._add(run)
        self.controls.observe(self._settings_moved)
        self._settings_moved()
        self._draw_curve()
        self._panels.add(self)
        self._switch(self.training)

    # What people who prefer code use

    def run(self, **settings) -> Run:
        """Move the sliders to `settings`, train in this cell, and return the run. Errors are raised, after they were noted.

        The kernel is busy meanwhile, so that the Stop button cannot be heard: ■ interrupts.
        """
        self._begin()
        with self._working():
            self.controls.set(**settings)
            return self._train_once(self.controls.values())

    def stop(self, wait: bool = False) -> None:
        """End what trains, in this panel or another, after its current step; with `wait`, return when it has ended."""
        active = self._active or self
        active._stopping = True
        run, thread = active._current, active._thread
        if run is not None:
            run.request_stop()
            active._progress.value = "Stopping …"
        if wait and thread is not None:
            thread.join()

    @property
    def best_run(self) -> Run | None:
        """The run with the highest accuracy at its end; without any evaluation, the one with the lowest training loss."""
        evaluated = [run for run in self.runs if run.series("accuracy")[1]]
        if evaluated:
            return max(evaluated, key=lambda run: run.series("accuracy")[1][-1])
        trained = [run for run in self.runs if run.history and math.isfinite(run.history[-1]["loss"])]
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
        self._show_plan()

    # What is shown

    def picture(self):
        shown, numbers = self._list.shown()
        return plots.loss_curve(*shown, numbers=numbers) if shown else self._schedule_picture()

    def sentence(self) -> str:
        kept = f"{len(self.runs)} run{'' if len(self.runs) == 1 else 's'} so far" if self.runs else "No run yet"
        best = self.best_run
        highest = f" Highest accuracy so far: {accuracy_text(best)} ({best.name})." if best and best.series("accuracy")[1] else ""
        return f"{self._plan()} {kept}.{highest}"

    def _build(self) -> None:
        self._buttons = {
            "run": _button("Run", self._run_clicked, "primary"),
            "stop": _button("Stop", lambda button: self.stop(), "warning"),
            "reset": _button("Reset", lambda button: self.controls.reset()),
            "seeds": _button("Repeat with 3 seeds", self._seeds_clicked),
            "find": _button("Find learning_rate", self._find_clicked),
        }
        if self._find is None:
            del self._buttons["find"]
        self._smaller = _button("Train in smaller pieces", self._smaller_clicked)
        self._smaller.layout.display = "none"
        self._schedule, self._curve = image(), image()
        self._planned, self._message = widgets.HTML(), widgets.HTML()
        self._bar = widgets.IntProgress(min=0, max=1, layout=widgets.Layout(width=WIDE, max_width="34em"))
        self._progress = widgets.HTML("Ready.")
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
            self._bar, self._progress, self._message, self._smaller, self._found, self._curve, self._list.box, folded,
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
        pace = self._pace()
        if pace is None:
            return text + ". How long they take can be estimated after the first run."
        source, seconds = pace
        seconds *= settings["num_train_epochs"] * (settings["train_size"] + self._eval_rows / 3)
        return text + f", about {_duration(seconds)} (an estimate, from {source})."

    def _pace(self) -> tuple[str, float] | None:
        """Seconds per review, and where that is from: the latest run that was not broken off, or what was measured before; else any.

        Evaluating a review costs a third of training on it.
        """
        for run in sorted(reversed(self.runs), key=lambda run: run.status != "finished"):
            update = (run.settings.get("per_device_train_batch_size") or 0) * (run.settings.get("gradient_accumulation_steps") or 1)
            reviews = run.step * update
            if reviews and run.seconds:
                return f"the pace of {run.name}", run.seconds / (reviews + len(run.evaluations) * self._eval_rows / 3)
        return ("the pace measured above", 1 / self._reviews_per_second) if self._reviews_per_second else None

    def _settings_moved(self) -> None:
        settings = self.controls.values()
        draw(self._schedule, self._schedule_picture())
        self._show_plan()
        self._source.value = self._code(self._args, self._with_logging(settings))

    def _show_plan(self) -> None:
        """The estimate in it changes with the runs as well as with the sliders."""
        self._planned.value = f"<b>{escape(self._plan())}</b>"

    def _draw_curve(self) -> None:
        shown, numbers = self._list.shown()
        current = self._current  # the thread that trains may end it at any moment
        if current is not None:
            self._growing = GrowingCurve(shown, current, [*numbers, self._list.next_number], self._bar.max)
        elif shown:
            draw(self._curve, plots.loss_curve(*shown, numbers=numbers))
        self._curve.layout.display = None if shown or current is not None else "none"

    # Training

    def _with_logging(self, settings: dict) -> dict:
        """The settings, as many logged points for a short training as for a long one, and the batches in pieces where memory had run out."""
        size = settings["per_device_train_batch_size"]
        pieces = math.gcd(size, self._pieces)
        settings = settings | {"logging_steps": logging_steps(self._steps(settings))}
        if pieces > 1:
            settings |= {"per_device_train_batch_size": size // pieces, "gradient_accumulation_steps": pieces}
        return settings

    def _arguments(self, settings: dict):
        """Only for a training that begins: a new `TrainingArguments` resets what a running `Trainer` shares with it."""
        return dataclasses.replace(self._args, **{name: value for name, value in self._with_logging(settings).items() if name != "train_size"})

    def _train_once(self, settings: dict) -> Run:
        run = self._new_run(settings)
        self._bar.max, self._bar.value = self._steps(settings), 0
        self._next = dict.fromkeys(_PAUSES, 0.0)
        try:
            self._current = run
            self._draw_curve()
            run.listen(self._follow)
            with recording(run, say=self._say):
                self._smaller.layout.display = "none"
                try:
                    self.result = self._train(self._arguments(settings), run, settings["train_size"])
                except Exception as error:
                    self._smaller.layout.display = None if out_of_memory(error) else "none"
                    raise
        finally:
            self._current = self._growing = None
            self._add(run)
            self._save(run)
            self._show_progress(run)
            self._draw_curve()
            self._show_plan()
            self._tell_others(run)
        return run

    def _new_run(self, settings: dict) -> Run:
        """Its file is made at once, so that a notebook that trains beside this one takes the next number."""
        while True:
            run = Run(self._new_name(), settings=settings | {"eval_size": self._eval_rows})
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._path(run.name).open("x").close()
            except FileExistsError:
                continue  # the other was faster
            except OSError:
                pass  # _save says so
            self._save(dataclasses.replace(run, status="running"))
            return run

    def _save(self, run: Run) -> None:
        try:
            run.save(self._path(run.name))
        except OSError as error:
            self._say(f"{run.name} cannot be saved ({error}). It is kept until the kernel ends; make room, or choose another folder, for the next.")

    def _tell_others(self, run: Run) -> None:
        """A cell that was run again has made a second panel of the same folder, and it is that one which is seen."""
        for panel in list(self._panels):
            if panel is not self and panel._folder == self._folder:
                panel._add(run)
                panel._draw_curve()
                panel._show_plan()

    def _follow(self, run: Run) -> None:
        """Called in the thread that trains, after each step. Whatever goes wrong in drawing must not end the training."""
        if self._stopping and not run.stop_requested:
            run.request_stop()  # pressed before the training began, which clears the run
        try:
            self._show(run)
        except Exception as error:
            self._say(f"The picture could not be drawn ({type(error).__name__}: {error}); the training goes on.")

    def _show(self, run: Run) -> None:
        """Cheap things often, the curve as often as it may."""
        now = time.perf_counter()
        if now >= self._next["progress"] and not run.stop_requested:
            self._show_progress(run)
            self._next["progress"] = now + _PAUSES["progress"]
        if now >= self._next["save"]:
            self._save(run)  # a kill takes no more than the last seconds of the record
            self._next["save"] = now + _PAUSES["save"]
        growing = self._growing
        if now >= self._next["curve"] and run.history and growing is not None:
            self._curve.value = growing.png()
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

    def _begin(self) -> None:
        if not self._busy.acquire(blocking=False):
            raise RuntimeError("A training is running in this kernel. Press Stop, or wait for its end.")
        HyperparameterPanel._active = self
        self._stopping = False
        self._say("")
        self._switch_all(working=True)

    @contextmanager
    def _working(self):
        """Ends what `_begin` began, whatever happens."""
        try:
            yield
        finally:
            self._switch_all(working=False)
            HyperparameterPanel._active = None
            self._busy.release()

    def _in_background(self, work: Callable[[], None]) -> None:
        """Do `work` in a thread, so that the page and other cells stay alive. A second click does nothing."""

        def guarded() -> None:
            with self._working():
                try:
                    work()
                except Exception as error:
                    self._say(f"{type(error).__name__}: {error}", details=traceback.format_exc())

        if not self.training:
            self._begin()
            self._thread = threading.Thread(target=guarded, daemon=True)
            self._thread.start()

    def _switch_all(self, working: bool) -> None:
        for panel in list(self._panels):
            panel._switch(working)

    def _switch(self, working: bool) -> None:
        """Disable what would start another training; only Stop is for the time of one."""
        for name, button in self._buttons.items():
            button.disabled = working if name != "stop" else not working
        if self is not self._active:
            self._progress.value = "A training is running in another panel. Stop ends it." if working else "Ready."

    def _run_clicked(self, button) -> None:
        settings = self.controls.values()  # as they were at the click, however the sliders are moved while the thread starts
        self._in_background(lambda: self._train_once(settings))

    def _seeds_clicked(self, button) -> None:
        settings = self.controls.values()
        self._in_background(lambda: self._repeat(settings))

    def _repeat(self, settings: dict, count: int = 3) -> None:
        runs = []
        for seed in range(settings["seed"], settings["seed"] + count):
            runs.append(self._train_once(settings | {"seed": seed}))
            if self._stopping:
                return
        accuracies = [run.series("accuracy")[1][-1] for run in runs if run.series("accuracy")[1]]
        if accuracies:
            self._say(
                f"{len(accuracies)} of {count} seeds ended with an accuracy, nothing else changed: from {min(accuracies):.3f} to "
                f"{max(accuracies):.3f}, mean {sum(accuracies) / len(accuracies):.3f}. A difference between two settings that is no larger "
                "than this spread is no evidence."
            )

    def _smaller_clicked(self, button) -> None:
        """The same recipe: batches of half the size, and the gradients of twice as many added up."""
        gc.collect()  # what the training that failed has left
        self._pieces *= 2
        self._settings_moved()
        self._run_clicked(button)

    def _find_clicked(self, button) -> None:
        self._in_background(self._find_once)

    def _find_once(self) -> None:
        self._progress.value = "Range test: a few steps with a growing learning rate …"
        try:
            test: RangeTest = self._find(self._arguments(self.controls.values()), lambda: not self._stopping)
        finally:
            self._progress.value = "Ready."
        if self._stopping:
            self._say("The range test was stopped.")
            return
        self._found.children = (image(plots.range_test(test)), widgets.HTML(escape(test.sentence())))
        if test.fell:
            self.controls.set(learning_rate=test.suggestion)
            self._say(f"The slider now stands at {self.controls.values()['learning_rate']:.1e}, as near to the suggestion as it can.")

    def _say(self, message: str, details: str = "") -> None:
        folded = f"<details><summary>Details</summary><pre>{escape(details)}</pre></details>" if details else ""
        style = "white-space:pre-line;overflow-wrap:anywhere"
        self._message.value = f'<div role="status" style="{style}">{escape(message)}</div>{folded}' if message else ""

    # Runs

    def _new_name(self) -> str:
        names = [*(run.name for run in self.runs), *(path.stem.replace("_", " ") for path in self._folder.glob("run_*.json"))]
        numbers = [int(found[1]) for name in names if (found := re.fullmatch(r"run (\d+)", name))]
        return f"run {max(numbers, default=0) + 1}"

    def _path(self, name: str) -> Path:
        plain = re.sub(r"\W", "_", name)  # a name can lead nowhere else
        return self._folder / f"{plain}.json"

    def _add(self, run: Run) -> None:
        self.runs.append(run)
        self._list.add(run)

    def _load(self) -> list[Run]:
        active = self._active
        training = active._current if active and active._folder == self._folder else None  # that one is added at its end
        loaded, left_out = [], []
        for path in set(self._folder.glob("run_*.json")) - {training and self._path(training.name)}:
            try:
                loaded.append(load_run(path))
            except ValueError as error:
                left_out.append(f"{path.name} is left out: {error}")
        self._say("\n".join(left_out))
        for run in loaded:
            if run.status == "running":
                run.end("stopped", "Its kernel ended before the training did, or trains it still.")
        return sorted(loaded, key=lambda run: int(run.name.split()[-1]))  # by number: a clock may have been set back


def _button(label: str, clicked: Callable, style: str = "") -> widgets.Button:
    button = widgets.Button(description=label, button_style=style, layout=widgets.Layout(width="auto"))
    button.on_click(clicked)
    return button


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
