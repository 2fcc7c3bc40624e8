"""Look into an error: what caused it, and the local variables of the functions that it passed through."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from traceback import walk_tb


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and what caused it; the first cause comes last."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def held_values(error: BaseException) -> Iterator[object]:
    """Yield the local variables of the functions that the error went through, innermost function first."""
    for cause in causes(error):
        for frame, _ in reversed(list(walk_tb(cause.__traceback__))):
            yield from list(frame.f_locals.values())


def file_name(value: object) -> object:
    """Return the name of an open file, None if it has none, and any other value as it is."""
    if not isinstance(value, io.IOBase):
        return value
    try:
        return getattr(value, "name", None)
    except ValueError:  # a library has detached its buffer
        return None


def asked_for(error: BaseException) -> str | None:
    """Return the model or dataset, or its folder, that a library was asked for; None if we cannot see it."""
    for cause in causes(error):
        for frame, _ in walk_tb(cause.__traceback__):
            name = frame.f_locals.get("pretrained_model_name_or_path")
            if frame.f_code.co_name in ("load_dataset", "load_dataset_builder"):
                # With data_files, the path is only the name of a kind of file
                name = None if frame.f_locals.get("data_files") else frame.f_locals.get("path")
            elif frame.f_code.co_name == "check_tokenizer":
                name = frame.f_locals["tokenizer"].name_or_path
            if isinstance(name, (str, os.PathLike)):
                return str(name)
    return None


def is_local(name: str) -> bool:
    """Return whether the name is that of a folder or file, and not one of the Hub."""
    return os.path.isabs(name) or name.startswith((".", "~")) or os.path.exists(name)
