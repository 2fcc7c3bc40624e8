"""The lab: move a slider, press Run, watch the model learn, compare the runs."""

from __future__ import annotations

import dataclasses
import gc
import itertools
import math
import time
import weakref
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import ClassVar

import ipywidgets as widgets

from helpers.explain.resources import out_of_memory
from helpers.language import _, ngettext
from helpers.show import plots
from helpers.show.growing import GrowingCurve
from helpers.show.lab.code import training_arguments_code
from helpers.show.lab.controls import MODEL_SETTINGS, NO_GUESS, Controls
from helpers.show.lab.plan import Plan, seconds_text, steps
from helpers.show.lab.run_folder import RunFolder
from helpers.show.lab.run_list import RunList, differing_settings
from helpers.show.lab.theme import CONTROLS_CLASS, PICTURE_CLASS, narrow_html, style_html
from helpers.show.lab.worker import Worker
from helpers.show.shown import PARAGRAPH, WIDE, Shown, draw, image, show_png
from helpers.show.told import accuracy_text, guess_record, guess_told, told_apart, what_happened
from helpers.train.learning_rates import RangeTest, learning_rate_schedule
from helpers.train.recording import recording
from helpers.train.runs import Run

_CURVE_SHARE = 0.02  # of the training's time that drawing the curve may take
_PAUSES = {"curve": 0.4, "progress": 0.25, "save": 5.0}  # seconds between two updates, at least


class HyperparameterPanel(Shown):
    """Sliders, a schedule, Run and Stop, a growing curve, and the runs so far.

    `train(args, run, train_size)` is the notebook's own function. It trains with the given
    `TrainingArguments` on the first `train_size` reviews, records into `run`, ends early when
    `run.stop_requested` is true, and returns what it made. `args` holds the defaults. `code(args, settings)`
    writes the Python for the current sliders. `find_learning_rate(args, keep_on)` returns a `RangeTest`.
    With `layers`, the number of the model's layers, the panel also has the controls `start` and `freeze`, and
    calls `train(args, run, train_size, start=…, freeze=…)`. `class_counts`, shape (classes,), says how many
    validation rows each class has; the panel then knows the loss of a model that only guesses.

    The panel saves its runs in `folder` and finds them there again. It also shows those in `runs`. The
    expected time follows from the latest run, and before the first run from `reviews_per_second`, the
    throughput of a training that was measured elsewhere.

    `panel.run(learning_rate=1e-4)` does what the button does, in the cell that calls it. `panel.result` is
    what `train` returned last, and `panel.best_run` is the run with the highest accuracy.

    A kernel trains one model at a time, even with several panels: see `Worker`.
    """

    _panels: ClassVar[weakref.WeakSet] = weakref.WeakSet()

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
        layers: int | None = None,
        class_counts: Sequence[int] | None = None,
    ):
        # What the notebook gives
        self._train = train
        self._args = args
        self._code = code
        self._find = find_learning_rate
        self._eval_rows = eval_rows
        self._class_counts = class_counts

        # The parts of the panel
        self._folder = RunFolder(Path(folder))
        self._plan = Plan(args, eval_rows, reviews_per_second)
        self._worker = Worker(
            on_switch=self._switch_all,
            on_stop=lambda: self._progress.set_trait("value", _("Stopping …")),
            on_error=self._say,
        )
        self.controls = Controls(args, train_rows, layers)
        self._list = RunList(list(self.controls.widgets), on_change=self._draw_curve, on_delete=self.delete)
        self._build()

        # What changes while it is used
        self.runs: list[Run] = []
        self.result = None
        self._growing: GrowingCurve | None = None
        self._next = dict.fromkeys(_PAUSES, 0.0)  # when each part may be updated again

        # What it shows at first
        for run in (*self._load(), *(run for run in runs if run.history)):
            self._add(run)
        self.controls.observe(self._settings_moved)
        self._settings_moved()
        self._draw_curve()
        if self.runs:
            self._tell(self.runs[-1])
        self._panels.add(self)
        self._switch(self.training)

    # For people who prefer code

    def run(self, *, guess: float | None = None, **settings) -> Run:
        """Move the sliders to `settings`, train in this cell, and return the run.

        `guess` is the accuracy that you expect. Raises the errors of the training, after the run has noted
        them. The kernel is busy meanwhile, so it cannot hear the Stop button: ■ in the toolbar interrupts the
        training.
        """
        self._worker.begin()
        with self._worker.working():
            self.controls.set(**settings)
            return self._train_once(self.controls.values() | ({} if guess is None else {"guess": guess}))

    def run_each(self, several: Sequence[dict], tell: Callable, background: bool = False) -> None:
        """Train with each of the settings in turn. What one does not name is as before any slider moved.

        `tell(run)` is called with each run that ended, and `tell(None)` at the end of all. A run that did not
        finish is the last one. With `background`, the trainings run in the thread that the button uses.
        """

        def work() -> None:
            try:
                for settings in several:
                    run = self._train_once(self.controls.defaults | settings)
                    tell(run)
                    if run.status != "finished":
                        return
            finally:
                tell(None)

        if background:
            self._worker.in_background(work)
        else:
            self._worker.begin()
            with self._worker.working():
                work()

    def seconds(self, several: Sequence[dict]) -> float | None:
        """Estimate how long `run_each` takes. None if no run says how fast this machine is."""
        return self._plan.seconds([self.controls.defaults | settings for settings in several], self.runs)

    def stop(self, wait: bool = False) -> None:
        """Stop the training, here or in another panel, after its current step. `wait` for its end."""
        self._worker.stop(wait)

    @property
    def progress(self) -> list[widgets.Widget]:
        """The bar and the line that follow a training. Another panel may show them, too."""
        return [self._bar, self._progress]

    @property
    def best_run(self) -> Run | None:
        """The run with the highest last accuracy; without evaluations, that with the lowest training loss."""
        evaluated = [run for run in self.runs if run.series("accuracy")[1]]
        if evaluated:
            return max(evaluated, key=lambda run: run.series("accuracy")[1][-1])
        trained = [run for run in self.runs if run.history and math.isfinite(run.training_losses()[1])]
        return min(trained, key=lambda run: run.training_losses()[1], default=None)

    @property
    def training(self) -> bool:
        """True while any panel of the kernel trains."""
        return self._worker.busy

    def delete(self, run: Run) -> None:
        """Remove a run from the list and its file from the folder."""
        self.runs.remove(run)
        self._folder.delete(run)
        self._list.remove(run)
        self._draw_curve()
        self._show_plan()

    # What the panel shows

    def picture(self):
        """Draw the curves of the runs, or the schedule if there is no run yet."""
        shown, numbers = self._list.shown()
        if not shown:
            return self._schedule_picture()
        return plots.loss_curve(*shown, numbers=numbers, class_counts=self._class_counts)

    def sentence(self) -> str:
        """Say how long a training takes, how many runs there are, and which was the best."""
        count = len(self.runs)
        kept = ngettext("{count} run so far.", "{count} runs so far.", count).format(count=count)
        sentences = [
            self._plan.sentence(self.controls.values(), self.runs),
            kept if count else _("No run yet."),
        ]
        best = self.best_run
        if best and best.series("accuracy")[1]:
            text = _("Highest accuracy so far: {accuracy} ({run}).")
            sentences.append(text.format(accuracy=accuracy_text(best), run=best.name))
        return " ".join(sentences)

    def _build(self) -> None:
        # Buttons
        self._buttons = {
            "run": _button(_("Run"), lambda button: self._start(self._train_once), "primary"),
            "stop": _button(_("Stop"), lambda button: self.stop(), "warning"),
            "reset": _button(_("Reset"), lambda button: self.controls.reset()),
            "seeds": _button(_("Repeat with 3 seeds"), lambda button: self._start(self._repeat)),
            "find": _button(_("Find learning_rate"), lambda button: self._start(self._find_once)),
        }
        if self._find is None:
            del self._buttons["find"]
        self._smaller = _button(_("Train in smaller pieces"), self._smaller_clicked)
        self._smaller.layout.display = "none"

        # Pictures and texts
        self._schedule = image()
        self._curve = image()
        for picture in (self._schedule, self._curve):
            picture.add_class(PICTURE_CLASS)
        self._planned = widgets.HTML()
        self._message = widgets.HTML()
        self._told = widgets.HTML()
        self._bar = widgets.IntProgress(min=0, max=1, layout=widgets.Layout(width=WIDE))
        self._progress = widgets.HTML(_("Ready."))
        self._found = widgets.VBox()
        self._source = widgets.Textarea(rows=12, layout=widgets.Layout(width="98%"))

        # The sliders at the left, the pictures at the right; on a narrow page one under the other
        wrap = widgets.Layout(display="flex", flex_flow="row wrap", align_items="flex-start")
        buttons = widgets.Box(list(self._buttons.values()), layout=wrap)
        left = widgets.VBox(
            [self._planned, self.controls.box, buttons, self._bar, self._progress],
            layout=widgets.Layout(flex="1 1 340px", max_width="34em"),
        )
        right = widgets.VBox([self._schedule, self._curve], layout=widgets.Layout(flex="1 1 360px"))

        # Below: what happened, the runs, and what is folded
        folded = widgets.Accordion(
            children=[self._source, widgets.HTML(self.controls.explanations())], selected_index=0
        )
        folded.set_title(0, _("The code for these settings"))
        folded.set_title(1, _("What each control does"))
        parts = [self._message, self._smaller, self._found, self._told, self._list.box, folded]
        self.controls.box.add_class(CONTROLS_CLASS)
        style = widgets.HTML(style_html() + narrow_html(), layout=widgets.Layout(display="none"))
        self.widget = widgets.VBox([style, widgets.Box([left, right], layout=wrap), *parts])

    def _settings_moved(self) -> None:
        draw(self._schedule, self._schedule_picture())
        self._show_plan()
        self._source.value = self._code(self._args, self._plan.with_logging(self.controls.values()))

    def _schedule_picture(self):
        settings = self.controls.values()
        rates = learning_rate_schedule(
            settings["lr_scheduler_type"],
            settings["learning_rate"],
            settings["warmup_steps"],
            steps(settings),
        )
        return plots.schedule(*rates)

    def _show_plan(self) -> None:
        """Show the steps and the time to expect. Both the sliders and the runs change them."""
        sentence = self._plan.sentence(self.controls.values(), self.runs)
        self._planned.value = f'<div style="line-height:1.3"><b>{escape(sentence)}</b></div>'

    def _draw_curve(self) -> None:
        shown, numbers = self._list.shown()
        current = self._worker.current  # read it once: the thread that trains may end it at any moment
        if current is not None:
            numbers = [*numbers, self._list.next_number]
            self._growing = GrowingCurve(
                shown, current, numbers, self._bar.max, self._class_counts, narrow=True
            )
        else:
            kind = {"growing": True, "narrow": True, "class_counts": self._class_counts}
            draw(self._curve, plots.loss_curve(*shown, numbers=numbers, **kind))

    def _say(self, message: str, details: str = "") -> None:
        folded = ""
        if details:
            summary = _("Details")
            folded = f"<details><summary>{summary}</summary><pre>{escape(details)}</pre></details>"
        style = "white-space:pre-line;overflow-wrap:anywhere"
        shown = f'<div role="status" style="{style}">{escape(message)}</div>{folded}'
        self._message.value = shown if message else ""

    def _tell(self, run: Run) -> None:
        """Say what happened in `run`, how far off its guess was, and whether it differs from the last.

        A run that did not finish is not compared.
        """
        sentences = [f"{run.name}: {what_happened(run, self._class_counts)}"]
        if run.settings.get("guess") is not None:
            sentences += [guess_told(run), guess_record(self.runs)]
        judged = [
            each
            for each in self.runs
            if each.status == "finished" and each.series("accuracy")[1] and each.settings.get("eval_size")
        ]
        if run in judged[1:]:
            before = judged[judged.index(run) - 1]
            sentences.append(told_apart(before, run))
            differing = differing_settings([before, run], list(self.controls.widgets))
            if len(differing) > 1:
                text = _(
                    "They differ in {count} settings ({names}), so this says nothing about any single one."
                )
                sentences.append(text.format(count=len(differing), names=", ".join(differing)))
        lines = "".join(f"<div>{escape(sentence)}</div>" for sentence in sentences if sentence)
        self._told.value = f'<div role="status" style="{PARAGRAPH}">{lines}</div>'

    # The runs

    def _load(self) -> list[Run]:
        """Read the runs of the folder. A run that still trains is left out: it is added at its end."""
        currents = [panel._worker.current for panel in list(self._panels) if panel._folder == self._folder]
        runs, left_out = self._folder.load([run for run in currents if run is not None])
        self._say("\n".join(left_out))
        return runs

    def _new_run(self, settings: dict) -> Run:
        """Begin a run with a free name, and save it at once: if the kernel is killed, the run is not lost."""
        name = self._folder.new_name(self.runs)
        while not self._folder.reserve(name):
            name = self._folder.new_name(self.runs)
        run = Run(name, settings=settings | {"eval_size": self._eval_rows})
        self._save(dataclasses.replace(run, status="running"))
        return run

    def _save(self, run: Run) -> None:
        try:
            self._folder.save(run)
        except OSError as error:
            text = _(
                "{run} cannot be saved ({error}). The panel keeps it until the kernel ends. Before the next "
                "run, make room on the disk or choose another folder."
            )
            self._say(text.format(run=run.name, error=error))

    def _add(self, run: Run) -> None:
        self.runs.append(run)
        self._list.add(run)

    def _tell_others(self, run: Run) -> None:
        """Add `run` to the other panels of this folder.

        A cell that runs again makes a second panel, and the page shows only that one. It would miss the runs
        that the first panel still trains.
        """
        for panel in list(self._panels):
            if panel is not self and panel._folder == self._folder:
                panel._add(run)
                panel._draw_curve()
                panel._show_plan()

    # Training

    def _train_once(self, settings: dict) -> Run:
        # Begin
        run = self._new_run(settings)
        self._bar.max = steps(settings)
        self._bar.value = 0
        self.controls.guess.value = NO_GUESS
        self._told.value = ""  # it would read as if it spoke of the run that begins
        self._next = dict.fromkeys(_PAUSES, 0.0)

        # Train
        try:
            self._worker.current = run
            self._draw_curve()
            run.listen(self._follow)
            with recording(run, say=self._say):
                self._smaller.layout.display = "none"
                try:
                    given = {name: settings[name] for name in MODEL_SETTINGS if name in settings}
                    arguments = self._plan.arguments(settings)
                    self.result = self._train(arguments, run, settings["train_size"], **given)
                except Exception as error:
                    self._smaller.layout.display = None if out_of_memory(error) else "none"
                    raise

        # End: keep the run, however the training ended
        finally:
            self._worker.current = None
            self._growing = None
            self._add(run)
            self._save(run)
            self._show_progress(run)
            self._draw_curve()
            self._show_plan()
            self._tell(run)
            self._tell_others(run)
        return run

    def _follow(self, run: Run) -> None:
        """Show the training after each step, in the thread that trains. A failing picture must not end it."""
        if self._worker.stopping and not run.stop_requested:
            # Somebody pressed Stop before the training began, and its beginning cleared the request
            run.request_stop()
        try:
            self._show(run)
        except Exception as error:
            text = _("The picture could not be drawn ({kind}: {error}). The training goes on.")
            self._say(text.format(kind=type(error).__name__, error=error))

    def _show(self, run: Run) -> None:
        now = time.perf_counter()

        # A line of text costs little
        if now >= self._next["progress"] and not run.stop_requested:
            self._show_progress(run)
            self._next["progress"] = now + _PAUSES["progress"]

        # If the kernel is killed, the record loses no more than its last seconds
        if now >= self._next["save"]:
            self._save(run)
            self._next["save"] = now + _PAUSES["save"]

        # The curve may only take its share of the time
        growing = self._growing
        if now >= self._next["curve"] and run.history and growing is not None:
            width, height = (int(100 * inches) for inches in plots.NARROW)
            show_png(self._curve, growing.png(), width=width, height=height, alt=run.summary())
            took = time.perf_counter() - now
            self._next["curve"] = now + took + max(_PAUSES["curve"], took / _CURVE_SHARE)

    def _show_progress(self, run: Run) -> None:
        total = self._bar.max
        self._bar.value = run.step
        text = _("{run}: {status}, step {step:,} of {total:,}")
        parts = [text.format(run=run.name, status=_(run.status), step=run.step, total=total)]
        if run.history:
            parts.append(_("loss {loss:.2f}").format(loss=run.history[-1]["loss"]))
        parts.append(_("{time} elapsed").format(time=seconds_text(run.seconds)))
        if run.status == "running" and run.step:
            left = seconds_text(run.seconds / run.step * max(0, total - run.step))
            parts.append(_("about {time} to go").format(time=left) if run.step < total else _("evaluating"))
        self._progress.value = f'<div style="line-height:1.3">{escape(" · ".join(parts))}</div>'

    # Buttons

    def _switch_all(self, working: bool) -> None:
        if working:
            self._say("")
        for panel in list(self._panels):
            panel._switch(working)

    def _switch(self, working: bool) -> None:
        """Disable the buttons that would start another training. Stop works only while one runs."""
        for name, button in self._buttons.items():
            button.disabled = working if name != "stop" else not working
        if self._worker is not self._worker.active:
            other = _("A training is running in another panel. Press Stop to end it.")
            self._progress.value = other if working else _("Ready.")

    def _start(self, work: Callable[[dict], object]) -> None:
        """Call `work(settings)` in a thread, with the settings of this moment: the sliders may move on."""
        guess = {} if self.controls.guess.value == NO_GUESS else {"guess": self.controls.guess.value}
        self._worker.in_background(work, self.controls.values() | guess)

    def _repeat(self, settings: dict, count: int = 3) -> None:
        # Train with the next seeds that are not there yet
        guess = None
        there = self._finished_seeds(settings)
        free = (seed for seed in itertools.count(settings["seed"]) if seed not in there)
        for seed in itertools.islice(free, count):
            self._train_once(settings | {"seed": seed})
            guess = settings.pop("guess", guess)  # it counts once
            if self._worker.stopping:
                return

        # Say how far the accuracies lie apart
        runs = self._finished_seeds(settings).values()
        accuracies = [run.series("accuracy")[1][-1] for run in runs if run.series("accuracy")[1]]
        if accuracies:
            mean = sum(accuracies) / len(accuracies)
            text = (
                _("{count} seeds gave {low:.3f} to {high:.3f}, mean {mean:.3f} (also counted: {earlier}).")
                if there
                else _("{count} seeds gave {low:.3f} to {high:.3f}, mean {mean:.3f}.")
            )
            earlier = ", ".join(run.name for run in there.values())
            low, high = min(accuracies), max(accuracies)
            sentences = [text.format(count=len(accuracies), low=low, high=high, mean=mean, earlier=earlier)]
            if guess is not None:
                text = _("You said {guess:.2f}: {off:.2f} from the mean.")
                sentences.append(text.format(guess=guess, off=abs(guess - mean)))
            sentences.append(
                _(
                    "Nothing else changed: a difference between two settings that is no larger than this "
                    "spread is no evidence."
                )
            )
            self._say(" ".join(sentences))

    def _finished_seeds(self, settings: dict) -> dict[int, Run]:
        """Return by its seed each run that finished with these settings, whatever its seed and its guess."""
        settings = settings | {"eval_size": self._eval_rows}
        settings = {name: value for name, value in settings.items() if name not in ("seed", "guess")}
        return {
            run.settings["seed"]: run
            for run in self.runs
            if run.status == "finished"
            and "seed" in run.settings
            and all(run.settings.get(name) == value for name, value in settings.items())
        }

    def _smaller_clicked(self, button) -> None:
        """Halve the batches and add up the gradients of twice as many: an update sees as many reviews."""
        gc.collect()  # frees what the failed training has left
        self._plan.pieces *= 2
        self._settings_moved()
        self._start(self._train_once)

    def _find_once(self, settings: dict) -> None:
        # Run the test
        self._progress.value = _("Range test: a few steps with a growing learning rate …")
        try:
            test: RangeTest = self._find(self._plan.arguments(settings), lambda: not self._worker.stopping)
        finally:
            self._progress.value = _("Ready.")
        if self._worker.stopping:
            self._say(_("The range test was stopped."))
            return

        # Show it, and move the slider to its suggestion
        self._found.children = (image(plots.range_test(test)), widgets.HTML(escape(test.sentence())))
        if test.fell:
            self.controls.set(learning_rate=test.suggestion)
            rate = self.controls.values()["learning_rate"]
            text = _("The slider now stands at {rate:.1e}, as near to the suggestion as it can.")
            self._say(text.format(rate=rate))


def _button(label: str, clicked: Callable, style: str = "") -> widgets.Button:
    button = widgets.Button(description=label, button_style=style, layout=widgets.Layout(width="auto"))
    button.on_click(clicked)
    return button
