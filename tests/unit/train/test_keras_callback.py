"""Protects a learner's record of a Keras training: what Keras logs is not what the course draws."""

import math

import numpy as np
import pytest
import torch
from tiny import ROWS

from helpers.train import Run, recording

keras = pytest.importorskip("keras")
from helpers.train.keras_callback import KerasRunCallback  # noqa: E402


class Tiny(keras.Model):
    """Learns from `x`. Calls `hook(batches)` in each training batch, and multiplies the logits by it."""

    def __init__(self, hook=lambda seen: 1.0):
        super().__init__()
        torch.manual_seed(0)
        self.wrapped = keras.layers.TorchModuleWrapper(torch.nn.Linear(4, 3))
        self.hook = hook
        self.seen = 0

    def call(self, x, training=False):
        self.seen += training
        return self.wrapped(x, training=training) * (self.hook(self.seen) if training else 1.0)


def loader(rows=22, batch_size=4):
    """Six batches, the last of which is smaller."""
    pairs = [(row["x"], row["labels"]) for row in ROWS[:rows]]
    return torch.utils.data.DataLoader(pairs, batch_size=batch_size)


def optimizer(**changes):
    rate = keras.optimizers.schedules.PolynomialDecay(0.1, 12, end_learning_rate=0.0)
    settings = {"weight_decay": 0.0, "epsilon": 1e-12, "global_clipnorm": 1.0} | changes
    return keras.optimizers.AdamW(rate, **settings)


def fit(run, hook=lambda seen: 1.0, epochs=2, **changes):
    model = Tiny(hook)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(**changes), loss=loss, metrics=["accuracy"])
    model.fit(
        loader(),
        validation_data=loader(8),
        epochs=epochs,
        callbacks=[KerasRunCallback(run)],
        verbose=0,
        shuffle=False,
    )
    return model


def loop_losses():
    """Train the same model with PyTorch's AdamW."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(4, 3)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, weight_decay=0.0, eps=1e-12)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 12)
    losses = []
    for _ in range(2):
        for x, labels in loader():
            loss = torch.nn.functional.cross_entropy(layer(x), labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    return losses


def test_keras_s_losses_are_the_loop_s_losses():
    """Keras logs the mean of an epoch so far, weighted by rows: its second number is no batch's loss.

    With an epsilon that is next to nothing, all that is left between Keras and PyTorch is rounding: the last
    digit of a loss near 1 is 1e-7, and Keras's sum over an epoch's 22 rows loses one digit more.
    """
    run = Run("Keras")
    with recording(run):
        fit(run)
    losses = loop_losses()
    assert run.series("loss")[1] == pytest.approx(losses, abs=5e-6)
    means = [np.average(losses[:k], weights=[4] * k) for k in range(1, 6)]
    assert max(abs(mean - loss) for mean, loss in zip(means, losses)) > 1e-2, "the means are others"


@pytest.mark.parametrize(
    "slip", [{"epsilon": 1e-3}, {"weight_decay": 0.1}, {"global_clipnorm": None, "clipnorm": 0.1}]
)
def test_the_comparison_sees_a_setting_that_differs(slip):
    run = Run("Keras")
    with recording(run):
        fit(run, **slip)
    assert max(abs(a - b) for a, b in zip(run.series("loss")[1], loop_losses())) > 1e-4


def test_the_callback_records_steps_rates_and_evaluations():
    """The rate is that of the step, and not of the next one, which the optimizer holds by then."""
    run = Run("Keras")
    with recording(run):
        fit(run)
    assert run.series("loss")[0] == list(range(1, 13)) and run.status == "finished"
    assert run.series("learning_rate")[1] == pytest.approx([0.1 * (1 - step / 12) for step in range(12)])
    assert [point["epoch"] for point in run.history][5::6] == [1, 2]
    assert [point["step"] for point in run.evaluations] == [6, 12]
    assert 0 <= run.evaluations[-1]["accuracy"] <= 1 < run.evaluations[0]["epoch"] + 1


def test_stop_ends_after_the_step():
    run = Run("Keras")

    def press(seen):
        if seen == 3:
            run.request_stop()
        return 1.0

    with recording(run):
        fit(run, press)
    assert run.series("loss")[0] == [1, 2, 3] and run.status == "stopped"


def test_interrupting_keeps_the_history_and_raises_nothing(capsys):
    """The ■ button raises KeyboardInterrupt in the cell, and `fit` lets it through."""

    def press(seen):
        if seen == 4:
            raise KeyboardInterrupt
        return 1.0

    run = Run("Keras")
    with recording(run):
        fit(run, press)
    assert run.status == "stopped" and len(run.history) == 3
    assert "keeps what it has learned" in capsys.readouterr().out


def test_a_nan_loss_stops_the_training(capsys):
    """Keras alone trains to the end with a dead model."""
    run = Run("Keras")
    with recording(run):
        fit(run, lambda seen: math.nan if seen == 3 else 1.0)
    assert run.status == "failed" and len(run.history) == 3
    assert "Lower learning_rate" in capsys.readouterr().out
