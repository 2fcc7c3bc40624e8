"""When the Hub or a file does not deliver: one message that says what happened and how to go on, in place of forty frames."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb

from helpers.environment import offline_is_set

_KEPT = "What was downloaded so far is kept: run this cell again to go on from there."
# By class name: the clients' own classes come from three HTTP libraries, and differ between their versions.
_UNREACHABLE = {
    "TransportError", "RequestException", "ConnectionError", "TimeoutError", "LocalEntryNotFoundError", "gaierror",
}
_OFFLINE = Path(__file__).parent / "offline"


def explain(error: BaseException) -> str | None:
    """What a learner should know of an error from the Hub, the way to it, a damaged file or an unfitting checkpoint; None for any other."""
    return _of_file(error) or _of_checkpoint(error) or _of_hub(error)


def install() -> None:
    """In a notebook, show `explain`'s message for errors that have one. Others look as always."""
    import httpx
    from datasets.exceptions import DatasetsError
    from IPython import get_ipython
    from safetensors import SafetensorError

    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((OSError, RuntimeError, ValueError, httpx.HTTPError, DatasetsError, SafetensorError), _show)


def _show(shell, kind, error, traceback, tb_offset=None):
    message = explain(error)
    if message is not None:
        error._render_traceback_ = message.splitlines  # IPython's protocol for errors that render themselves
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, the first cause last."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _locals(error: BaseException) -> Iterator[object]:
    """What the functions held that the error went through, the innermost first."""
    for cause in _chain(error):
        for frame, _ in reversed(list(walk_tb(cause.__traceback__))):
            yield from list(frame.f_locals.values())


def _of_hub(error: BaseException) -> str | None:
    """The cause that says the most counts, wherever in the chain it stands: the libraries wrap a "429" in a "not found locally"."""
    names = {base.__name__ for cause in _chain(error) for base in type(cause).__mro__}
    statuses = [status for cause in _chain(error) if (status := getattr(getattr(cause, "response", None), "status_code", None))]
    status = statuses[-1] if statuses else 0
    # datasets 4.0 says it in words only, under the name of another error
    in_words = any(type(cause).__name__ == "DatasetNotFoundError" and "Revision" in str(cause) for cause in _chain(error))
    if "RevisionNotFoundError" in names or in_words:
        return _message("The Hub has this repository, but not this revision of it.",
                        "Check model_revision and dataset_revision of the profile: each must be a commit id of its own repository.")
    if names & {"RepositoryNotFoundError", "DatasetNotFoundError"} or status in (401, 403):
        return _message("The Hub has no public repository of this name.",
                        "Check the spelling of model and dataset in the profile. Private and gated ones need `hf auth login` first.")
    if status == 429:
        return _message("The Hub asks for a pause: too many requests came from this network (429).", "Wait a few minutes. " + _KEPT)
    if status >= 500:
        return _message(f"The Hub has a fault of its own (status {status}).", _KEPT)
    if "OfflineModeIsEnabled" in names or (offline_is_set() and any(map(_by_a_library, _chain(error)))):
        return _message("This is not in the cache, and the Hugging Face Hub did not answer when the setup cell asked it.",
                        "When the network is back, run the setup cell again, then this one.")
    if names & _UNREACHABLE:
        return _message("The Hugging Face Hub could not be reached, or stopped answering.", _KEPT)
    return None


def _by_a_library(error: BaseException) -> bool:
    """An OSError that the system did not raise: without the Hub, transformers raises one for what it does not find."""
    return isinstance(error, OSError) and error.errno is None


def _message(what: str, advice: str) -> str:
    offline = 'set PROFILE = "offline" in the setup cell'
    if os.environ.get("FINETUNE_PROFILE"):
        offline = "put %env FINETUNE_PROFILE=offline into a cell above the setup cell"
    return f"{what}\n{advice}\nTo work without the Hub: {offline}, then Run All."


def _of_checkpoint(error: BaseException) -> str | None:
    """Weights of another shape than the model's, as transformers refuses them."""
    if not any(isinstance(cause, RuntimeError) and "ignore_mismatched_sizes" in str(cause) for cause in _chain(error)):
        return None
    info = next((value for value in _locals(error) if type(value).__name__ == "LoadStateDictInfo"), None)
    found = min(info.mismatched_keys, key=lambda key: len(key[1])) if info and info.mismatched_keys else None
    shapes = f": {found[0]} is {list(found[1])} there and {list(found[2])} here" if found else ""
    return (
        f"The checkpoint's weights have other shapes than this model's{shapes}.\n"
        "If that is the head, it was fine-tuned for another number of classes. To train a new one, write from_pretrained(…, "
        "ignore_mismatched_sizes=True); to keep it, set num_labels to the checkpoint's number.\n"
        "If it is another part, load the config from the same checkpoint as the weights."
    )


def _of_file(error: BaseException) -> str | None:
    """A damaged file. No library's error names it, but one of the functions that it went through holds it."""
    for value in _locals(error):
        name = getattr(value, "name", None) if isinstance(value, io.IOBase) else value
        if isinstance(name, (str, Path)) and (read := _reader(name)) and os.path.isfile(name) and _is_damaged(name, read):
            return _of_damaged(Path(name))
    return None


def _reader(name: str | Path):
    """What reads a file of this name as the libraries do; None where they would not."""
    return next((read for end, read in _READERS.items() if str(name).endswith(end)), None)


def _is_damaged(name: str | Path, read) -> bool:
    try:
        read(name)
    except Exception as error:  # each format has its own; those with a number are the system's: no permission, no memory
        return getattr(error, "errno", None) is None
    return False


def _of_damaged(file: Path) -> str:
    what = f"The file {file} is damaged, perhaps because a download or a save was cut off."
    if _OFFLINE in file.parents:
        return f"{what}\nIt belongs to the course. Bring it back with git, in the course's folder: git checkout -- helpers/offline"
    place = _to_delete(file)
    return (
        f"{what} Delete {'it' if place == file else f'the folder {place}'}.\n"
        "Then run all cells again: what is missing is made or downloaded anew. A file of your own must be saved or copied again."
    )


def _to_delete(file: Path) -> Path:
    """The file, or, in a cache, the folder that only comes back as a whole: the Hub's keeps the content behind the name."""
    for folder in file.parents:
        if folder.name.startswith(("models--", "datasets--")) or folder.parent.name == "subsets":
            return folder
    prepared = file.name == "dataset_info.json" or (file.suffix == ".arrow" and not file.name.startswith("cache-"))
    return file.parent if prepared else file


def _read_arrow(name) -> None:
    import pyarrow

    pyarrow.ipc.open_stream(pyarrow.memory_map(str(name))).read_all()


def _read_parquet(name) -> None:
    from pyarrow.parquet import ParquetFile

    ParquetFile(name)


def _read_safetensors(name) -> None:
    from safetensors import safe_open

    with safe_open(name, "np"):
        pass


def _read_json(name) -> None:
    json.loads(Path(name).read_text(encoding="utf-8"))


_READERS = {
    ".arrow": _read_arrow, ".parquet": _read_parquet, ".safetensors": _read_safetensors,
    "config.json": _read_json, "tokenizer.json": _read_json, "dataset_info.json": _read_json,
}
