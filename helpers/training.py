"""What trains writes a `Run`: the bridge from `Trainer`, and the guard around a training cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from transformers import TrainerCallback

from helpers.runs import NonFiniteLossError, Run


def planned_steps(rows: int, batch_size: int, epochs: float) -> int:
    """Optimizer steps of a training: batches per epoch, the last one perhaps smaller, times epochs."""
    if rows < 1 or batch_size < 1 or epochs <= 0:
        raise ValueError(f"Expected at least one row, a batch size of at least 1 and epochs above 0, got {rows}, {batch_size}, {epochs}.")
    return math.ceil(math.ceil(rows / batch_size) * epochs)


def logging_steps(steps: int, points: int = 75) -> int:
    """How often to log so that a curve of about `points` points comes out, however short the training.

    `TrainingArguments` logs every 500 steps by default; 1,000 reviews in batches of 8 for 3 epochs are 375 steps,
    and the loss column says "No log".
    """
    return max(1, steps // points)


class RunCallback(TrainerCallback):
    """Copies what `Trainer` logs into a `Run`, and stops the training when the run was asked to."""

    def __init__(self, run: Run):
        self.run = run

    def on_train_begin(self, args, state, control, **kwargs):
        self.run.start()

    def on_step_end(self, args, state, control, **kwargs):
        self.run.advance(state.global_step)
        if self.run.stop_requested:
            control.should_training_stop = True

    def on_epoch_end(self, args, state, control, **kwargs):
        if self.run.stop_requested:
            control.should_evaluate = False  # an evaluation can take longer than what was just stopped

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            # By default Trainer replaces a NaN loss by the mean of the earlier ones; the gradient norm still tells. Not in
            # fp16: there it overflows now and then, and the step is left out.
            grad_norm = logs.get("grad_norm")
            loss = logs["loss"] if args.fp16 or grad_norm is None or math.isfinite(grad_norm) else math.nan
            self.run.log(state.global_step, loss, epoch=state.epoch, learning_rate=logs.get("learning_rate"), grad_norm=grad_norm)

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        if self.run.status == "running":  # trainer.evaluate() after the training is not part of it
            measured = {key.removeprefix("eval_"): value for key, value in metrics.items()}
            keep = {key: value for key, value in measured.items() if not key.endswith(("runtime", "per_second")) and key != "epoch"}
            self.run.log_evaluation(state.global_step, keep.pop("loss"), epoch=state.epoch, **keep)


@contextmanager
def recording(run: Run, say: Callable[[str], None] = print) -> Iterator[Run]:
    """Guard a training: it ends with the run's status set and, when interrupted, without an error.

    The interrupt button (■) and a loss that is no longer finite stop the training; the model and everything in `run`
    stay as they are, and `say` gets one line on what happened. Any other error is noted in the run and raised.
    """
    if run.status != "running":
        run.start()
    try:
        yield run
    except KeyboardInterrupt:
        run.end("stopped", "Interrupted. The model keeps what it has learned so far; the cells below work with it.")
        say(run.message)
    except NonFiniteLossError as error:
        run.end("failed", str(error))
        say(run.message)
    except Exception as error:
        run.end("failed", f"{type(error).__name__}: {error}")
        raise
    else:
        run.end("stopped" if run.stop_requested else "finished")
