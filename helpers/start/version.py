"""Notice that the course has a newer version than a notebook that was copied alone."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path

from helpers.language import _

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 5  # how long the repository may take to name its tags


def newer_version(root: Path = _ROOT) -> str:
    """Say that there is a newer version; "" if there is none, or if nobody can tell.

    A copied notebook clones the tag of its own version, and then HEAD holds a commit instead of a branch. In
    every other clone the learner decides what to pull, so we do not ask.
    """
    # The version that was cloned
    head = root / ".git" / "HEAD"
    if not head.is_file() or head.read_text(encoding="utf-8").startswith("ref:"):
        return ""
    here = _git(root, "describe", "--tags", "--exact-match").strip()

    # The versions that the repository has
    tags = re.findall(
        r"refs/tags/(\d+(?:\.\d+)+)$", _git(root, "ls-remote", "--tags", "origin"), re.MULTILINE
    )
    newest = max(tags, key=_numbers, default="")
    if not re.fullmatch(r"\d+(\.\d+)+", here) or not newest or _numbers(newest) <= _numbers(here):
        return ""
    address = _git(root, "remote", "get-url", "origin").strip()
    return _("this notebook belongs to version {here}. There is a newer one, {newest}: {address}").format(
        here=here, newest=newest, address=address
    )


def _git(root: Path, *arguments: str) -> str:
    """Return what git prints; "" if it fails, waits for a password, or takes too long."""
    quiet = os.environ | {"GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never"}
    command = ["git", "-C", str(root), *arguments]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            command, env=quiet, capture_output=True, text=True, timeout=_SECONDS, check=True
        )
        return done.stdout
    return ""


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]
