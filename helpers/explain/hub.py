"""Explain why the Hugging Face Hub, or the network on the way to it, does not deliver, and how to go on.

The libraries wrap one error in another: a "429" arrives inside a "not found locally". So each function looks
at the whole chain of causes, and `helpers.explain.hook` first asks the functions that can say the most.

The setup cell meets most of these errors first, because it asks the Hub. Then the libraries work offline, and
a later cell only finds that something is not in the cache. So `not_in_the_cache` repeats what the setup cell
has found.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from helpers.explain.chain import asked_for, causes, is_local
from helpers.hub.reach import (
    NotTheHubError,
    RefusedTokenError,
    RuledOutError,
    endpoint,
    hub_problem,
    offline_flag,
    offline_is_set,
    proxy_variable,
    source_of_token,
    why_not,
)

# Names instead of classes: the classes come from three HTTP libraries and differ between their versions
_UNREACHABLE = {
    "TransportError",
    "RequestException",
    "ConnectionError",
    "TimeoutError",
    "LocalEntryNotFoundError",
    "FileMetadataError",
    "gaierror",
}
_NOT_FOUND = {"RepositoryNotFoundError", "DatasetNotFoundError"}
_ABOVE = "into a cell above the setup cell, and run both"


def wrong_revision(error: BaseException) -> str | None:
    """Explain that the repository exists, but the commit does not; None for other errors."""
    # datasets 4.0 raises DatasetNotFoundError here, and only its text mentions the revision
    in_words = any(
        type(cause).__name__ == "DatasetNotFoundError" and "Revision" in str(cause) for cause in causes(error)
    )
    if not in_words and "RevisionNotFoundError" not in _class_names(error):
        return None
    return _message(
        "The Hub has this repository, but not this revision of it.",
        "Check model_revision and dataset_revision of the profile: "
        "each must be a commit id of its own repository.",
    )


def refused_token(error: BaseException) -> str | None:
    """Explain that the Hub refuses our token; None for other errors."""
    # The Hub answers a refused token as it answers an unknown name. Only a public model shows which it is.
    unclear = _class_names(error) & _NOT_FOUND or _status(error) == 401
    if unclear and not isinstance(error, RefusedTokenError):
        error = hub_problem() or error
    if not isinstance(error, RefusedTokenError):
        return None

    # Where the token can be changed
    source = error.args[0]
    if source in os.environ:
        advice = f"write %env {source}= {_ABOVE}."
    elif os.path.isfile(source):
        advice = "run !hf auth logout in a cell, then the setup cell again."
    else:
        advice = "delete HF_TOKEN under Secrets (the key at the left), restart the kernel, and run all cells."
    return _message(
        f"The Hub refuses the token in {source}: it is wrong or has expired.",
        f"Public models and datasets need no token: {advice}",
    )


def no_such_repository(error: BaseException) -> str | None:
    """Explain that no public model or dataset has this name; None for other errors."""
    if not _class_names(error) & _NOT_FOUND and _status(error) not in (401, 403):
        return None
    return _message(
        f"{_no_folder(error)}The Hub has no public repository of this name.",
        "Check the spelling of model and dataset in the profile. "
        "Private and gated repositories need `hf auth login` first.",
    )


def too_many_requests(error: BaseException) -> str | None:
    """Explain that this network has asked the Hub too often; None for other errors."""
    if _status(error) != 429:
        return None
    return _message(
        "The Hub asks for a pause: too many requests came from this network (429).",
        f"Wait a few minutes. {_again()}",
    )


def fault_of_the_hub(error: BaseException) -> str | None:
    """Explain that the Hub answers with an error of its own; None for other errors."""
    if _status(error) < 500:
        return None
    return _message(
        f"The Hub answered with an error of its own (status {_status(error)}).", f"Wait a little. {_again()}"
    )


def certificate(error: BaseException) -> str | None:
    """Explain that Python does not trust what answers, or finds no certificates; None for other errors."""
    # A variable that names no file
    own = os.environ.get("SSL_CERT_FILE")
    if own and not os.path.isfile(own) and "FileNotFoundError" in _class_names(error):
        return _message(
            f"SSL_CERT_FILE names the file {own}, which does not exist.",
            f"Write %env SSL_CERT_FILE= {_ABOVE}. If this network has a certificate of its own, "
            "write the path of its file behind the equals sign.",
        )
    # One that names a folder, or a file of another format
    if own and not _is_pem(own) and _class_names(error) & {"SSLError", "IsADirectoryError"}:
        return _message(
            f"SSL_CERT_FILE names {own}, which is no file of certificates in PEM format (text that begins "
            "with -----BEGIN CERTIFICATE-----).",
            "Ask for the PEM file of this network, and write %env SSL_CERT_FILE=/path/to/company.pem "
            f"{_ABOVE}.",
        )
    words = next((str(cause) for cause in causes(error) if "CERTIFICATE_VERIFY_FAILED" in str(cause)), None)
    if words is None:
        return None

    # Other programs may know the network's file already
    path = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    advice = (
        f"Other programs here trust the file {path}." if path else "Ask for the file with its certificate."
    )
    return _message(
        "At the Hub's address, something answers with a certificate that Python does not trust, as in the "
        f"networks of many companies ({words.partition('verify failed: ')[2].partition(' (')[0]}).",
        f"{advice} Write %env SSL_CERT_FILE={path or '/path/to/company.pem'} {_ABOVE}. "
        "In a network with a login page, log in with a browser first.",
    )


def _is_pem(path: str) -> bool:
    """Return whether `path` is a file that holds a certificate in PEM format."""
    try:
        with open(path, "rb") as file:
            return b"-----BEGIN" in file.read()
    except OSError:
        return False


def unreadable_token(error: BaseException) -> str | None:
    """Explain that the token has a character that no token can have; None for other errors."""
    if "UnicodeEncodeError" not in _class_names(error):
        return None
    return _message(
        f"The token in {source_of_token()} has a character that no token has, such as … or a curly quote.",
        f"Copy it again. Public models and datasets need no token: write %env HF_TOKEN= {_ABOVE}.",
    )


def malformed_proxy(error: BaseException) -> str | None:
    """Explain that the proxy's address has no scheme that works; None for other errors."""
    if not any(isinstance(cause, ValueError) and "proxy" in str(cause) for cause in causes(error)):
        return None
    variable = proxy_variable() or "HTTPS_PROXY"
    return _message(
        f"What {variable} holds is no address of a proxy.",  # it may hold a password, too
        f"It must begin with http://, https:// or socks5://, without quotes. Write %env {variable}= followed "
        f"by the right address {_ABOVE}; with nothing behind the equals sign, no proxy is used.",
    )


def no_package_for_socks(error: BaseException) -> str | None:
    """Explain that the proxy is of a kind that needs another package; None for other errors."""
    if not any(isinstance(cause, ImportError) and "socksio" in str(cause) for cause in causes(error)):
        return None
    return _message(
        f"{proxy_variable() or 'A setting'} names a SOCKS proxy, which needs the package socksio.",
        f"Write %pip install socksio {_ABOVE}.",
    )


def malformed_address(error: BaseException) -> str | None:
    """Explain that HF_ENDPOINT is no address of the web; None for other errors."""
    address = endpoint()
    if not _class_names(error) & {*_UNREACHABLE, "InvalidURL"} or address.startswith(("https://", "http://")):
        return None
    right = f"https://{address.rpartition('://')[2] or 'huggingface.co'}"
    return _message(
        f"HF_ENDPOINT is {address!r}, which does not begin with https:// or http://.",
        f"Write %env HF_ENDPOINT={right} into a cell above the setup cell, restart the kernel, "
        "and run all cells.",
    )


def not_the_hub(error: BaseException) -> str | None:
    """Explain that a login page or the like answers in the Hub's place; None for other errors."""
    if not isinstance(error, NotTheHubError):
        return None
    return _message(
        f"At the Hub's address, {endpoint()}, something else answers, "
        "perhaps the page where you log in to this network.",
        "Open that address in a browser and log in, then run the setup cell again."
        + (" Or unset HF_ENDPOINT and restart the kernel." if "HF_ENDPOINT" in os.environ else ""),
    )


def through_a_proxy(error: BaseException) -> str | None:
    """Explain that the way through a proxy is closed; None for other errors, or without a proxy."""
    variable = proxy_variable()
    if variable is None or not _class_names(error) & _UNREACHABLE:
        return None
    return _message(
        f"The Hugging Face Hub could not be reached through the proxy that {variable} names.",
        f"If this network needs no proxy, write %env {variable}= {_ABOVE}. "
        "Otherwise check the proxy's address.",
    )


def not_in_the_cache(error: BaseException) -> str | None:
    """Explain that the course works without the Hub and the cache lacks the file; None for other errors."""
    if not _would_have_asked(error):
        return None
    event = f"{_no_folder(error)}This is not in the cache"

    # What keeps us from asking: a variable, something that the setup cell has found, or just no network
    problem = why_not() or RuledOutError(offline_flag() or "HF_HUB_OFFLINE")
    if isinstance(problem, RuledOutError):
        flag = problem.args[0]
        return _message(
            f"{event}, and {flag} rules out the Hugging Face Hub.",
            f"To allow it, write %env {flag}=0 {_ABOVE}, then this one.",
        )
    if found := trouble(problem):
        return _message(f"{event}, and the setup cell found that the Hub cannot be used.", found)
    return _message(
        f"{event}, and the Hugging Face Hub did not answer when the setup cell asked it.",
        "When the network is back, run the setup cell again, then this one.",
    )


def unreachable(error: BaseException) -> str | None:
    """Explain that the network does not lead to the Hub; None for other errors."""
    if not _class_names(error) & _UNREACHABLE:
        return None
    # datasets drops the cause of its error. So we ask again.
    problem = hub_problem()
    for explanation in TROUBLES:
        if problem is not None and (message := explanation(problem)):
            return message
    return _message("The Hugging Face Hub could not be reached, or stopped answering.", _again())


# What can stand between us and the Hub
TROUBLES: list[Callable[[BaseException], str | None]] = [
    wrong_revision,
    refused_token,
    unreadable_token,
    no_such_repository,
    too_many_requests,
    fault_of_the_hub,
    certificate,
    no_package_for_socks,
    malformed_proxy,
    malformed_address,
    not_the_hub,
    through_a_proxy,
]


def trouble(problem: BaseException | None) -> str | None:
    """Return in one or two sentences what stands between us and the Hub, and what to do.

    Return None if nothing does, or if there is no more to say than that it does not answer.
    """
    for explanation in TROUBLES:
        if problem is not None and (message := explanation(problem)):
            return " ".join(message.splitlines()[:2])
    return None


def in_short(problem: BaseException | None) -> str:
    """Return half a sentence on why the Hub cannot be used, as the reason for the choice of a profile."""
    if isinstance(problem, RuledOutError):
        return f"{problem.args[0]} rules out the Hugging Face Hub"
    if problem is None or (_class_names(problem) & _UNREACHABLE and not trouble(problem)):
        return "the Hugging Face Hub does not answer"
    return f"the Hugging Face Hub cannot be used{'' if trouble(problem) else f' ({type(problem).__name__})'}"


def _would_have_asked(error: BaseException) -> bool:
    """Return whether a library would have asked the Hub, had it not been told to work offline."""
    if _class_names(error) & {"OfflineModeIsEnabled", "LocalEntryNotFoundError"}:
        return offline_is_set() or "OfflineModeIsEnabled" in _class_names(error)
    # Other errors of the libraries, unlike the system's, have no number. But what was asked of a folder, the
    # Hub could not have answered.
    by_a_library = any(
        isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError) and cause.errno is None
        for cause in causes(error)
    )
    name = asked_for(error)
    return offline_is_set() and by_a_library and name is not None and not is_local(name)


def _no_folder(error: BaseException) -> str:
    """Return a sentence for a name without an owner: it may be meant as a folder's."""
    name = asked_for(error)
    if name is None or "/" in name or is_local(name):
        return ""
    return f"There is no folder {name!r} in {os.getcwd()}. "


def _class_names(error: BaseException) -> set[str]:
    """Return the class names of the error and of all its causes, with the names of their base classes."""
    return {base.__name__ for cause in causes(error) for base in type(cause).__mro__}


def _status(error: BaseException) -> int:
    """Return the HTTP status of the earliest cause that has one; 0 if none has."""
    statuses = [getattr(getattr(cause, "response", None), "status_code", None) for cause in causes(error)]
    return next((status for status in reversed(statuses) if status), 0)


def _again() -> str:
    """Say how to go on when the trouble is over: offline, the setup cell must ask the Hub first."""
    if offline_is_set():
        return "Then run the setup cell again."
    return "What was downloaded so far is kept: run this cell again to go on from there."


def _message(event: str, advice: str) -> str:
    """Write three lines: what happened, what to do, and how to work without the Hub."""
    offline = 'set PROFILE = "offline" in the setup cell'
    if os.environ.get("FINETUNE_PROFILE"):
        offline = "put %env FINETUNE_PROFILE=offline into a cell above the setup cell"
    return f"{event}\n{advice}\nTo work without the Hub: {offline}, then Run All."
