"""Memory or disk space ran out: recognise the error, and tell the learner what to do."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path
from traceback import walk_tb

from helpers.explain.chain import causes, file_name
from helpers.language import _


def out_of_memory(error: BaseException) -> bool:
    """Return whether `error` says that no memory is left, on any device.

    For a CPU and for Apple's GPUs, PyTorch raises a RuntimeError, and only its words name the cause.
    """
    import torch

    words = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )


def cannot_write(error: BaseException) -> bool:
    """Return whether `error` says that a file cannot be written.

    The disk may be full, the file system may be read-only, or the user may lack the right to write.
    """
    # Python's own errors carry a number.
    causes = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
    if isinstance(error, OSError) and error.errno in causes:
        return True

    # torch.save and safetensors raise errors of their own, and only their words name the cause.
    words = (
        "no space left",
        "file too large",
        "read-only file system",
        "permission denied",
        "inline_container",
        "file write failed",
    )
    return any(word in str(error).lower() for word in words)


def explain_resources(error: BaseException) -> str | None:
    """Tell the learner what to do when memory or disk space ran out; return None for other errors."""
    # No memory
    if out_of_memory(error):
        return _(
            "There is not enough memory for batches of this size. Train on half a batch at a time and add up "
            "the gradients of the two halves: the result is the same. With Trainer, put "
            "`args = smaller_batches(args)` (from helpers.train) before `Trainer(…)` and train again. In a "
            "loop, call `(loss / 2).backward()` for each half, then `optimizer.step()` once. Other notebooks "
            "may hold memory, too: Kernel → Shut Down Kernel."
        )

    # No disk space
    if cannot_write(error):
        return _(
            "A file could not be written ({reason}). The model keeps what it has "
            "learned so far, and an earlier checkpoint stays as it is. Make room on the disk, or choose a "
            "folder that you may write to, and train again."
        ).format(reason=str(error).splitlines()[0][:200])
    return None


def no_place_to_write(error: BaseException) -> str | None:
    """Say which folder cannot take a file, and how to choose another one; return None for other errors."""
    # The reason
    for cause in causes(error):
        folder = _folder(cause)
        if reason := _reason(cause, folder):
            break
    else:
        return None

    # The way out
    if _holds_caches(folder):
        return _(
            "{reason}\nOr let the libraries keep their files elsewhere: put `%env HF_HOME=/another/folder` "
            "above the setup cell, restart the kernel, and run all cells."
        ).format(reason=reason)
    return _(
        "{reason}\nOr take another folder. For the course's files, put `%env FINETUNE_RUNS=/another/folder` "
        "above the setup cell; then run that line, the setup cell and this cell."
    ).format(reason=reason)


def _reason(cause: BaseException, folder: Path | None) -> str | None:
    """Say in two sentences why no file could be written; return None if `cause` is another error."""
    where = _("in {folder}").format(folder=folder) if folder else _("on its disk")
    text = str(cause).lower()
    by_a_library = type(cause).__name__ == "SafetensorError" or "inline_container" in text

    # The system's own errors have a number. Those of safetensors and torch.save have only words.
    def is_about(number: int, *words: str) -> bool:
        has_number = isinstance(cause, OSError) and cause.errno == number
        return has_number or (by_a_library and any(word in text for word in words))

    # No room. torch.save says "unexpected pos" if its file was cut off.
    if is_about(errno.ENOSPC, "no space left", "unexpected pos"):
        if folder is None:
            return _("There is no room for this file on its disk. Make room there, and run this cell again.")
        left = shutil.disk_usage(folder).free / 1e6  # MB
        return _(
            "There is no room for this file in {folder}: its disk has {left:,.1f} MB left. "
            "Make room there, and run this cell again."
        ).format(folder=folder, left=left)
    if is_about(errno.EDQUOT, "quota exceeded"):
        return _(
            "Your quota {where} is used up. Delete what you no longer need, and run this cell again."
        ).format(where=where)
    if is_about(errno.EFBIG, "file too large"):
        return _(
            "A file {where} cannot grow so large. The disk's format or `ulimit -f` sets a limit."
        ).format(where=where)

    # No right
    if is_about(errno.EROFS, "read-only file system"):
        return _(
            "Nothing can be written {where}, which is read-only. Change that, and run this cell again."
        ).format(where=where)
    forbidden = is_about(errno.EACCES, "permission denied") or is_about(errno.EPERM)
    if forbidden and (file := _foreign_file(cause)):
        return _(
            "The file {file} belongs to somebody else, and you may not write to it. Ask its owner for the "
            "right, and run this cell again."
        ).format(file=file)
    if forbidden and folder and _is_for_reading_only(folder, getattr(cause, "filename", folder)):
        return _(
            "You may not write in {folder}. Ask its owner for the right, and run this cell again."
        ).format(folder=folder)
    return None


def _foreign_file(cause: BaseException) -> str | None:
    """Return the file that `cause` is about if we may read it and not write to it; None otherwise.

    In a cache that several people share, a lock may belong to whoever was there first.
    """
    name = getattr(cause, "filename", None)
    if not isinstance(name, (str, Path)) or not os.path.isfile(name) or os.access(name, os.W_OK):
        return None
    return str(name) if os.access(os.path.dirname(name), os.W_OK) else None


def _is_for_reading_only(folder: Path, file: object) -> bool:
    """Return whether we may read, but not write, in the folder.

    Without a file's name, an error may come from a firewall; and a file may be one that we cannot read.
    """
    if not isinstance(file, (str, Path)) or (os.path.exists(file) and not os.access(file, os.R_OK)):
        return False
    return os.access(folder, os.R_OK | os.X_OK) and not os.access(folder, os.W_OK)


def _folder(cause: BaseException) -> Path | None:
    """Return the folder of the file that `cause` is about, or the nearest that exists; None if unknown.

    Not every error names its file. Then one of the functions that it went through holds the name. The cell
    itself holds names of other files, too.
    """
    # Collect what may be the name, the best guess first
    values = [cause.filename] if isinstance(cause, OSError) else []
    for frame, _line in reversed(list(walk_tb(cause.__traceback__))):
        if frame.f_locals is not frame.f_globals:
            values += frame.f_locals.values()

    # Take the first that is one
    for value in values:
        name = file_name(value)
        if isinstance(name, (str, Path)) and os.path.isabs(name):
            return next((folder for folder in Path(name).parents if os.path.isdir(folder)), None)
    return None


def _holds_caches(folder: Path | None) -> bool:
    """Return whether the libraries keep their downloads and prepared datasets in `folder`."""
    constants = (("huggingface_hub.constants", "HF_HOME"), ("datasets.config", "HF_DATASETS_CACHE"))
    caches = [Path(getattr(sys.modules[module], name)) for module, name in constants if module in sys.modules]
    return folder is not None and any(cache in (folder, *folder.parents) for cache in caches)
