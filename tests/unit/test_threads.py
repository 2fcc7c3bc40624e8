"""Protects a learner from a training that is twenty times slower because something else runs beside it."""

import os
import subprocess
import sys

import pytest
from notebook_files import ROOT

import helpers
from helpers import machine

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


@pytest.fixture
def fresh_kernel(monkeypatch):
    """A process without a word on OpenMP's threads, in which PyTorch is not loaded yet."""
    for name in WAITING:
        monkeypatch.setenv(name, "set, so that monkeypatch puts it back")
        monkeypatch.delenv(name)
    monkeypatch.delitem(sys.modules, "torch")


def test_threads_sleep_while_they_wait(fresh_kernel):
    """Spinning threads made a step many times slower beside a second training; people believed it hung."""
    assert machine.let_threads_sleep()
    assert os.environ["GOMP_SPINCOUNT"] == "500", "GNU's runtime, as PyTorch brings it on Linux"
    assert os.environ["KMP_BLOCKTIME"] == "1", "LLVM's and Intel's, on macOS and Windows"
    assert machine.let_threads_sleep(), "the setup cell may run twice"


@pytest.mark.parametrize("name", WAITING)
def test_the_users_own_word_on_threads_stays(fresh_kernel, monkeypatch, name):
    monkeypatch.setenv(name, "7")
    assert machine.let_threads_sleep()
    assert os.environ[name] == "7"
    assert [other for other in WAITING if other in os.environ] == [name]


def test_once_torch_is_loaded_one_sentence_names_the_restart(monkeypatch, capsys):
    """OpenMP reads its setting when PyTorch loads it: afterwards the course must not promise anything."""
    for name in WAITING:
        monkeypatch.delenv(name, raising=False)
    assert not machine.let_threads_sleep()
    assert not any(name in os.environ for name in WAITING)
    helpers.setup("offline")
    assert capsys.readouterr().out.count("restart the kernel and run this cell first") == 1


def test_the_setup_cell_sets_it_before_torch_is_loaded():
    """An import above it, in whichever helper, would make the setting useless without a word."""
    code = (
        "import os, sys\n"
        "import helpers.start.session as session\n"
        "assert 'torch' not in sys.modules\n"
        "state = lambda: os.environ['GOMP_SPINCOUNT'] + str('torch' in sys.modules)\n"
        "session.packages.ensure = lambda: sys.exit(state())\n"
        "session.setup('offline')\n"
    )
    unset = {name: value for name, value in os.environ.items() if name not in WAITING}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=unset, capture_output=True, text=True)
    assert done.stderr.strip() == "500False"
