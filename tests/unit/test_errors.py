import re
import types

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError
from IPython.core.interactiveshell import InteractiveShell

from helpers import errors
from helpers.errors import explain


@pytest.fixture(autouse=True)
def online(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("FINETUNE_PROFILE", raising=False)


def answered(status, error=OSError):
    problem = error("the library's own words")
    problem.response = types.SimpleNamespace(status_code=status)
    return problem


@pytest.mark.parametrize(
    ("error", "words"),
    [(answered(429), "asks for a pause"), (answered(503), "status 503"), (answered(401), "no public repository"),
     (ConnectionError("x"), "could not be reached"), (TimeoutError("x"), "could not be reached"),
     (LocalEntryNotFoundError("x"), "could not be reached")],
)
def test_each_kind_has_its_words_and_the_way_on(error, words):
    message = explain(error)
    assert words in message and 'PROFILE = "offline"' in message and len(message.splitlines()) == 3


def test_the_cause_that_says_the_most_counts():
    """A 429 reaches the learner as "not found in the local cache", three causes deep."""
    error = OSError("We couldn't connect")
    error.__cause__ = LocalEntryNotFoundError("not in the cache")
    error.__cause__.__cause__ = answered(429)
    assert "asks for a pause" in explain(error)


@pytest.mark.parametrize("error", [FileNotFoundError("results.json"), OSError(28, "No space left on device"), PermissionError("x"), ValueError("x")])
def test_other_errors_are_left_alone(error):
    assert explain(error) is None


def test_without_the_hub_the_setup_cell_comes_first(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "run the setup cell again, then this one" in explain(LocalEntryNotFoundError("x"))


def test_the_way_on_fits_a_profile_from_the_environment(monkeypatch):
    """FINETUNE_PROFILE overrules the cell, so changing PROFILE would change nothing."""
    monkeypatch.setenv("FINETUNE_PROFILE", "full")
    assert "FINETUNE_PROFILE=offline" in explain(ConnectionError("x")) and 'PROFILE = "' not in explain(ConnectionError("x"))


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file"), OSError(28, "No space left on device"), ValueError("x")])
def test_without_the_hub_other_errors_are_left_alone_too(monkeypatch, error):
    """On a plane, a full disk is not a missing download."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert explain(error) is None


@pytest.fixture
def shell(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    errors.install()
    yield shell
    InteractiveShell.clear_instance()


def test_a_notebook_shows_the_message_and_no_frames(shell, capsys):
    result = shell.run_cell("def deep(n):\n    if n: deep(n - 1)\n    raise ConnectionError('no route')\ndeep(20)")
    shown = capsys.readouterr().out
    assert isinstance(result.error_in_exec, ConnectionError), "the cell failed all the same, so Run All stops"
    assert "could not be reached" in shown and "Traceback" not in shown and len(shown.splitlines()) <= 4


@pytest.mark.parametrize(
    "cell", ["open('/no/such/file')", "1 / 0", "nobody", "def f(:", "exec('def f(:')", "%nothing", "import no_such_module", "int('x')"]
)
def test_a_notebook_shows_other_errors_as_always(monkeypatch, capsys, cell):
    """The handler gets every error; what it does not know must look the same as without it."""
    shown = []
    for installed in (False, True):
        shell = InteractiveShell()
        monkeypatch.setattr("IPython.get_ipython", lambda shell=shell: shell)
        if installed:
            errors.install()
        assert not shell.run_cell(cell).success
        shown.append(re.sub(r"0x[0-9a-f]+|/ipykernel\S+|<ipython-input\S+", "", "".join(capsys.readouterr())))
    InteractiveShell.clear_instance()
    assert shown[0] == shown[1] and len(shown[0]) > 20
