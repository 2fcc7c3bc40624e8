"""What trains writes a `Run`: the bridge from `Trainer`, and the guard around a training cell."""

from __future__ import annotations

import dataclasses
import errno
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


def smaller_batches(args):
    """`TrainingArguments` for the same recipe in less memory: half the reviews at once, the gradients of twice as many batches added up.

    Each update still sees as many reviews. `Trainer` takes the mean of the added gradients only where `model.accepts_loss_kwargs` is False;
    without, a classifier's loss and gradients double. Raises ValueError for a batch that has no half.
    """
    size = args.per_device_train_batch_size
    if size < 2:
        raise ValueError("A batch of one review cannot be halved. Lower max_length in the profile, or take a smaller model.")
    if size % 2:
        raise ValueError(f"A batch of {size} reviews cannot be halved; set per_device_train_batch_size to an even number.")
    return dataclasses.replace(args, per_device_train_batch_size=size // 2, gradient_accumulation_steps=2 * args.gradient_accumulation_steps)


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that there is no memory left, on any device; PyTorch says it in words only on a CPU and on Apple's GPUs."""
    import torch

    words = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )


def cannot_write(error: BaseException) -> bool:
    """Whether `error` says that a file cannot be written: no space, no right to, or a file system for reading only."""
    causes = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
    # torch.save and safetensors raise errors of their own, which name the cause in words.
    words = ("no space left", "file too large", "read-only file system", "permission denied", "inline_container", "file write failed")
    return (isinstance(error, OSError) and error.errno in causes) or any(word in str(error).lower() for word in words)


def _explanation(error: BaseException) -> str | None:
    """What a learner should know of an error that is not the code's fault; None for any other."""
    if out_of_memory(error):
        return ("The memory does not suffice for batches of this size. The same recipe in smaller pieces, half a batch at a time and two gradients "
                "added up: with Trainer, write `args = smaller_batches(args)` (from helpers.training) above and train again; in a loop, "
                "`step(…, pieces=2)` of notebook 3 does it. Other notebooks may hold memory, too: Kernel → Shut Down Kernel.")
    if cannot_write(error):
        return (f"A file could not be written ({str(error).splitlines()[0][:200]}). The model keeps what it has learned so far, and so does the "
                "checkpoint before this one, if there is one: make room, or choose a folder that you may write to, and train again.")
    return None


@contextmanager
def recording(run: Run, say: Callable[[str], None] = print) -> Iterator[Run]:
    """Guard a training: it ends with the run's status set and, when interrupted, without an error.

    The interrupt button (■) and a loss that is no longer finite stop the training; the model and everything in `run`
    stay as they are, and `say` gets one line on what happened. So it is where memory runs out, or a file cannot be written. Any other error
    is noted in the run and raised.
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
        explanation = _explanation(error)
        run.end("failed", explanation or f"{type(error).__name__}: {error}")
        if explanation is None:
            raise
        say(explanation)
    else:
        run.end("stopped" if run.stop_requested else "finished")
