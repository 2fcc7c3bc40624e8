"""Keep the precision of an interrupted training, so that it can go on.

Each kernel decides anew how to compute, and on a CPU it measures. A checkpoint is only for a training with
the same settings, and the precision is one of them.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from helpers.language import _
from helpers.machine import Machine


def keep_precision(machine: Machine, runs: Path, key: str) -> tuple[Machine, str]:
    """Return the machine with the precision of the newest interrupted training, and a sentence about it.

    `runs` is the folder of all trainings, and `key` that of the profile. The training must have run on a
    device of the same kind. The sentence is "" if the precision stays as it is.
    """
    for path in _checkpoints(runs, key):
        # Read the settings; a damaged checkpoint is no reason to stop here
        try:
            device_is_cpu, precision = _choice(_settings(path))
        except Exception:
            continue
        if device_is_cpu != (machine.device == "cpu"):
            continue

        # Take its precision
        if precision == machine.precision:
            return machine, ""
        sentence = _(
            "{precision}, because a training that was interrupted began so, and can go on. "
            "To train in {machine.precision}, delete {folder} and run this cell again."
        ).format(precision=precision, machine=machine, folder=path.parent)
        kept = dataclasses.replace(machine, bf16=precision == "bf16", fp16=precision == "fp16")
        return kept, sentence
    return machine, ""


def _checkpoints(runs: Path, key: str) -> Iterator[Path]:
    """Yield the checkpoints of the profile `key`, of all notebooks, the newest first.

    A second notebook trains in a folder named `key`-2: see `own_folder`.
    """
    folders = [path for path in runs.glob("*/*") if re.fullmatch(rf"{re.escape(key)}(-\d+)?", path.name)]
    written = {
        # The age of Trainer's folder is its step; the age of its last file is a time
        path: (path / "complete.json" if path.suffix != ".pt" else path).stat().st_mtime
        for folder in folders
        for path in folder.glob("checkpoint-*")
        if path.suffix == ".pt" or (path / "complete.json").is_file()
    }
    yield from sorted(written, key=written.get, reverse=True)


def _settings(checkpoint: Path) -> Mapping:
    """Return the settings of the training that wrote the checkpoint; those of a loop lie in its file."""
    if checkpoint.is_dir():
        return json.loads((checkpoint / "run.json").read_text(encoding="utf-8"))["settings"]
    import torch

    # With `mmap`, the weights stay on the disk
    return torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["run"]["settings"]


def _choice(settings: Mapping) -> tuple[bool, str]:
    """Return whether a training ran on a CPU, and its precision."""
    if "precision" in settings:
        return settings["device"] == "cpu", settings["precision"]
    precision = "bf16" if settings["bf16"] else "fp16" if settings["fp16"] else "float32"
    return settings["use_cpu"], precision
