"""Explain three errors: a file is damaged, a model's folder lacks files, or a checkpoint does not fit."""

from __future__ import annotations

import fnmatch
import json
import os
from pathlib import Path

from helpers.explain.chain import asked_for, causes, file_name, held_values
from helpers.language import _

_OFFLINE = Path(__file__).parents[1] / "offline"


def other_shapes(error: BaseException) -> str | None:
    """Explain that the checkpoint's weights have other shapes than the model's; None for other errors."""
    refused = (
        isinstance(cause, RuntimeError) and "ignore_mismatched_sizes" in str(cause) for cause in causes(error)
    )
    if not any(refused):
        return None

    # An example: the message of transformers names no weight, but a function that raised it holds the list
    info = next((value for value in held_values(error) if type(value).__name__ == "LoadStateDictInfo"), None)
    if info and info.mismatched_keys:
        name, there, here = min(info.mismatched_keys, key=lambda key: len(key[1]))
        event = _(
            "The checkpoint's weights have other shapes than this model's: "
            "{name} is {there} in the checkpoint and {here} in the model."
        ).format(name=name, there=list(there), here=list(here))
    else:
        event = _("The checkpoint's weights have other shapes than this model's.")

    advice = _(
        "If that is the head, the checkpoint was fine-tuned for another number of classes. To train a new "
        "head, write from_pretrained(…, ignore_mismatched_sizes=True); to keep the head, set num_labels to "
        "the checkpoint's number.\n"
        "If it is another part, load the config from the same checkpoint as the weights."
    )
    return f"{event}\n{advice}"


def incomplete_model(error: BaseException) -> str | None:
    """Explain that a local folder lacks a model's or tokenizer's files; None for other errors."""
    # transformers has no class for these errors. The folder shows whether they are true.
    folder = asked_for(error)
    words = " ".join(map(str, causes(error)))
    if folder is None or not os.path.isdir(folder):
        return None
    there = sorted(os.listdir(folder))

    def lacks(*patterns: str) -> bool:
        return not any(fnmatch.filter(there, pattern) for pattern in patterns)

    if "tokenizer" in words and lacks("tokenizer.json", "vocab.txt", "vocab.json", "*.model"):
        event = _("The folder {folder} has no tokenizer (tokenizer.json); it holds {files}.")
        advice = _("Write one into it with tokenizer.save_pretrained(folder), or name another folder.")
    elif ("model_type" in words or "config.json" in words) and lacks("config.json"):
        event = _("The folder {folder} has no config.json; it holds {files}.")
        advice = _("Write a model into it with model.save_pretrained(folder), or name another folder.")
    elif "no file named" in words and lacks("*.safetensors", "*.bin"):
        event = _("The folder {folder} has no weights (model.safetensors); it holds {files}.")
        advice = _("Write them into it with model.save_pretrained(folder), or name another folder.")
    else:
        return None
    event = event.format(folder=os.path.abspath(folder), files=", ".join(there) or _("nothing"))
    return f"{event}\n{advice}"


def damaged_file(error: BaseException) -> str | None:
    """Name the damaged file that `error` comes from, and say what to do; None for other errors.

    The libraries' errors do not name the file. But one of the functions that the error went through holds
    its name.
    """
    for value in held_values(error):
        name = file_name(value)
        if isinstance(name, (str, Path)) and os.path.isfile(name) and _is_damaged(name):
            return _advice(Path(name))
    return None


def _is_damaged(name: str | Path) -> bool:
    """Return whether the library for this kind of file fails to read it; False for a kind we do not know."""
    try:
        _read(str(name))
    # Each format has an error of its own. An error with a number is the system's: no permission, no memory.
    except Exception as error:
        return getattr(error, "errno", None) is None
    return False


def _read(name: str) -> None:
    """Read the file with the library for its kind, which raises an error if the file is damaged."""
    if name.endswith(".arrow"):
        import pyarrow

        pyarrow.ipc.open_stream(pyarrow.memory_map(name)).read_all()
    elif name.endswith(".parquet"):
        from pyarrow.parquet import ParquetFile

        ParquetFile(name)
    elif name.endswith(".safetensors"):
        from safetensors import safe_open

        with safe_open(name, "np"):
            pass
    elif name.endswith(("config.json", "tokenizer.json", "dataset_info.json")):
        json.loads(Path(name).read_text(encoding="utf-8"))


def _advice(file: Path) -> str:
    event = _("The file {file} is damaged, perhaps because a download or a save was cut off.")
    event = event.format(file=file)
    if _OFFLINE in file.parents:
        advice = _(
            "It belongs to the course. "
            "Bring it back with git, in the course's folder: git checkout -- helpers/offline"
        )
        return f"{event}\n{advice}"
    place = _to_delete(file)
    if place == file:
        delete = _("Delete it.")
    else:
        delete = _("Delete the folder {folder}.").format(folder=place)
    advice = _(
        "Then run all cells again: they make or download what is missing. "
        "If it was a file of your own, save or copy it again."
    )
    return f"{event} {delete}\n{advice}"


def _to_delete(file: Path) -> Path:
    """Return what to delete: the file, or its cache folder if a single file cannot be downloaded again.

    In the Hub's cache, a file is only a link to its content.
    """
    for folder in file.parents:
        if folder.name.startswith(("models--", "datasets--")) or folder.parent.name == "subsets":
            return folder
    prepared = file.name == "dataset_info.json" or (
        file.suffix == ".arrow" and not file.name.startswith("cache-")
    )
    return file.parent if prepared else file
