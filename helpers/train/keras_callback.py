"""Record a Keras training in a `Run`. Only notebook 9 needs Keras, so only this file imports it."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")  # Keras reads it once, when it is imported

import keras

from helpers.train.runs import Run


class KerasRunCallback(keras.callbacks.Callback):
    """Copies the losses of `fit` into a `Run`, and ends the training if somebody asked the run to stop.

    Keras logs the mean of an epoch's losses so far. The run gets the loss of each batch. It is computed from
    Keras's sum of 32-bit numbers, so it may be off by about 1e-5. The first loss that is not finite raises
    `NonFiniteLossError`: Keras itself would train on.
    """

    def __init__(self, run: Run):
        super().__init__()
        self.run = run

    def on_train_begin(self, logs=None):
        self.run.start()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._before = 0.0, 0.0  # Keras begins its mean anew

    def on_train_batch_begin(self, batch, logs=None):
        self._learning_rate = float(self.model.optimizer.learning_rate)  # of this step, not of the next one

    def on_train_batch_end(self, batch, logs=None):
        steps = self.params.get("steps")  # None if the loader does not know its length
        epoch = self._epoch + (batch + 1) / steps if steps else None
        self.run.log(self.run.step + 1, self._batch_loss(), epoch=epoch, learning_rate=self._learning_rate)
        if self.run.stop_requested:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        measured = {
            name.removeprefix("val_"): value for name, value in logs.items() if name.startswith("val_")
        }
        if measured:
            self.run.log_evaluation(self.run.step, measured.pop("loss"), epoch=epoch + 1, **measured)

    def _batch_loss(self) -> float:
        mean = next(metric for metric in self.model.metrics if metric.name == "loss")
        total, count = float(mean.total), float(mean.count)
        total_before, count_before = self._before
        self._before = total, count
        return (total - total_before) / (count - count_before)
