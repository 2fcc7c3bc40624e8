"""Protects a learner from a wrong schedule, and a model from being changed by a range test."""

import numpy as np
import pytest
import torch
from transformers import TrainingArguments, get_scheduler

from helpers.train.learning_rates import learning_rate_range_test, learning_rate_schedule


@pytest.mark.parametrize(
    "name", ["linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt"]
)
def test_the_schedule_is_the_one_that_training_uses(name):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=3e-4)
    warmup = TrainingArguments(output_dir="x", warmup_steps=0.1).get_warmup_steps(375)
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=375)
    used = []
    for _ in range(375):
        used.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    steps, rates = learning_rate_schedule(name, 3e-4, 0.1, 375, points=1_000)
    assert steps.tolist() == list(range(375)) and np.allclose(rates, used)


def test_long_trainings_are_drawn_with_few_points():
    steps, rates = learning_rate_schedule("linear", 1e-3, 0.0, 100_000)
    assert len(steps) == len(rates) == 200 and steps[-1] == 99_999


class Quadratic(torch.nn.Module):
    """loss = mean(w²), which AdamW lowers steadily until its steps become larger than w itself."""

    device = "cpu"

    def __init__(self, start=1.0):
        super().__init__()
        self.w = torch.nn.Parameter(torch.full((4,), start))

    def forward(self, x, labels):
        return type("Output", (), {"loss": (self.w * x).pow(2).mean()})


BATCHES = [{"x": torch.ones(4), "labels": torch.zeros(4)}] * 3


def test_it_suggests_a_rate_below_the_one_where_the_loss_turns():
    test = learning_rate_range_test(Quadratic(), BATCHES, smallest=1e-5, largest=10.0)
    lowest = test.learning_rates[test.smoothed.argmin()]
    assert (
        1e-3 < test.suggestion < lowest
        and test.suggestion == pytest.approx(lowest / 10, rel=0.06)
        and test.fell
    )
    assert len(test.losses) < 60, "it ended when the loss had doubled"
    assert f"{test.suggestion:.1e}" in test.sentence()


def test_it_leaves_everything_as_it_was():
    model = Quadratic().eval()
    before = model.w.detach().clone()
    random_state = torch.get_rng_state()
    learning_rate_range_test(model, BATCHES)
    assert torch.equal(model.w, before) and not model.training and model.w.grad is None
    assert torch.equal(torch.get_rng_state(), random_state)


def test_it_can_be_stopped_and_still_restores_the_model():
    calls = []
    model = Quadratic()
    test = learning_rate_range_test(model, BATCHES, keep_on=lambda: calls.append(1) or len(calls) < 5)
    assert len(test.losses) == 5 and torch.equal(model.w, torch.ones(4))


def test_a_loss_that_overflows_ends_it():
    test = learning_rate_range_test(Quadratic(start=1e19), BATCHES)
    assert len(test.losses) >= 1 and np.isfinite(test.suggestion)


def test_wrong_ranges_are_refused():
    with pytest.raises(ValueError, match="Expected 0 < smallest < largest"):
        learning_rate_range_test(Quadratic(), BATCHES, smallest=1.0, largest=0.1)
