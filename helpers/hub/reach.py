"""Ask whether the Hugging Face Hub answers, and work without it if it does not."""

from __future__ import annotations

import json
import os
import sys
import threading
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from helpers.language import _

# A public model that every copy of the Hub has
_PUBLIC_MODEL = "google-bert/bert-base-cased"
# Each of them keeps one library or all of them from asking the Hub
_OFFLINE_FLAGS = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")

# Why the Hub cannot be used, as the last call of `ask_hub` or `go_offline` found; None while it can
_problem: Exception | None = None
# True while we have set the libraries to work offline. A setting of the learner's own stays as it is.
_went_offline = False


class RuledOutError(Exception):
    """A variable of the environment, named in `args[0]`, forbids to ask the Hub."""


class RefusedTokenError(Exception):
    """The Hub refuses our token, even for a public model. `args[0]` says where the token comes from."""


class NotTheHubError(Exception):
    """What answers at the Hub's address is not the Hub. `args[0]` is the address."""


def hub_answers(timeout: float = 3.0) -> bool:
    """Return whether the Hugging Face Hub (or `HF_ENDPOINT`) answers us within `timeout` seconds."""
    return hub_problem(timeout) is None


def hub_problem(timeout: float = 3.0) -> Exception | None:
    """Ask the Hub for a public model's facts. Return None if it answers, or else the error that says why not.

    We ask as the downloads will: with huggingface_hub's own client, so with the same token, proxy and
    certificates. We ask in a thread, because looking up the Hub's name can take far longer than any timeout
    of a socket. And we look at the content, because the login page of a hotel's network answers for every
    address.
    """
    if flag := offline_flag():
        return RuledOutError(flag)
    # Here and not in the thread: the timeout is for the network only
    from huggingface_hub import HfApi
    from huggingface_hub.utils import get_token

    # Colab keeps tokens, too. It asks the learner whether we may see one, and that can take its time.
    if "COLAB_RELEASE_TAG" in os.environ:
        get_token()
    found: list[Exception | None] = []

    def ask() -> None:
        try:
            HfApi().model_info(_PUBLIC_MODEL, timeout=timeout)
            found.append(None)
        except Exception as error:
            found.append(_named(error))

    # Wait no longer than the timeout, even if the thread hangs
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    if found:
        return found[0]
    return TimeoutError(_("The Hub did not answer within {timeout:g} seconds.").format(timeout=timeout))


def _named(error: Exception) -> Exception:
    """Return the error, or one of our own for two kinds that the client has no error for."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_token

    # Without a token, everybody may see the public model. So the Hub refuses the token.
    if getattr(getattr(error, "response", None), "status_code", None) == 401 and get_token():
        named = RefusedTokenError(source_of_token())
    # No JSON, or JSON without a model's facts
    elif isinstance(error, (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError)):
        named = NotTheHubError(constants.ENDPOINT)
    else:
        return error
    named.__cause__ = error
    return named


def source_of_token() -> str:
    """Return the name of the variable or the path of the file that our token comes from."""
    from huggingface_hub.constants import HF_TOKEN_PATH

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name):
            return name
    return HF_TOKEN_PATH if Path(HF_TOKEN_PATH).is_file() else _("Colab's secrets")


def endpoint() -> str:
    """Return the Hub's address, as huggingface_hub has read it from `HF_ENDPOINT` when it was imported."""
    from huggingface_hub import constants

    return constants.ENDPOINT


def proxy_variable() -> str | None:
    """Return the variable that names the proxy on the way to the Hub; None if there is no proxy.

    For a proxy of the system's settings, the name is that of the variable that would overrule it.
    """
    hub = urlsplit(endpoint())
    proxies = urllib.request.getproxies()
    scheme = hub.scheme if proxies.get(hub.scheme) else "all"
    if not proxies.get(scheme) or urllib.request.proxy_bypass(hub.netloc):
        return None
    # Of the two spellings, the small one counts
    small = f"{scheme}_proxy"
    return small.upper() if small.upper() in os.environ and small not in os.environ else small


def offline_flag() -> str | None:
    """Return the variable that tells the libraries to work offline, or None if none of the three does."""
    true = ("1", "ON", "YES", "TRUE")  # the spellings that huggingface_hub accepts
    return next((name for name in _OFFLINE_FLAGS if os.environ.get(name, "").upper() in true), None)


def offline_is_set() -> bool:
    """Return whether the libraries are told to work offline, by us or by the learner's environment."""
    return offline_flag() is not None


def use_caches_only(only: bool) -> None:
    """Tell the libraries, loaded or not, whether to try the network at all.

    Otherwise, they would ask the Hub for each file several times, with pauses, before they open the copy in
    the cache.
    """
    if only:
        os.environ["HF_HUB_OFFLINE"] = "1"
    else:
        os.environ.pop("HF_HUB_OFFLINE", None)
    _tell_loaded_libraries(only)


def _tell_loaded_libraries(only: bool) -> None:
    """Change what the loaded libraries have read from the environment when they were imported."""
    for module in ("huggingface_hub.constants", "datasets.config"):
        if module in sys.modules:
            sys.modules[module].HF_HUB_OFFLINE = only


def ask_hub() -> bool:
    """Return whether the Hub answers. If it does not, the libraries work offline until the next call.

    `why_not` then returns the reason.
    """
    global _problem, _went_offline
    # Forget what an earlier call has found, and begin with what the environment says now
    if _went_offline:
        os.environ.pop("HF_HUB_OFFLINE", None)
        _went_offline = False
    _tell_loaded_libraries(offline_is_set())

    # A new client reads the variables for proxies and certificates again
    if _problem is not None:
        from huggingface_hub import close_session

        close_session()

    _problem = hub_problem()
    if _problem is not None:
        go_offline(_problem)
    return _problem is None


def go_offline(problem: Exception) -> None:
    """Let the libraries work offline until the next call of `ask_hub`, because of this problem."""
    global _problem, _went_offline
    _problem = problem
    # A value of the learner's own, such as HF_HUB_OFFLINE=0, stays
    _went_offline = "HF_HUB_OFFLINE" not in os.environ
    if _went_offline:
        use_caches_only(True)


def why_not() -> Exception | None:
    """Return why the Hub cannot be used, as the setup cell found it; None if it can."""
    return _problem
