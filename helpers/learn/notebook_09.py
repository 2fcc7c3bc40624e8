"""The exercises and questions of notebook 9: a forgotten argument, a schedule's end, the loss of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from helpers.language import N_, _
from helpers.learn.exercise import Function, Mistake, Names, Value
from helpers.learn.quiz import Option, Question

# The loss without from_logits=True


def _shares(logits: torch.Tensor) -> torch.Tensor:
    return logits / logits.sum(dim=-1, keepdim=True)


def _clipped(shares: torch.Tensor) -> torch.Tensor:
    return shares.clip(1e-7, 1 - 1e-7)


def _mean_loss(probabilities: Callable, reduce: Callable = torch.mean, sign: int = -1) -> Callable:
    """Make a loss. `probabilities(logits)` are taken for probabilities, `reduce` makes one number of many."""

    def loss(logits, labels):
        return reduce(sign * probabilities(logits)[range(len(labels)), labels].log())

    return loss


def _three_texts(loss: Callable, names: Names) -> dict:
    # The first right answer has a logit below zero, and so has the sum of the last row
    logits = torch.tensor([[-0.4, 1.0, 0.8], [0.3, 1.1, -0.2], [-1.5, 0.3, 0.2]])
    value = float(loss(logits, torch.tensor([0, 1, 0])))
    return {_("the loss of three texts"): value if math.isfinite(value) else _("not a finite number")}


FORGOTTEN = Function(
    name="forgotten_logits",
    minutes=6,
    right=_mean_loss(lambda logits: _clipped(_shares(logits))),
    outcome=_three_texts,
    because=N_(
        "A right answer whose share is below zero counts as 1e-7. Its loss is 16.1, however far below it "
        "is. So its gradient is zero, and nothing pulls it up."
    ),
    hint=N_(
        "Three lines: divide by `logits.sum(dim=-1, keepdim=True)`, call `clip`, and take the mean of −log "
        "of the numbers at `range(len(labels)), labels`."
    ),
    solution="""def loss_without_from_logits(logits, labels):
    shares = logits / logits.sum(dim=-1, keepdim=True)
    shares = shares.clip(1e-7, 1 - 1e-7)
    return -shares[range(len(labels)), labels].log().mean()""",
    mistakes=(
        Mistake(
            N_(
                "This is what `from_logits=True` computes: softmax makes probabilities of the logits. "
                "Without it, Keras divides by the sum instead."
            ),
            _mean_loss(lambda logits: logits.softmax(dim=-1)),
        ),
        Mistake(
            N_("There is no logarithm of a number below zero. Keras first moves it to 1e-7: use `clip`."),
            _mean_loss(_shares),
        ),
        Mistake(
            N_("The division is missing: Keras first divides each row by its sum."),
            _mean_loss(_clipped),
        ),
        Mistake(
            N_(
                "You divide by the sum of the whole batch. Each row has its own: `sum(dim=-1, keepdim=True)`."
            ),
            _mean_loss(lambda logits: _clipped(logits / logits.sum())),
        ),
        Mistake(
            N_("The losses are right, and you add them up. Take their mean."),
            _mean_loss(lambda logits: _clipped(_shares(logits)), reduce=torch.sum),
        ),
        Mistake(
            N_("The sign is missing: ln of a number below 1 is below 0, and the loss is −ln."),
            _mean_loss(lambda logits: _clipped(_shares(logits)), sign=1),
        ),
    ),
)


# The end of the schedule


def _epochs(names: Names) -> int:
    return names.profile.num_train_epochs


DECAY_STEPS = Value(
    name="decay_steps",
    minutes=3,
    right=lambda names: _epochs(names) * len(names.train_loader),
    because=lambda right, names: _(
        "Keras counts steps: {epochs} epochs of {batches} batches are {steps:,}."
    ).format(epochs=_epochs(names), batches=len(names.train_loader), steps=right),
    hint=N_(
        "A step is a batch. How many batches has `train_loader`, and how often does `fit` go through it?"
    ),
    solution="decay_steps = profile.num_train_epochs * len(train_loader)",
    mistakes=(
        Mistake(
            N_(
                "These are the epochs. Keras's schedules count steps: the rate would be 0 after a few "
                "batches."
            ),
            _epochs,
        ),
        Mistake(
            N_("These are the steps of one epoch. From the second on, the model would learn nothing."),
            lambda names: len(names.train_loader),
        ),
        Mistake(
            N_("You count texts. A step takes a whole batch of them."),
            lambda names: _epochs(names) * len(names.train_rows),
        ),
        Mistake(
            N_("The last batch of an epoch may be smaller, and is a step all the same."),
            lambda names: _epochs(names) * len(names.train_rows) / names.batch_size,
        ),
    ),
)


# The loss of a batch


def _sums(means, first: int = 1) -> list[float]:
    return [number * mean for number, mean in enumerate(means, first)]


def _growth(sums) -> list[float]:
    return [after - before for before, after in zip([0.0, *sums], sums)]


def _four_batches(function: Callable, names: Names) -> dict:
    return {_("the losses of four batches"): function([1.6, 1.5, 1.55, 1.4])}


BATCH_LOSSES = Function(
    name="batch_losses",
    minutes=5,
    right=lambda means: _growth(_sums(means)),
    outcome=_four_batches,
    because=N_("The mean of k losses times k is their sum, and a batch's loss is the growth of that sum."),
    hint=N_(
        "How large is the sum of the first three losses, if their mean is 1.5? And that of the first two?"
    ),
    solution="""def batch_losses(means):
    sums = [number * mean for number, mean in enumerate(means, 1)]
    return [after - before for before, after in zip([0, *sums], sums)]""",
    mistakes=(
        Mistake(
            N_("These are the means themselves. The second one already holds the loss of the first batch."),
            list,
        ),
        Mistake(
            N_(
                "A mean moves less and less: its change is not the change of a sum. First multiply each mean "
                "by the number of its batches."
            ),
            _growth,
        ),
        Mistake(
            N_("These are the sums so far. Subtract the one before from each."),
            _sums,
        ),
        Mistake(
            N_("You count the batches from 0: the first mean is that of one batch."),
            lambda means: _growth(_sums(means, first=0)),
        ),
    ),
)

EXERCISES = [FORGOTTEN, DECAY_STEPS, BATCH_LOSSES]

QUESTIONS = [
    Question(
        N_("You set `KERAS_BACKEND` to `torch`, and Keras still computes with TensorFlow. Why?"),
        (
            Option(
                N_("The value must be `pytorch`."),
                N_("It is `torch`. Others are `tensorflow` and `jax`."),
            ),
            Option(
                N_("Keras had been imported before."),
                N_("It reads the variable once. Restart the kernel, and set it first."),
                right=True,
            ),
            Option(
                N_("TensorFlow has to be uninstalled first."),
                N_("If Keras computes with PyTorch, it does not even import TensorFlow."),
            ),
        ),
    ),
    Question(
        N_("Two evaluations of the same rows give two losses. What do you look at?"),
        (
            Option(N_("The seed."), N_("An evaluation should draw no random numbers at all.")),
            Option(N_("The order of the rows."), N_("A mean does not depend on it.")),
            Option(
                N_("Whether `call` has the argument `training`."),
                N_("Without it, a wrapped model keeps its dropout on."),
                right=True,
            ),
        ),
    ),
    Question(
        N_("`Trainer` has `max_grad_norm=1.0`. What does the same in Keras's optimizer?"),
        (
            Option(N_("`clipnorm=1.0`"), N_("It shortens the gradient of each table of weights by itself.")),
            Option(
                N_("`global_clipnorm=1.0`"), N_("All weights together count as one gradient."), right=True
            ),
            Option(N_("`clipvalue=1.0`"), N_("It cuts single numbers, so the gradient may also turn.")),
        ),
    ),
]
