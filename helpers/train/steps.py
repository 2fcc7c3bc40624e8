"""Count the steps of a training, choose how often to log, and halve a batch."""

from __future__ import annotations

import dataclasses
import math

from helpers.language import _

EVALUATION_COST = 1 / 3  # the time to evaluate a review, in units of the time to train on it


def planned_steps(rows: int, batch_size: int, epochs: float) -> int:
    """Return the number of optimizer steps: batches per epoch times epochs. The last batch may be smaller.

    Raises ValueError for a number that is too small.
    """
    if rows < 1 or batch_size < 1 or epochs <= 0:
        raise ValueError(
            _(
                "Expected at least one row, a batch size of at least 1 and epochs above 0, "
                "got {rows}, {batch_size}, {epochs}."
            ).format(rows=rows, batch_size=batch_size, epochs=epochs)
        )
    return math.ceil(math.ceil(rows / batch_size) * epochs)


def logging_steps(steps: int, points: int = 75) -> int:
    """Return how often to log, so that even a short training gives a curve of about `points` points.

    `TrainingArguments` logs every 500 steps by default. 1,000 reviews in batches of 8 for 3 epochs make only
    375 steps, and then the loss column says "No log".
    """
    return max(1, steps // points)


def smaller_batches(args):
    """Return `TrainingArguments` for the same training in less memory.

    A batch has half the reviews, and an update adds up the gradients of twice as many batches, so each update
    still sees as many reviews. `Trainer` takes the mean of these gradients only if
    `model.accepts_loss_kwargs` is False; otherwise a classifier's loss and gradients double. Raises
    ValueError for a batch that has no half.
    """
    size = args.per_device_train_batch_size
    if size < 2:
        raise ValueError(
            _(
                "A batch of one text cannot be halved. Lower max_length in the profile, or take a smaller "
                "model."
            )
        )
    if size % 2:
        text = _("A batch of {n} texts cannot be halved; set per_device_train_batch_size to an even number.")
        raise ValueError(text.format(n=size))
    return dataclasses.replace(
        args,
        per_device_train_batch_size=size // 2,
        gradient_accumulation_steps=2 * args.gradient_accumulation_steps,
    )
