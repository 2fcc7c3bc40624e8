"""When the Hub does not deliver: one message that says what happened and how to go on, in place of forty frames."""

from __future__ import annotations

import os
from collections.abc import Iterator

from helpers.environment import offline_is_set

_KEPT = "What was downloaded so far is kept: run this cell again to go on from there."
# By class name: the clients' own classes come from three HTTP libraries, and differ between their versions.
_UNREACHABLE = {
    "TransportError", "RequestException", "ConnectionError", "TimeoutError", "LocalEntryNotFoundError", "gaierror",
}


def explain(error: BaseException) -> str | None:
    """What a learner should know of an error that came from the Hub or the way to it; None for any other error.

    The cause that says the most counts, wherever in the chain it stands: the libraries wrap a "429" in a "not found locally".
    """
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
    if "OfflineModeIsEnabled" in names or offline_is_set():
        return _message("This is not in the cache, and the Hugging Face Hub did not answer when the setup cell asked it.",
                        "When the network is back, run the setup cell again, then this one.")
    if names & _UNREACHABLE:
        return _message("The Hugging Face Hub could not be reached, or stopped answering.", _KEPT)
    return None


def install() -> None:
    """In a notebook, show `explain`'s message for errors that have one. Others look as always."""
    import httpx
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((OSError, httpx.HTTPError), _show)


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


def _message(what: str, advice: str) -> str:
    offline = 'set PROFILE = "offline" in the setup cell'
    if os.environ.get("FINETUNE_PROFILE"):
        offline = "put %env FINETUNE_PROFILE=offline into a cell above the setup cell"
    return f"{what}\n{advice}\nTo work without the Hub: {offline}, then Run All."
