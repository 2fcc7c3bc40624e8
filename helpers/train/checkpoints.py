"""Checkpoints of your own training loop: save one, and go on from it.

The last part finds the checkpoint that belongs to a training; `trainer_checkpoints.py` uses it, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from helpers.files import write_whole
from helpers.language import _

KEEP = 2  # checkpoints of one training
# The folders in which the last checkpoint could not be saved, so that a training says it only once
_unsaved: set[Path] = set()


def save_checkpoint(folder: str | Path, step: int, state: Mapping) -> Path | None:
    """Write `state` as the checkpoint of `step`, and keep only this checkpoint and the one before it.

    `state` may hold tensors, numbers, texts, and dicts and lists of these. The file is written whole or not
    at all: if the process is killed or the disk is full, the earlier checkpoints stay as they were. If the
    file cannot be written, the function prints one line, for the first of several such files only. It
    returns None and raises nothing: a training is worth more than its checkpoint.
    """
    import torch

    # Write the file.
    folder = Path(folder)
    path = folder / f"checkpoint-{step}.pt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda partial: torch.save(dict(state), partial))
    except (OSError, RuntimeError) as error:  # torch.save raises RuntimeError when the disk is full
        if folder not in _unsaved:
            text = _(
                "The checkpoint of step {step:,} could not be saved ({reason}). "
                "The training goes on, and the checkpoint before it stays."
            )
            print(text.format(step=step, reason=_first_line(error)))
        _unsaved.add(folder)
        return None
    _unsaved.discard(folder)

    # Delete the old checkpoints, and those of an earlier training that had reached a later step.
    found = sorted(folder.glob("checkpoint-*.pt"), key=step_of)
    kept = [other for other in found if step_of(other) <= step][-KEEP:]
    for other in set(found) - set(kept):
        delete_file(other)
    return path


def load_checkpoint(
    folder: str | Path, settings: Mapping | None = None, *, map_location: str = "cpu"
) -> dict | None:
    """Return the state of the newest checkpoint in `folder` that can be read, or None if there is none.

    If you give `settings`, the checkpoint must come from a training with the same settings: its state holds
    that training's `Run`, as a dict, under "run". A printed line says which settings differ. The function
    also deletes the files that a killed process left half written.
    """
    _unsaved.discard(Path(folder))
    for partial in Path(folder).glob("checkpoint-*.partial"):
        delete_file(partial)
    states = _readable(folder, map_location)
    if settings is None:
        return next((state for path, state in states), None)
    found = (Checkpoint(path, state["run"]["settings"], state) for path, state in states)
    chosen = newest_of_this_training(found, settings)
    return chosen.state if chosen else None


def _readable(folder: str | Path, map_location: str) -> Iterator[tuple[Path, dict]]:
    """Yield path and state of each checkpoint, the newest first. Print a line for each damaged one."""
    import torch

    for path in sorted(Path(folder).glob("checkpoint-*.pt"), key=step_of, reverse=True):
        try:
            state = torch.load(path, map_location=map_location, weights_only=True)
        except Exception as error:  # a damaged file can raise any error: it depends on its bytes
            text = _("{path.name} cannot be read ({reason}); looking for an earlier one.")
            print(text.format(path=path, reason=_first_line(error)))
            continue
        yield path, state


def random_state() -> dict:
    """Return the states of PyTorch's random generators, those of the CPU and of each GPU, as tensors."""
    import torch

    return {
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "mps": [torch.mps.get_rng_state()] if torch.backends.mps.is_available() else [],
    }


def set_random_state(state: Mapping) -> None:
    """Set the random generators of this machine to the states that `random_state` returned."""
    import torch

    torch.set_rng_state(state["cpu"].cpu())
    for number, generator in enumerate(state["cuda"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(generator.cpu(), number)
    if state["mps"] and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"][0].cpu())


# Two trainings with the same results may differ in these settings.
_INCIDENTAL = {
    "output_dir",
    "run_name",
    "logging_dir",
    "resume_from_checkpoint",
    "disable_tqdm",
    "report_to",
    "per_device_eval_batch_size",
    "logging_steps",
    "logging_strategy",
    "logging_first_step",
    "save_steps",
    "save_strategy",
    "save_total_limit",
    "dataloader_num_workers",
    "dataloader_pin_memory",
    "dataloader_persistent_workers",
    "dataloader_prefetch_factor",
}


class Checkpoint(NamedTuple):
    """A checkpoint on the disk, and the settings of the training that wrote it."""

    path: Path
    settings: Mapping
    state: dict | None = None  # what a loop saved; Trainer reads its own files


def newest_of_this_training(found: Iterable[Checkpoint], settings: Mapping) -> Checkpoint | None:
    """Return the first checkpoint in `found` whose training had the same `settings`; None if there is none.

    `found` begins with the newest. A printed line says from which step the training goes on. If all
    checkpoints have other settings, it says how those of the newest one differ.
    """
    # Look for the same settings
    reason = ""
    for checkpoint in found:
        path = checkpoint.path
        difference = _difference(checkpoint.settings, settings)
        if not difference:
            text = _(
                "Going on from step {step:,} of a training that was interrupted. "
                "To start from the first step, delete the folder {folder}."
            )
            print(text.format(step=step_of(path), folder=path.parent))
            return checkpoint
        if not reason:
            text = _("{name} comes from a training with {difference}; this one starts from the first step.")
            reason = text.format(name=path.name, difference=difference)

    # There are none
    if reason:
        print(reason)
    return None


def _difference(earlier: Mapping, now: Mapping) -> str:
    """Name the settings that differ, as "learning_rate 5e-05 (now 0.0001)"; "" if none does."""
    # JSON makes lists of tuples: compare both as they would be saved.
    earlier, now = (json.loads(json.dumps(dict(settings), default=str)) for settings in (earlier, now))
    names = sorted((earlier.keys() | now.keys()) - _INCIDENTAL)
    text = _("{name} {earlier} (now {now})")
    return ", ".join(
        text.format(name=name, earlier=earlier.get(name), now=now.get(name))
        for name in names
        if earlier.get(name) != now.get(name)
    )


def expected_bytes(model) -> int:
    """Return the bytes of disk space that the checkpoints of a training of `model` need.

    A checkpoint holds each weight and the two numbers that AdamW keeps for it. There are `KEEP` checkpoints,
    and one more while it is written.
    """
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    return (KEEP + 1) * 3 * weights


def step_of(path: Path) -> int:
    """Return the step in a checkpoint's name, or -1 if the name holds none."""
    found = re.search(r"checkpoint-(\d+)", path.name)
    return int(found[1]) if found else -1


def delete_file(file: Path) -> None:
    """Delete `file` if possible. Another program may hold it open, and that must not end a training."""
    with suppress(OSError):
        file.unlink()


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
