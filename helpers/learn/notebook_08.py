"""The exercises and questions of notebook 8: what a second process changes, and who prints and counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace

import torch

from helpers.language import N_, _
from helpers.learn.exercise import Function, Mistake, Names, Value
from helpers.learn.quiz import Option, Question

_PROCESSES = 2
_STEPS_LATER = 5


# What two processes do: steps, share of the learning rate, first row of the second process, rows judged


def _steps(names: Names, processes: int = _PROCESSES) -> int:
    return math.ceil(names.rows / (names.batch_size * processes))


def _rate(names: Names, processes: int = _PROCESSES) -> float:
    return 1 - _STEPS_LATER / _steps(names, processes)


def _prediction(names: Names) -> list[float]:
    return [_steps(names), _rate(names), names.batch_size, names.eval_rows]


def _but(place: int, value: Callable) -> Callable:
    """Make the right prediction with one other number: `value(names)` at `place`."""

    def changed(names: Names) -> list[float]:
        numbers = _prediction(names)
        numbers[place] = value(names)
        return numbers

    return changed


PREDICTION = Value(
    name="prediction",
    minutes=5,
    right=_prediction,
    because=lambda right, names: _(
        "Each step takes {rows} rows, so there are {steps:,} steps, and the rate falls twice as much in "
        "each. The processes take turns, batch by batch. Together they judge each row once."
    ).format(rows=_PROCESSES * names.batch_size, steps=right[0]),
    hint=N_("How many rows does one step take, in both together? The schedule ends with the last step."),
    solution="""steps = rows // (2 * batch_size)
prediction = [steps, 1 - 5 / steps, batch_size, eval_rows]""",
    mistakes=(
        Mistake(
            N_("This is what one process does: it takes one batch in each step. Two take two."),
            lambda names: [_steps(names, 1), _rate(names, 1), names.batch_size, names.eval_rows],
        ),
        Mistake(
            N_("The first number: both processes step together, and each of their steps takes two batches."),
            _but(0, lambda names: _steps(names, 1)),
        ),
        Mistake(
            N_(
                "The second number is the rate of one process. `prepare` lets the schedule go on by one for "
                "each process, so it ends with the last of fewer steps."
            ),
            _but(1, lambda names: _rate(names, 1)),
        ),
        Mistake(
            N_("The second number: this is how much of the rate is gone. Asked for is what is left."),
            _but(1, lambda names: 1 - _rate(names)),
        ),
        Mistake(
            N_(
                "The third number: the rows are not cut into two halves. The first batch goes to the first "
                "process, the second batch to the second, and so on."
            ),
            _but(2, lambda names: names.rows // _PROCESSES),
        ),
        Mistake(
            N_("The third number: the processes take turns with whole batches, not with single rows."),
            _but(2, lambda names: 1),
        ),
        Mistake(
            N_("The third number: both processes have the same list of rows, but no row goes to both."),
            _but(2, lambda names: 0),
        ),
        Mistake(
            N_(
                "The fourth number: each process judges half of the rows. `gather_for_metrics` brings them "
                "together."
            ),
            _but(3, lambda names: names.eval_rows // _PROCESSES),
        ),
    ),
)


# The accuracy without gather_for_metrics


def _right(names: Names) -> torch.Tensor:
    return torch.as_tensor(names.answered_right).double()


def _of_batches(names: Names, first: int) -> float:
    """Return the accuracy on every second batch, beginning with the batch number `first`."""
    chosen = _right(names).split(names.eval_batch_size)[first::_PROCESSES]
    return torch.cat(chosen).mean().item()


OWN_ACCURACY = Value(
    name="own_accuracy",
    minutes=5,
    right=lambda names: _of_batches(names, 0),
    because=lambda right, names: _(
        "The first process knows its own batches only, every second one: {own:.3f}. All rows give {all:.3f}. "
        "Nothing warns you."
    ).format(own=right, all=_right(names).mean().item()),
    tolerance=5e-4,
    hint=N_("Which batches does the first process get? `answered_right.split(eval_batch_size)` lists all."),
    solution="""batches = answered_right.split(eval_batch_size)
own_accuracy = torch.cat(batches[::2]).float().mean().item()""",
    mistakes=(
        Mistake(
            N_("This is the accuracy on all rows: only `gather_for_metrics` brings them together."),
            lambda names: _right(names).mean().item(),
        ),
        Mistake(
            N_("These are the batches of the second process. It prints nothing."),
            lambda names: _of_batches(names, 1),
        ),
        Mistake(
            N_("This is the first half of the rows. The processes take turns, batch by batch."),
            lambda names: _right(names)[: len(_right(names)) // _PROCESSES].mean().item(),
        ),
        Mistake(
            N_("This is every second row. The processes take turns with whole batches."),
            lambda names: _right(names)[::_PROCESSES].mean().item(),
        ),
        Mistake(
            N_("You divide by all rows. The process that prints has seen half of them."),
            lambda names: _of_batches(names, 0) / _PROCESSES,
        ),
    ),
)


# split_batches


def _split(names: Names, rows_each: int, rows_a_step: int) -> list[int]:
    return [rows_each, math.ceil(len(names.train_rows) / rows_a_step)]


SPLIT = Value(
    name="split",
    minutes=4,
    right=lambda names: _split(names, 4, 8),
    because=lambda right, names: _(
        "`split_batches=True` divides each batch of 8: {rows} rows for each process, and {steps:,} steps as "
        "in one process. By default each process gets a whole batch."
    ).format(rows=right[0], steps=right[1]),
    hint=N_("Now `batch_size` is what all processes together take in one step."),
    solution="split = [8 // 2, math.ceil(len(train_rows) / 8)]",
    mistakes=(
        Mistake(
            N_("This is the default: a whole batch for each process, and half the steps."),
            lambda names: _split(names, 8, 16),
        ),
        Mistake(
            N_("The rows are right. Both processes together take 8 in a step, so how many steps are needed?"),
            lambda names: _split(names, 4, 16),
        ),
        Mistake(
            N_("The steps are right. But 8 are the rows of both processes together."),
            lambda names: _split(names, 8, 8),
        ),
        Mistake(
            N_("You have divided the rows of the epoch, too, by two. Only the batch is divided."),
            lambda names: _split(names, 4, 4),
        ),
    ),
)


# One progress bar for each machine


def _process(machine: int, local: int) -> SimpleNamespace:
    """Make what an Accelerator knows about process `local` of one of two machines with two each."""
    number = 2 * machine + local
    return SimpleNamespace(
        num_processes=4,
        process_index=number,
        local_process_index=local,
        is_main_process=number == 0,
        is_local_main_process=local == 0,
        is_last_process=number == 3,
    )


def _bars(function: Callable, names: Names) -> dict:
    where = _("machine {machine}, process {process}")
    return {
        where.format(machine=machine + 1, process=local + 1): _("no bar")
        if function(_process(machine, local))
        else _("a bar")
        for machine in range(2)
        for local in range(2)
    }


NO_BAR = Function(
    name="no_bar",
    minutes=3,
    right=lambda accelerator: not accelerator.is_local_main_process,
    outcome=_bars,
    because=N_("Each machine has a screen of its own, so one process of each machine draws a bar."),
    hint=N_(
        "Look at what `accelerator` knows: `is_main_process`, `is_local_main_process`. Which is True where?"
    ),
    solution="""def no_bar(accelerator):
    return not accelerator.is_local_main_process""",
    mistakes=(
        Mistake(
            N_("This is the other way round: `disable=True` switches the bar off."),
            lambda accelerator: accelerator.is_local_main_process,
        ),
        Mistake(
            N_("Here every process draws a bar: two on each screen, which write over each other."),
            lambda accelerator: False,
        ),
        Mistake(
            N_(
                "`is_main_process` is True in one process of all machines. The second screen would stay "
                "empty."
            ),
            lambda accelerator: not accelerator.is_main_process,
        ),
        Mistake(N_("Now nobody draws a bar."), lambda accelerator: True),
    ),
)

EXERCISES = [NO_BAR, OWN_ACCURACY, PREDICTION, SPLIT]

QUESTIONS = [
    Question(
        N_("How do you know that two processes train one model together?"),
        (
            Option(
                N_("Two processes run, and both cores are busy."),
                N_("So they are if each trains a model of its own."),
            ),
            Option(N_("The loss falls."), N_("It falls in two separate trainings just as well.")),
            Option(
                N_("The script prints `accelerator.num_processes`, and it is 2."),
                N_("Compare it with what you asked for, and stop if it differs."),
                right=True,
            ),
        ),
    ),
    Question(
        N_(
            "You start your script in two processes instead of one, and change nothing else. What has "
            "changed in the training?"
        ),
        (
            Option(N_("Nothing; it is only faster."), N_("Each step now takes the rows of two batches.")),
            Option(
                N_("The batch is twice as large, and there are half as many steps."),
                N_("For the training of before, halve `batch_size`, or set `split_batches=True`."),
                right=True,
            ),
            Option(
                N_("The learning rate is twice as large."),
                N_("It starts where it did. It falls in fewer steps."),
            ),
        ),
    ),
    Question(
        N_("A model of seven billion weights does not fit on a GPU of 80 GB. You have eight. What helps?"),
        (
            Option(
                N_("DDP on all eight."), N_("It keeps the whole model, with all its numbers, on each GPU.")
            ),
            Option(N_("A smaller batch."), N_("The weights and AdamW's numbers do not depend on it.")),
            Option(
                N_("FSDP or ZeRO 3."),
                N_("They divide the weights, the gradients and AdamW's numbers."),
                right=True,
            ),
        ),
    ),
    Question(
        N_("Two machines with a slow link are slower than one. What helps most?"),
        (
            Option(N_("Two more machines."), N_("The break-even speed of the link is the same for four.")),
            Option(
                N_("A larger batch in each process."),
                N_("A step computes longer, and sends as many bytes as before."),
                right=True,
            ),
            Option(N_("Shorter texts."), N_("Then a step computes less, and still sends as many bytes.")),
        ),
    ),
]
