"""Record a training in a `Run`: the callback for `Trainer`, and the guard around a training cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from transformers import TrainerCallback

from helpers.explain.resources import explain_resources
from helpers.language import _
from helpers.train.runs import NonFiniteLossError, Run


class RunCallback(TrainerCallback):
    """Copies what `Trainer` logs into a `Run`, and ends the training if somebody asked the run to stop."""

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
            control.should_evaluate = False  # an evaluation can take longer than the stopped training

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            # By default Trainer replaces a NaN loss by the mean of the earlier losses, but the gradient norm
            # still shows the NaN. In fp16 it says nothing: gradients overflow now and then, and Trainer
            # skips that step.
            grad_norm = logs.get("grad_norm")
            loss = logs["loss"] if args.fp16 or grad_norm is None or math.isfinite(grad_norm) else math.nan
            self.run.log(
                state.global_step,
                loss,
                epoch=state.epoch,
                learning_rate=logs.get("learning_rate"),
                grad_norm=grad_norm,
            )

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        if self.run.status == "running":  # a later trainer.evaluate() is not part of the training
            measured = {key.removeprefix("eval_"): value for key, value in metrics.items()}
            keep = {
                key: value
                for key, value in measured.items()
                if not key.endswith(("runtime", "per_second")) and key != "epoch"
            }
            self.run.log_evaluation(state.global_step, keep.pop("loss"), epoch=state.epoch, **keep)


@contextmanager
def recording(run: Run, say: Callable[[str], None] = print) -> Iterator[Run]:
    """Guard a training: set the status of `run` at its end, and turn expected failures into one sentence.

    Four things end a training without an error: the interrupt button (■), a loss that is no longer finite,
    too little memory, and a file that cannot be written. The model and everything in `run` stay as they are,
    and `say` receives one line on what happened. Any other error is noted in the run and raised.
    """
    if run.status != "running":
        run.start()
    try:
        yield run

    # Failures that a learner understands from one sentence
    except KeyboardInterrupt:
        run.end(
            "stopped",
            _("Interrupted. The model keeps what it has learned so far, and the cells below work with it."),
        )
        say(run.message)
    except NonFiniteLossError as error:
        run.end("failed", str(error))
        say(run.message)

    # Memory, disk, and all others
    except Exception as error:
        explanation = explain_resources(error)
        run.end("failed", explanation or f"{type(error).__name__}: {error}")
        if explanation is None:
            raise
        say(explanation)

    else:
        run.end("stopped" if run.stop_requested else "finished")
