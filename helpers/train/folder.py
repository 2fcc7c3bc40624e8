"""One folder for one training: a notebook takes it, and holds it until its kernel ends."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from helpers.files import read_json, write_whole


def own_folder(folder: str | Path) -> Path:
    """Return a folder that no other running notebook uses: `folder`, or else `folder-2`, `folder-3`, …

    The function makes the folder if it is missing. Two trainings in one folder would delete each other's
    checkpoints. A folder is free again when the kernel that took it has ended.
    """
    for number in count(1):
        path = Path(folder) if number == 1 else Path(f"{folder}-{number}")
        path.mkdir(parents=True, exist_ok=True)
        if _claim(path / "in_use.json"):
            return path


def _claim(file: Path) -> bool:
    """Write this process's name into `file`, and return whether the folder is now ours."""
    import psutil

    mine = {"pid": os.getpid(), "started": _started(psutil.Process())}
    try:
        with file.open("x", encoding="utf-8") as opened:  # if two processes try at once, one of them fails
            json.dump(mine, opened)
    except FileExistsError:
        # The file names another process, this one, or nobody. A notebook may have created an empty file a
        # moment ago and is about to fill it; an older empty file comes from a notebook that was killed there.
        holder = read_json(file)
        if holder is None:
            taken = 0 <= time.time() - file.stat().st_mtime < 10
        else:
            taken = holder != mine and _still_runs(holder)
        if taken:
            return False
        write_whole(file, lambda path: path.write_text(json.dumps(mine), encoding="utf-8"))
    return read_json(file) == mine


def _still_runs(holder: Mapping) -> bool:
    """Return whether the process that took the folder still runs.

    Its number is not enough: the system may have given the number to a new process.
    """
    import psutil

    try:
        return _started(psutil.Process(holder["pid"])) == holder["started"]
    except (psutil.NoSuchProcess, KeyError, TypeError):
        return False


def _started(process) -> int:
    """Return when the process started, in seconds since the machine was booted.

    The time of day would not do: it changes when somebody sets the clock.
    """
    import psutil

    booted = psutil.boot_time()  # before create_time(), which uses the last answer of boot_time()
    return round(process.create_time() - booted)
