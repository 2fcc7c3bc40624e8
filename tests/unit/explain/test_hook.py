"""Protects a learner from a page of traceback, and from an explanation that belongs to another error."""

import re

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers.explain import explain, hook, install_hook

pytestmark = pytest.mark.usefixtures("online")


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("results.json"),
        OSError(5, "Input/output error"),
        PermissionError("x"),
        ValueError("x"),
    ],
)
def test_other_errors_are_left_alone(error):
    assert explain(error) is None


@pytest.fixture
def shell(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    install_hook()
    yield shell
    InteractiveShell.clear_instance()


def test_a_notebook_shows_the_message_and_no_frames(shell, capsys):
    result = shell.run_cell(
        "def deep(n):\n    if n: deep(n - 1)\n    raise ConnectionError('no route')\ndeep(20)"
    )
    shown = capsys.readouterr().out
    assert isinstance(result.error_in_exec, ConnectionError), "the cell failed all the same, so Run All stops"
    assert "could not be reached" in shown and "Traceback" not in shown and len(shown.splitlines()) <= 4


def test_a_fault_in_an_explanation_does_not_hide_the_error(shell, capsys, monkeypatch):
    """IPython would show our traceback in place of the learner's."""
    monkeypatch.setattr(hook, "EXPLANATIONS", [lambda error: 1 / 0])
    shell.run_cell("int('x')")
    shown = "".join(capsys.readouterr())
    assert "ValueError" in shown and "ZeroDivisionError" not in shown


@pytest.mark.parametrize(
    "cell",
    [
        "open('/no/such/file')",
        "1 / 0",
        "nobody",
        "def f(:",
        "exec('def f(:')",
        "%nothing",
        "import no_such_module",
        "int('x')",
    ],
)
def test_a_notebook_shows_other_errors_as_always(monkeypatch, capsys, cell):
    """The handler gets every error. What it does not know must look the same as without it."""
    shown = []
    for installed in (False, True):
        shell = InteractiveShell()
        monkeypatch.setattr("IPython.get_ipython", lambda shell=shell: shell)
        if installed:
            install_hook()
        assert not shell.run_cell(cell).success
        shown.append(re.sub(r"0x[0-9a-f]+|/ipykernel\S+|<ipython-input\S+", "", "".join(capsys.readouterr())))
    InteractiveShell.clear_instance()
    assert shown[0] == shown[1] and len(shown[0]) > 20
