"""Protects a learner of notebook 8 from a check that is wrong about an answer."""

from types import SimpleNamespace

import pytest
import torch
from accelerate.data_loader import BatchSamplerShard
from accelerate.scheduler import AcceleratedScheduler
from exercising import Exercising
from torch.utils.data import BatchSampler, SequentialSampler

from helpers.learn.exercise import Names
from helpers.learn.notebook_08 import OWN_ACCURACY, PREDICTION, SPLIT


def notebook(rows=160, batch_size=4, eval_rows=48, train_rows=1_000, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return {
        "rows": rows,
        "batch_size": batch_size,
        "eval_rows": eval_rows,
        "train_rows": range(train_rows),
        "eval_batch_size": 8,
        "answered_right": torch.rand(96, generator=generator) < 0.6,
        "torch": torch,
        "math": __import__("math"),
    }


class TestNotebook8(Exercising):
    number = 8
    ways = {  # noqa: RUF012
        "no_bar": [
            lambda accelerator: accelerator.local_process_index != 0,
            lambda accelerator: bool(accelerator.process_index % 2),
            lambda accelerator: False if accelerator.is_local_main_process else True,  # noqa: SIM211
        ]
    }

    def names(self):
        return notebook()

    def others(self):
        return notebook(rows=240, batch_size=6, eval_rows=64, train_rows=500, seed=2)


def shards(rows, batch_size, split_batches=False):
    """Return the batches that each of two processes gets from Accelerate."""
    batches = BatchSampler(SequentialSampler(range(rows)), batch_size, drop_last=False)
    return [list(BatchSamplerShard(batches, 2, process, split_batches)) for process in (0, 1)]


@pytest.fixture
def two_processes(monkeypatch):
    """Let Accelerate's schedule believe that it belongs to two processes."""
    state = SimpleNamespace(num_processes=2)
    gradients = SimpleNamespace(sync_gradients=True, adjust_scheduler=True)
    monkeypatch.setattr("accelerate.scheduler.AcceleratorState", lambda: state)
    monkeypatch.setattr("accelerate.scheduler.GradientState", lambda: gradients)


def test_the_right_prediction_is_what_accelerate_does(two_processes):
    """Another version may deal out the rows or step the schedule in another way."""
    steps, rate, first, _ = PREDICTION.right(Names(notebook()))
    one, two = shards(160, 4)
    assert len(one) == len(two) == steps and two[0][0] == first

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 40)
    schedule = AcceleratedScheduler(falling, SimpleNamespace(step_was_skipped=False))
    for _ in range(5):
        optimizer.step()
        schedule.step()
    assert falling.get_last_lr()[0] == pytest.approx(rate)


def test_the_right_accuracy_and_the_divided_batch_are_those_of_accelerate():
    """The check would send a learner away from what the libraries compute."""
    names = notebook()
    own = [row for batch in shards(96, 8)[0] for row in batch]
    assert OWN_ACCURACY.right(Names(names)) == pytest.approx(
        names["answered_right"][own].float().mean().item()
    )
    one, two = shards(1_000, 8, split_batches=True)
    assert SPLIT.right(Names(names)) == [len(two[0]), len(one)]
