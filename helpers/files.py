"""Write files whole or not at all, and read JSON files that may be damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file under another name, bring it to the disk, and rename it to `path`.

    The system renames a file at once or not at all. If the process is killed or the disk is full, an earlier
    file at `path` stays as it was. Raises what `write` raises.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        write(partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def read_json(file: Path):
    """Return the content of the JSON file, or None if it is missing or not JSON."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
