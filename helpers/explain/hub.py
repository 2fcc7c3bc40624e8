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
from helpers.language import _

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


def wrong_revision(error: BaseException) -> str | None:
    """Explain that the repository exists, but the commit does not; None for other errors."""
    # datasets 4.0 raises DatasetNotFoundError here, and only its text mentions the revision
    in_words = any(
        type(cause).__name__ == "DatasetNotFoundError" and "Revision" in str(cause) for cause in causes(error)
    )
    if not in_words and "RevisionNotFoundError" not in _class_names(error):
        return None
    return _message(
        _("The Hub has this repository, but not this revision of it."),
        _(
            "Check model_revision and dataset_revision of the profile: "
            "each must be a commit id of its own repository."
        ),
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
        advice = _(
            "Public models and datasets need no token: "
            "write %env {variable}= into a cell above the setup cell, and run both."
        ).format(variable=source)
    elif os.path.isfile(source):
        advice = _(
            "Public models and datasets need no token: "
            "run !hf auth logout in a cell, then the setup cell again."
        )
    else:
        advice = _(
            "Public models and datasets need no token: "
            "delete HF_TOKEN under Secrets (the key at the left), restart the kernel, and run all cells."
        )
    event = _("The Hub refuses the token in {source}: it is wrong or has expired.").format(source=source)
    return _message(event, advice)


def no_such_repository(error: BaseException) -> str | None:
    """Explain that no public model or dataset has this name; None for other errors."""
    if not _class_names(error) & _NOT_FOUND and _status(error) not in (401, 403):
        return None
    return _message(
        _no_folder(error) + _("The Hub has no public repository of this name."),
        _(
            "Check the spelling of model and dataset in the profile. "
            "Private and gated repositories need `hf auth login` first."
        ),
    )


def too_many_requests(error: BaseException) -> str | None:
    """Explain that this network has asked the Hub too often; None for other errors."""
    if _status(error) != 429:
        return None
    return _message(
        _("The Hub asks for a pause: too many requests came from this network (429)."),
        _("Wait a few minutes.") + " " + _again(),
    )


def fault_of_the_hub(error: BaseException) -> str | None:
    """Explain that the Hub answers with an error of its own; None for other errors."""
    if _status(error) < 500:
        return None
    return _message(
        _("The Hub answered with an error of its own (status {status}).").format(status=_status(error)),
        _("Wait a little.") + " " + _again(),
    )


def certificate(error: BaseException) -> str | None:
    """Explain that Python does not trust what answers, or finds no certificates; None for other errors."""
    # A variable that names no file
    own = os.environ.get("SSL_CERT_FILE")
    if own and not os.path.isfile(own) and "FileNotFoundError" in _class_names(error):
        return _message(
            _("SSL_CERT_FILE names the file {path}, which does not exist.").format(path=own),
            _(
                "Write %env SSL_CERT_FILE= into a cell above the setup cell, and run both. "
                "If this network has a certificate of its own, "
                "write the path of its file behind the equals sign."
            ),
        )
    # One that names a folder, or a file of another format
    if own and not _is_pem(own) and _class_names(error) & {"SSLError", "IsADirectoryError"}:
        return _message(
            _(
                "SSL_CERT_FILE names {path}, which is no file of certificates in PEM format "
                "(text that begins with -----BEGIN CERTIFICATE-----)."
            ).format(path=own),
            _(
                "Ask for the PEM file of this network, and write %env SSL_CERT_FILE=/path/to/company.pem "
                "into a cell above the setup cell, and run both."
            ),
        )
    words = next((str(cause) for cause in causes(error) if "CERTIFICATE_VERIFY_FAILED" in str(cause)), None)
    if words is None:
        return None

    # Other programs may know the network's file already
    path = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if path:
        advice = _(
            "Other programs here trust the file {path}. "
            "Write %env SSL_CERT_FILE={path} into a cell above the setup cell, and run both. "
            "In a network with a login page, log in with a browser first."
        ).format(path=path)
    else:
        advice = _(
            "Ask for the file with its certificate. Write %env SSL_CERT_FILE=/path/to/company.pem "
            "into a cell above the setup cell, and run both. "
            "In a network with a login page, log in with a browser first."
        )
    event = _(
        "At the Hub's address, something answers with a certificate that Python does not trust, as in the "
        "networks of many companies ({reason})."
    ).format(reason=words.partition("verify failed: ")[2].partition(" (")[0])
    return _message(event, advice)


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
        _("The token in {source} has a character that no token has, such as … or a curly quote.").format(
            source=source_of_token()
        ),
        _(
            "Copy it again. Public models and datasets need no token: "
            "write %env HF_TOKEN= into a cell above the setup cell, and run both."
        ),
    )


def malformed_proxy(error: BaseException) -> str | None:
    """Explain that the proxy's address has no scheme that works; None for other errors."""
    if not any(isinstance(cause, ValueError) and "proxy" in str(cause) for cause in causes(error)):
        return None
    variable = proxy_variable() or "HTTPS_PROXY"
    return _message(
        # It may hold a password, too
        _("What {variable} holds is no address of a proxy.").format(variable=variable),
        _(
            "It must begin with http://, https:// or socks5://, without quotes. Write %env {variable}= "
            "followed by the right address into a cell above the setup cell, and run both; "
            "with nothing behind the equals sign, no proxy is used."
        ).format(variable=variable),
    )


def no_package_for_socks(error: BaseException) -> str | None:
    """Explain that the proxy is of a kind that needs another package; None for other errors."""
    if not any(isinstance(cause, ImportError) and "socksio" in str(cause) for cause in causes(error)):
        return None
    return _message(
        _("{variable} names a SOCKS proxy, which needs the package socksio.").format(
            variable=proxy_variable() or _("A setting")
        ),
        _("Write %pip install socksio into a cell above the setup cell, and run both."),
    )


def malformed_address(error: BaseException) -> str | None:
    """Explain that HF_ENDPOINT is no address of the web; None for other errors."""
    address = endpoint()
    if not _class_names(error) & {*_UNREACHABLE, "InvalidURL"} or address.startswith(("https://", "http://")):
        return None
    right = f"https://{address.rpartition('://')[2] or 'huggingface.co'}"
    return _message(
        _("HF_ENDPOINT is {address!r}, which does not begin with https:// or http://.").format(
            address=address
        ),
        _(
            "Write %env HF_ENDPOINT={address} into a cell above the setup cell, restart the kernel, "
            "and run all cells."
        ).format(address=right),
    )


def not_the_hub(error: BaseException) -> str | None:
    """Explain that a login page or the like answers in the Hub's place; None for other errors."""
    if not isinstance(error, NotTheHubError):
        return None
    advice = _("Open that address in a browser and log in, then run the setup cell again.")
    if "HF_ENDPOINT" in os.environ:
        advice += " " + _("Or unset HF_ENDPOINT and restart the kernel.")
    event = _(
        "At the Hub's address, {address}, something else answers, "
        "perhaps the page where you log in to this network."
    ).format(address=endpoint())
    return _message(event, advice)


def through_a_proxy(error: BaseException) -> str | None:
    """Explain that the way through a proxy is closed; None for other errors, or without a proxy."""
    variable = proxy_variable()
    if variable is None or not _class_names(error) & _UNREACHABLE:
        return None
    return _message(
        _("The Hugging Face Hub could not be reached through the proxy that {variable} names.").format(
            variable=variable
        ),
        _(
            "If this network needs no proxy, "
            "write %env {variable}= into a cell above the setup cell, and run both. "
            "Otherwise check the proxy's address."
        ).format(variable=variable),
    )


def not_in_the_cache(error: BaseException) -> str | None:
    """Explain that the course works without the Hub and the cache lacks the file; None for other errors."""
    if not _would_have_asked(error):
        return None

    # What keeps us from asking: a variable, something that the setup cell has found, or just no network
    problem = why_not() or RuledOutError(offline_flag() or "HF_HUB_OFFLINE")
    if isinstance(problem, RuledOutError):
        flag = problem.args[0]
        event = _("This is not in the cache, and {variable} rules out the Hugging Face Hub.")
        advice = _(
            "To allow it, write %env {variable}=0 into a cell above the setup cell, and run both, "
            "then this one."
        )
        return _message(_no_folder(error) + event.format(variable=flag), advice.format(variable=flag))
    if found := trouble(problem):
        event = _("This is not in the cache, and the setup cell found that the Hub cannot be used.")
        return _message(_no_folder(error) + event, found)
    event = _(
        "This is not in the cache, and the Hugging Face Hub did not answer when the setup cell asked it."
    )
    advice = _("When the network is back, run the setup cell again, then this one.")
    return _message(_no_folder(error) + event, advice)


def unreachable(error: BaseException) -> str | None:
    """Explain that the network does not lead to the Hub; None for other errors."""
    if not _class_names(error) & _UNREACHABLE:
        return None
    # datasets drops the cause of its error. So we ask again.
    problem = hub_problem()
    for explanation in TROUBLES:
        if problem is not None and (message := explanation(problem)):
            return message
    return _message(_("The Hugging Face Hub could not be reached, or stopped answering."), _again())


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
        return _("{variable} rules out the Hugging Face Hub").format(variable=problem.args[0])
    if problem is None or (_class_names(problem) & _UNREACHABLE and not trouble(problem)):
        return _("the Hugging Face Hub does not answer")
    if trouble(problem):
        return _("the Hugging Face Hub cannot be used")
    return _("the Hugging Face Hub cannot be used ({error})").format(error=type(problem).__name__)


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
    return _("There is no folder {name!r} in {folder}.").format(name=name, folder=os.getcwd()) + " "


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
        return _("Then run the setup cell again.")
    return _("What was downloaded so far is kept: run this cell again to go on from there.")


def _message(event: str, advice: str) -> str:
    """Write three lines: what happened, what to do, and how to work without the Hub."""
    if os.environ.get("FINETUNE_PROFILE"):
        offline = _(
            "To work without the Hub: put %env FINETUNE_PROFILE=offline into a cell above the setup cell, "
            "then Run All."
        )
    else:
        offline = _('To work without the Hub: set PROFILE = "offline" in the setup cell, then Run All.')
    return f"{event}\n{advice}\n{offline}"
