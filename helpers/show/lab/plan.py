"""Work out how many steps and seconds a training takes, and the `TrainingArguments` for it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from helpers.language import _
from helpers.show.lab.controls import OWN
from helpers.train.runs import Run
from helpers.train.steps import EVALUATION_COST, logging_steps, planned_steps


class Plan:
    """Turn the settings of the sliders into steps, an estimate of the time, and `TrainingArguments`.

    `args` holds the arguments that have no slider. An evaluation reads `eval_rows` reviews.
    `reviews_per_second` is the throughput of a training that was measured elsewhere, if there was one.
    `pieces` says into how many parts each batch is divided: the panel raises it when memory runs out.
    """

    def __init__(self, args, eval_rows: int, reviews_per_second: float | None):
        self._args = args
        self._eval_rows = eval_rows
        self._reviews_per_second = reviews_per_second
        self.pieces = 1

    def sentence(self, settings: dict, runs: Sequence[Run]) -> str:
        """Say how many steps a training with `settings` takes, and how long, judged by `runs`."""
        seconds = self.seconds([settings], runs)
        if seconds is None:
            text = _("{steps:,} steps. How long they take can be estimated after the first run.")
            return text.format(steps=steps(settings))
        text = _("{steps:,} steps, about {time} (an estimate, from {pace}).")
        return text.format(steps=steps(settings), time=seconds_text(seconds), pace=self.pace(runs)[0])

    def seconds(self, several: Sequence[dict], runs: Sequence[Run]) -> float | None:
        """Estimate the seconds of trainings with these settings, judged by `runs`; None if unknown."""
        pace = self.pace(runs)
        if pace is None:
            return None
        evaluated = EVALUATION_COST * self._eval_rows
        texts = sum(each["num_train_epochs"] * (each["train_size"] + evaluated) for each in several)
        return texts * pace[1]

    def pace(self, runs: Sequence[Run]) -> tuple[str, float] | None:
        """Return where the estimate comes from, and the seconds per training review; None if unknown.

        The estimate comes from the latest run that finished. If no run finished, it comes from the latest run
        that was broken off, and before the first run from `reviews_per_second`.
        """
        # The runs, with the best source first
        for run in sorted(reversed(runs), key=lambda run: run.status != "finished"):
            size = run.settings.get("per_device_train_batch_size") or 0
            pieces = run.settings.get("gradient_accumulation_steps") or 1
            reviews = run.step * size * pieces
            if reviews and run.seconds:
                evaluated = len(run.evaluations) * self._eval_rows
                where = _("the pace of {run}").format(run=run.name)
                return where, run.seconds / (reviews + EVALUATION_COST * evaluated)

        # No run yet: the throughput that was measured elsewhere
        if self._reviews_per_second:
            return _("the pace measured above"), 1 / self._reviews_per_second
        return None

    def with_logging(self, settings: dict) -> dict:
        """Add `logging_steps` to `settings`, and divide the batches into `pieces`.

        A short training then logs as many points as a long one, and an update still sees as many reviews.
        """
        settings = settings | {"logging_steps": logging_steps(steps(settings))}
        size = settings["per_device_train_batch_size"]
        pieces = math.gcd(size, self.pieces)
        if pieces > 1:
            settings |= {"per_device_train_batch_size": size // pieces, "gradient_accumulation_steps": pieces}
        return settings

    def arguments(self, settings: dict):
        """Make the `TrainingArguments` for a training that begins now.

        Call it at no other time: each new `TrainingArguments` resets the state that a running `Trainer` uses.
        """
        changed = self.with_logging(settings)
        changed = {name: value for name, value in changed.items() if name not in OWN}
        return dataclasses.replace(self._args, **changed)


def steps(settings: dict) -> int:
    """Return the number of optimizer steps that a training with `settings` takes."""
    return planned_steps(
        settings["train_size"], settings["per_device_train_batch_size"], settings["num_train_epochs"]
    )


def seconds_text(seconds: float) -> str:
    """Write a duration: "42 s", and from 90 seconds on in minutes, "2 min"."""
    if seconds < 90:
        return _("{seconds:.0f} s").format(seconds=seconds)
    return _("{minutes:.0f} min").format(minutes=seconds / 60)
