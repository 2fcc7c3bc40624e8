"""Checkpoints that survive a kill at any moment: written whole or not at all, found again, at most two of them.

For `Trainer`, `CheckpointCallback` completes what it saves and `last_checkpoint` finds the newest that is complete. For a loop of your own,
`save_checkpoint` and `load_checkpoint` do both.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TypeVar

from transformers import TrainerCallback

from helpers.files import write_whole
from helpers.runs import Run

T = TypeVar("T")
KEEP = 2
_COMPLETE = "complete.json"  # the last file of a Trainer's checkpoint: what else is in it, and how long
# What may differ between two trainings that are otherwise the same.
_INCIDENTAL = {
    "output_dir", "run_name", "logging_dir", "resume_from_checkpoint", "disable_tqdm", "report_to", "per_device_eval_batch_size",
    "logging_steps", "logging_strategy", "logging_first_step", "save_steps", "save_strategy", "save_total_limit",
    "dataloader_num_workers", "dataloader_pin_memory", "dataloader_persistent_workers", "dataloader_prefetch_factor",
}


def expected_bytes(model) -> int:
    """Space that a training of `model` takes for its checkpoints: weights and AdamW's two numbers for each, `KEEP` times and once while writing."""
    return (KEEP + 1) * 3 * sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())


def own_folder(folder: str | Path) -> Path:
    """`folder`, made where it is missing; or, where another notebook that still runs has taken it, `folder-2`, `folder-3`, …

    Two trainings in one folder would delete each other's checkpoints. A folder is free again when the kernel that took it has ended.
    """
    for number in count(1):
        path = Path(folder) if number == 1 else Path(f"{folder}-{number}")
        path.mkdir(parents=True, exist_ok=True)
        if _claim(path / "in_use.json"):
            return path


def _claim(file: Path) -> bool:
    import psutil

    mine = {"pid": os.getpid(), "started": _started(psutil.Process())}
    try:
        with file.open("x", encoding="utf-8") as opened:  # of two at once, one fails
            json.dump(mine, opened)
    except FileExistsError:
        holder = _read_json(file)
        if _just_written(file) if holder is None else (holder != mine and _lives(holder)):
            return False
        write_whole(file, lambda path: path.write_text(json.dumps(mine), encoding="utf-8"))
    return _read_json(file) == mine


def _lives(holder: Mapping) -> bool:
    """A process id alone may have been given to another process since."""
    import psutil

    try:
        return _started(psutil.Process(holder["pid"])) == holder["started"]
    except (psutil.NoSuchProcess, KeyError, TypeError):
        return False


def _started(process) -> int:
    """In seconds since the machine started: the time of day changes when the clock is set."""
    import psutil

    booted = psutil.boot_time()  # asked first: psutil counts from the last answer
    return round(process.create_time() - booted)


def _just_written(file: Path) -> bool:
    """Within the last ten seconds: by a notebook that is about to fill it, and not by one that was killed there."""
    return 0 <= time.time() - file.stat().st_mtime < 10


def _read_json(file: Path):
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


# For Trainer


class CheckpointCallback(TrainerCallback):
    """Makes `Trainer`'s checkpoints safe to resume from, to the last bit; give it the training's `Run`.

    `Trainer` writes a checkpoint file by file; the last one, written here, says that all are there. The record so far is kept beside them.
    Three gaps are closed for an exact resume. The order of an epoch's rows is drawn from the global random state, which is unknown once the
    epoch has begun: each epoch begins with `seed` + its number. A checkpoint at an epoch's end is written after the evaluation, not before
    it. And a checkpoint's age is its step: by the clock, after that was set back, `Trainer` would delete the newest.

    When the training is complete, its checkpoints are deleted. Those of another training that was broken off make room when this one has saved.
    Where the disk has no room for one, it is left out, with a line.
    """

    def __init__(self, run: Run):
        self.run = run

    def on_train_begin(self, args, state, control, **kwargs):
        if state.global_step:
            self.run.resume(Run.load(_folder(args, state) / "run.json"))

    def on_epoch_begin(self, args, state, control, **kwargs):
        _seed_epoch(args, state)

    def on_step_end(self, args, state, control, model=None, **kwargs):
        at_the_end = float(state.epoch).is_integer()  # then on_epoch_end comes next
        control.should_save = control.should_save and not at_the_end and self._ready(args, state, model)

    def on_epoch_end(self, args, state, control, model=None, **kwargs):
        _seed_epoch(args, state)
        control.should_save = args.save_strategy != "no" and not self.run.stop_requested and self._ready(args, state, model)

    def on_evaluate(self, args, state, control, **kwargs):
        if float(state.epoch).is_integer():
            _seed_epoch(args, state)  # what is saved next is the state that the next epoch begins with

    def on_save(self, args, state, control, **kwargs):
        folder = _folder(args, state)
        self.run.save(folder / "run.json")
        sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
        write_whole(folder / _COMPLETE, lambda path: path.write_text(json.dumps(sizes), encoding="utf-8"))
        os.utime(folder, (state.global_step, state.global_step))
        for path in _ours(args.output_dir):
            if _step(path) > state.global_step:
                shutil.rmtree(path, ignore_errors=True)

    def on_train_end(self, args, state, control, **kwargs):
        if state.global_step >= state.max_steps:
            delete_checkpoints(args.output_dir)

    def _ready(self, args, state, model) -> bool:
        """Whether there is room. What an earlier training left under the same name no longer counts as complete: it is about to be overwritten."""
        needed, free = expected_bytes(model) // (KEEP + 1), shutil.disk_usage(args.output_dir).free
        if free < needed:
            print(f"No room for a checkpoint: it takes {_megabytes(needed)}, and {_megabytes(free)} are free. The training goes on without.")
            return False
        _delete(_folder(args, state) / _COMPLETE)
        return True


def last_checkpoint(folder: str | Path, settings: Mapping) -> str | None:
    """The newest complete checkpoint that `Trainer` left in `folder` in a training with these `settings`; None to begin at the beginning.

    `settings` are the `Run`'s. What a kill left half written is deleted. A checkpoint of other settings is left out, with a line, and one that was
    saved without `CheckpointCallback`, too.
    """
    found = sorted(Path(folder).glob("checkpoint-*"), key=_step, reverse=True)
    complete = [path for path in found if _is_complete(path)]
    for path in set(found) - set(complete):
        if (path / "trainer_state.json").is_file():  # the last that Trainer itself writes
            print(f"{path.name} is left out: it was not saved, or not to its end, with CheckpointCallback.")
            os.utime(path, (0, 0))  # the first that Trainer deletes when there are too many
        else:
            shutil.rmtree(path, ignore_errors=True)
    return _of_this_training(((path, Run.load(path / "run.json").settings, str(path)) for path in complete), settings)


def delete_checkpoints(folder: str | Path) -> None:
    """Of `Trainer` with `CheckpointCallback`, or of a loop's own, in `folder`."""
    for path in _ours(folder):
        shutil.rmtree(path, ignore_errors=True)
    for path in Path(folder).glob("checkpoint-*.pt"):
        _delete(path)


def _ours(folder: str | Path) -> list[Path]:
    """`Trainer`'s checkpoints that `CheckpointCallback` has completed."""
    return [path for path in Path(folder).glob("checkpoint-*") if (path / _COMPLETE).is_file()]


def _folder(args, state) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"


def _seed_epoch(args, state) -> None:
    from transformers import set_seed

    set_seed(args.seed + int(state.epoch))


def _is_complete(folder: Path) -> bool:
    sizes = _read_json(folder / _COMPLETE)
    try:
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, AttributeError):  # a file is missing, or the list of them
        return False


def _of_this_training(found: Iterable[tuple[Path, Mapping, T]], settings: Mapping) -> T | None:
    """The third of the first (checkpoint, its training's settings, what to give back) with these settings. A line says so, or why there is none."""
    differs = ""
    for path, earlier, wanted in found:
        other = _difference(earlier, settings)
        if not other:
            print(f"Going on from step {_step(path):,} of a training that was broken off. "
                  f"To begin at the beginning, delete the folder {path.parent}.")
            return wanted
        differs = differs or f"{path.name} is of a training with {other}; this one begins at the beginning.\n"
    print(differs, end="")
    return None


def _difference(earlier: Mapping, now: Mapping) -> str:
    """The settings that differ, as "learning_rate 5e-05 (now 0.0001)"; empty where none does."""
    earlier, now = (json.loads(json.dumps(dict(settings), default=str)) for settings in (earlier, now))  # as they are saved
    names = sorted((earlier.keys() | now.keys()) - _INCIDENTAL)
    return ", ".join(f"{name} {earlier.get(name)} (now {now.get(name)})" for name in names if earlier.get(name) != now.get(name))


# For a loop of your own


def save_checkpoint(folder: str | Path, step: int, state: Mapping) -> Path | None:
    """Write `state` (tensors, numbers, texts, dicts and lists of these) as the checkpoint of `step`; it and the one before are kept.

    It is whole or not there at all: a kill, or a full disk, while it is written leaves those before it as they were. Without room on the disk,
    one line says so, nothing is written and None comes back: a training is worth more than its checkpoint.
    """
    import torch

    folder = Path(folder)
    path = folder / f"checkpoint-{step}.pt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda partial: torch.save(dict(state), partial))
    except (OSError, RuntimeError) as error:  # of a full disk, torch.save says RuntimeError
        print(f"Step {step:,} could not be saved ({_first_line(error)}). The training goes on; the checkpoint before it stays.")
        return None
    found = sorted(folder.glob("checkpoint-*.pt"), key=_step)
    kept = [other for other in found if _step(other) <= step][-KEEP:]
    for other in set(found) - set(kept):  # old ones, and those of a training that got further
        _delete(other)
    return path


def load_checkpoint(folder: str | Path, settings: Mapping | None = None, *, map_location: str = "cpu") -> dict | None:
    """The state of the newest checkpoint in `folder` that can be read; None where there is none. What a kill left behind is deleted.

    With `settings`, only one whose "run", a `Run` as a dict, was made with the same; otherwise a line says what differs.
    """
    for partial in Path(folder).glob("checkpoint-*.partial"):
        _delete(partial)
    states = _readable(folder, map_location)
    if settings is None:
        return next((state for _, state in states), None)
    return _of_this_training(((path, state["run"]["settings"], state) for path, state in states), settings)


def _readable(folder: str | Path, map_location: str) -> Iterator[tuple[Path, dict]]:
    """The checkpoints of a loop and what is in them, the newest first; a line for each that is damaged."""
    import torch

    for path in sorted(Path(folder).glob("checkpoint-*.pt"), key=_step, reverse=True):
        try:
            state = torch.load(path, map_location=map_location, weights_only=True)
        except Exception as error:  # damaged files raise whatever their bytes happen to mean
            print(f"{path.name} cannot be read ({_first_line(error)}); looking for an earlier one.")
            continue
        yield path, state


def random_state() -> dict:
    """The state of PyTorch's random generators, of the CPU and of each GPU, as tensors."""
    import torch

    return {
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "mps": [torch.mps.get_rng_state()] if torch.backends.mps.is_available() else [],
    }


def set_random_state(state: Mapping) -> None:
    """Set what `random_state` gave, on the devices that are there."""
    import torch

    torch.set_rng_state(state["cpu"].cpu())
    for number, generator in enumerate(state["cuda"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(generator.cpu(), number)
    if state["mps"] and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"][0].cpu())


def _delete(file: Path) -> None:
    """A training is worth more than a file that another program holds open."""
    with suppress(OSError):
        file.unlink()


def _step(path: Path) -> int:
    found = re.search(r"checkpoint-(\d+)", path.name)
    return int(found[1]) if found else -1


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
