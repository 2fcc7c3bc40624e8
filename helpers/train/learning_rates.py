"""Show how the learning rate changes over a training, and find one to begin with."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

from helpers.language import _


def learning_rate_schedule(
    name: str, learning_rate: float, warmup_steps: float, steps: int, points: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """Return steps, counted from 0, and their learning rates, both of shape (at most `points`,).

    As in `TrainingArguments`, `warmup_steps` below 1 is a share of all steps.
    """
    import torch
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=learning_rate)
    warmup = math.ceil(warmup_steps * steps) if warmup_steps < 1 else int(warmup_steps)
    factor = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=steps).lr_lambdas[0]
    at = np.unique(np.linspace(0, steps - 1, min(points, steps)).round().astype(int))
    return at, np.array([learning_rate * factor(int(step)) for step in at])


@dataclass(frozen=True)
class RangeTest:
    """The learning rates of a test in ascending order, the losses, and the rate that follows from them.

    `learning_rates`, `losses` and `smoothed`, the smoothed losses, have the shape (steps,).
    """

    learning_rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float

    @property
    def fell(self) -> bool:
        """True if the loss ever fell. If it did not, there is nothing to suggest."""
        return bool(self.smoothed.argmin() > 0)

    def sentence(self) -> str:
        """Say what the test found."""
        lowest = int(self.smoothed.argmin())
        text = (
            _(
                "From {first:.0e} to {last:.0e} in {steps} steps, the smoothed loss was lowest ({loss:.2f}) "
                "at {rate:.1e}. A tenth of that rate is {suggestion:.1e}."
            )
            if self.fell
            else _(
                "From {first:.0e} to {last:.0e} in {steps} steps, the smoothed loss never fell. Begin with a "
                "smaller rate, or allow more steps."
            )
        )
        return text.format(
            first=self.learning_rates[0],
            last=self.learning_rates[-1],
            steps=len(self.losses),
            loss=self.smoothed[lowest],
            rate=self.learning_rates[lowest],
            suggestion=self.suggestion,
        )


def learning_rate_range_test(
    model,
    dataloader: Iterable,
    *,
    smallest: float = 1e-6,
    largest: float = 1e-1,
    steps: int = 60,
    keep_on: Callable[[], bool] = lambda: True,
) -> RangeTest:
    """Train for a few steps with a learning rate that grows from `smallest` to `largest`, and watch the loss.

    Source: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017, arXiv:1506.01186),
    section 3.3. The test ends early if the smoothed loss exceeds twice its lowest value, or if `keep_on()` is
    false. It suggests a tenth of the rate with the lowest smoothed loss, which is well before the loss turns.

    `dataloader` yields dicts of tensors with "labels"; at its end it begins again. The test uses its own
    optimizer. Afterwards the model, its mode and the random state are as before. Raises ValueError for unfit
    rates or steps.
    """
    import torch

    if not 0 < smallest < largest or steps < 10:
        text = _("Expected 0 < smallest < largest and at least 10 steps, got {smallest}, {largest}, {steps}.")
        raise ValueError(text.format(smallest=smallest, largest=largest, steps=steps))

    # Keep what must be as before
    before = copy.deepcopy(model.state_dict())
    mode = model.training
    device = torch.device(model.device)

    # Train
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
    rates = np.geomspace(smallest, largest, steps)
    losses = []
    smoothed = []
    model.train()
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            for rate, batch in zip(rates, chain.from_iterable(repeat(dataloader))):
                optimizer.param_groups[0]["lr"] = rate
                loss = model(**{name: tensor.to(device) for name, tensor in batch.items()}).loss
                losses.append(loss.item())
                smoothed.append(np.mean(losses[-8:]))
                if not math.isfinite(losses[-1]) or smoothed[-1] > 2 * min(smoothed) or not keep_on():
                    break
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
    finally:
        model.zero_grad()
        model.load_state_dict(before)
        model.train(mode)

    # Suggest a rate
    curve = np.nan_to_num(np.array(smoothed), nan=np.inf)
    suggestion = max(smallest, rates[int(curve.argmin())] / 10)
    return RangeTest(rates[: len(losses)], np.array(losses), curve, float(f"{suggestion:.2g}"))
