"""`Trainer`'s checkpoints: save them so that a training can go on exactly, find the last one, delete them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from transformers import TrainerCallback

from helpers.files import read_json, write_whole
from helpers.language import _
from helpers.train.checkpoints import (
    KEEP,
    Checkpoint,
    delete_file,
    expected_bytes,
    newest_of_this_training,
    step_of,
)
from helpers.train.recording import recording
from helpers.train.runs import Run

COMPLETE = "complete.json"  # the last file of a checkpoint: it lists the other files and their sizes in bytes


class CheckpointCallback(TrainerCallback):
    """Makes `Trainer`'s checkpoints safe to resume from: the losses are then the same to the last bit.

    Give it the training's `Run`; each checkpoint keeps a copy of it. `Trainer` writes a checkpoint file by
    file, and this callback adds a last file that says that the others are complete.

    The callback closes three gaps, so that a resumed training is exactly the same:

    - `Trainer` draws the order of an epoch's rows from the global random state, and nobody knows that state
      once the epoch has begun. Here each epoch begins with the seed `seed` + its number.
    - `Trainer` writes a checkpoint at the end of an epoch before it evaluates. Here it is written after that.
    - `Trainer` deletes the oldest checkpoint by the clock, and after the clock was set back, that is the
      newest. Here a checkpoint's age is its step.

    When the training is complete, the callback deletes its checkpoints. When this training saves its first
    checkpoint, it deletes those that an interrupted one left at later steps. If the disk has no room for a
    checkpoint, the training goes on without it, and the callback prints one line, for the first of them only.
    """

    def __init__(self, run: Run):
        self.run = run
        self._said_no_room = False

    def on_train_begin(self, args, state, control, **kwargs):
        self._said_no_room = False
        if state.global_step:
            self.run.resume(Run.load(_folder(args, state) / "run.json"))

    def on_epoch_begin(self, args, state, control, **kwargs):
        _seed_epoch(args, state)

    def on_step_end(self, args, state, control, model=None, **kwargs):
        at_the_end = float(state.epoch).is_integer()  # then on_epoch_end comes next
        control.should_save = control.should_save and not at_the_end and self._ready(args, state, model)

    def on_epoch_end(self, args, state, control, model=None, **kwargs):
        _seed_epoch(args, state)
        wanted = args.save_strategy != "no" and not self.run.stop_requested
        control.should_save = wanted and self._ready(args, state, model)

    def on_evaluate(self, args, state, control, **kwargs):
        if float(state.epoch).is_integer():
            _seed_epoch(
                args, state
            )  # the checkpoint comes next: save the state that the next epoch begins with

    def on_save(self, args, state, control, **kwargs):
        # Add the record, then the list that says that all files are there.
        folder = _folder(args, state)
        self.run.save(folder / "run.json")
        sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
        write_whole(folder / COMPLETE, lambda path: path.write_text(json.dumps(sizes), encoding="utf-8"))

        # The folder's age is its step. An earlier training may have left checkpoints of later steps.
        os.utime(folder, (state.global_step, state.global_step))
        for path in _completed(args.output_dir):
            if step_of(path) > state.global_step:
                shutil.rmtree(path, ignore_errors=True)

    def on_train_end(self, args, state, control, **kwargs):
        if state.global_step >= state.max_steps:
            delete_checkpoints(args.output_dir)

    def _ready(self, args, state, model) -> bool:
        """Return whether the disk has room for a checkpoint, and make its folder ready for new files.

        An earlier training may have left a checkpoint of the same step. `Trainer` is about to overwrite it,
        so from now on it does not count as complete.
        """
        needed = expected_bytes(model) // (KEEP + 1)
        free = shutil.disk_usage(args.output_dir).free
        if free < needed:
            if not self._said_no_room:
                text = _(
                    "No room for a checkpoint: it takes {needed:,.0f} MB, and the disk has {free:,.0f} MB "
                    "left. The training goes on without it, and saves again when there is room."
                )
                print(text.format(needed=needed / 1e6, free=free / 1e6))
            self._said_no_room = True
            return False
        delete_file(_folder(args, state) / COMPLETE)
        return True


@contextmanager
def resumable(trainer, run: Run) -> Iterator[Run]:
    """Guard `trainer.train()` in a cell, so that neither ■, a killed kernel nor a full disk loses a training.

    Within the block, `trainer.train()` goes on from the last checkpoint in `args.output_dir` that an
    interrupted training with the same settings left there. `CheckpointCallback` saves the checkpoints, and
    `recording` turns expected failures into one sentence. The settings are those in `run.settings`, to which
    the function adds the trainer's arguments, the numbers of rows and the names of the classes.
    """
    # What a checkpoint must have in common with this training
    run.settings |= trainer.args.to_dict() | {
        "train_size": len(trainer.train_dataset),
        "eval_size": len(trainer.eval_dataset),
        "label_names": list(trainer.model.config.id2label.values()),
    }

    # Here the cell trains
    callback = CheckpointCallback(run)
    trainer.add_callback(callback)
    checkpoint = last_checkpoint(trainer.args.output_dir, run.settings)
    trainer.train = partial(trainer.train, resume_from_checkpoint=checkpoint)
    try:
        with recording(run):
            yield run
    finally:
        del trainer.train  # the method of the class is there again
        trainer.remove_callback(callback)


def last_checkpoint(folder: str | Path, settings: Mapping) -> str | None:
    """Return the newest complete checkpoint in `folder` of a training with these `settings`, or None.

    `settings` are those of the `Run`. Give the result to `trainer.train(resume_from_checkpoint=…)`; with None
    the training starts from the first step. The function deletes the checkpoints that a killed process left
    half written. It leaves out those of other settings and those that were saved without
    `CheckpointCallback`, and prints a line about them.
    """
    # Sort out the incomplete checkpoints.
    found = sorted(Path(folder).glob("checkpoint-*"), key=step_of, reverse=True)
    complete = [path for path in found if _is_complete(path)]
    for path in set(found) - set(complete):
        if (path / "trainer_state.json").is_file():  # Trainer writes this file last
            text = _("{path.name} is left out: CheckpointCallback did not save all of it.")
            print(text.format(path=path))
            os.utime(path, (0, 0))  # Trainer deletes it first when there are too many
        else:
            shutil.rmtree(path, ignore_errors=True)

    # Choose among the complete ones.
    checkpoints = (Checkpoint(path, Run.load(path / "run.json").settings) for path in complete)
    chosen = newest_of_this_training(checkpoints, settings)
    return str(chosen.path) if chosen else None


def delete_checkpoints(folder: str | Path) -> None:
    """Delete the checkpoints in `folder`: those of `Trainer` with `CheckpointCallback`, and a loop's own."""
    for path in _completed(folder):
        shutil.rmtree(path, ignore_errors=True)
    for path in Path(folder).glob("checkpoint-*.pt"):
        delete_file(path)


def _folder(args, state) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"


def _completed(folder: str | Path) -> list[Path]:
    """Return the checkpoints that `CheckpointCallback` has completed."""
    return [path for path in Path(folder).glob("checkpoint-*") if (path / COMPLETE).is_file()]


def _is_complete(folder: Path) -> bool:
    """Return whether every file that the list names is there in its full size."""
    sizes = read_json(folder / COMPLETE)
    try:
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, AttributeError):  # a file is missing, or the list itself
        return False


def _seed_epoch(args, state) -> None:
    from transformers import set_seed

    set_seed(args.seed + int(state.epoch))
