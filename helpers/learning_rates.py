"""Learning rates: how they change over a training, and which one to begin with."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np


def learning_rate_schedule(name: str, learning_rate: float, warmup_steps: float, steps: int, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Steps, from 0, and the learning rate of each, at most `points` of them, both of shape (points,).

    `warmup_steps` below 1 is a share of all steps, as in `TrainingArguments`.
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
    """Learning rates tried, ascending, the loss at each, both of shape (steps,), and the rate that follows from them."""

    learning_rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float

    @property
    def fell(self) -> bool:
        """Whether the loss ever fell; without that, there is nothing to suggest."""
        return bool(self.smoothed.argmin() > 0)

    def sentence(self) -> str:
        tried = f"From {self.learning_rates[0]:.0e} to {self.learning_rates[-1]:.0e} in {len(self.losses)} steps, the smoothed loss"
        if not self.fell:
            return f"{tried} never fell. Begin with a smaller rate, or allow more steps."
        lowest = int(self.smoothed.argmin())
        return (
            f"{tried} was lowest ({self.smoothed[lowest]:.2f}) at {self.learning_rates[lowest]:.1e}; "
            f"a tenth of that is {self.suggestion:.1e}."
        )


def learning_rate_range_test(
    model, dataloader: Iterable, *, smallest: float = 1e-6, largest: float = 1e-1, steps: int = 60, keep_on: Callable[[], bool] = lambda: True
) -> RangeTest:
    """Train for a few steps with a learning rate that grows from `smallest` to `largest`, and watch the loss.

    L. N. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017, arXiv:1506.01186), section 3.3. It ends early when
    the smoothed loss exceeds twice its lowest, or when `keep_on()` says no. The suggestion is a tenth of the rate with the lowest
    smoothed loss: well before the loss turns. Model, its mode and the random state are afterwards what they were; the optimizer is
    one of the test's own. `dataloader` gives dicts of tensors with "labels", and begins anew where it ends.
    """
    import torch

    if not 0 < smallest < largest or steps < 10:
        raise ValueError(f"Expected 0 < smallest < largest and at least 10 steps, got {smallest}, {largest}, {steps}.")
    before, mode, device = copy.deepcopy(model.state_dict()), model.training, torch.device(model.device)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
    rates, losses, smoothed = np.geomspace(smallest, largest, steps), [], []
    model.train()
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            for rate, batch in zip(rates, _endless(dataloader)):
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
    curve = np.nan_to_num(np.array(smoothed), nan=np.inf)
    return RangeTest(rates[: len(losses)], np.array(losses), curve, float(f"{max(smallest, rates[int(curve.argmin())] / 10):.2g}"))


def _endless(dataloader: Iterable) -> Iterator:
    while True:
        yield from dataloader
