"""Train: the record, the steps, the checkpoints, the learning rate and the speed of one training."""

from helpers.train.checkpoints import (
    KEEP,
    expected_bytes,
    load_checkpoint,
    random_state,
    save_checkpoint,
    set_random_state,
)
from helpers.train.folder import own_folder
from helpers.train.housekeeping import housekeeping
from helpers.train.ladder import Rung, reviews_per_second, rungs
from helpers.train.learning_rates import RangeTest, learning_rate_range_test, learning_rate_schedule
from helpers.train.moments import KeepMoments
from helpers.train.movement import KeepMovement, weights_moved
from helpers.train.recording import RunCallback, recording
from helpers.train.runs import NonFiniteLossError, Run, loss_difference
from helpers.train.steps import logging_steps, planned_steps, smaller_batches
from helpers.train.stop_after import StopAfter
from helpers.train.trainer_checkpoints import (
    CheckpointCallback,
    delete_checkpoints,
    last_checkpoint,
    resumable,
)

__all__ = [
    "KEEP",
    "CheckpointCallback",
    "KeepMoments",
    "KeepMovement",
    "NonFiniteLossError",
    "RangeTest",
    "Run",
    "RunCallback",
    "Rung",
    "StopAfter",
    "delete_checkpoints",
    "expected_bytes",
    "housekeeping",
    "last_checkpoint",
    "learning_rate_range_test",
    "learning_rate_schedule",
    "load_checkpoint",
    "logging_steps",
    "loss_difference",
    "own_folder",
    "planned_steps",
    "random_state",
    "recording",
    "resumable",
    "reviews_per_second",
    "rungs",
    "save_checkpoint",
    "set_random_state",
    "smaller_batches",
    "weights_moved",
]


def __getattr__(name: str):
    # Keras is installed only where notebook 9 has asked for it
    if name == "KerasRunCallback":
        from helpers.train.keras_callback import KerasRunCallback

        return KerasRunCallback
    raise AttributeError(f"module 'helpers.train' has no attribute {name!r}")
