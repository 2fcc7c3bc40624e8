"""Helpers of the fine-tuning course. Importing it costs milliseconds: torch and the like load when first
used.
"""

import sys

if sys.version_info < (3, 11):
    raise ImportError(
        f"The course needs Python 3.11 or newer; this kernel is {sys.version.split()[0]} "
        f"({sys.executable}). Choose another kernel, or make one from environment.yml as docs/hosts.md says."
    )

__all__ = ["exam_folder", "runs_folder", "setup"]


def __getattr__(name: str):
    if name == "setup":
        from helpers.start.session import setup

        return setup
    if name in ("exam_folder", "runs_folder"):
        from helpers.start import places

        return getattr(places, name)
    raise AttributeError(f"module 'helpers' has no attribute {name!r}")
