"""Protects a learner from processes that do not train together, or that outlive their cell."""

import os
import sys
import time

import psutil
import pytest

from helpers.train import launch as module
from helpers.train.launch import launch


@pytest.fixture
def script(tmp_path):
    """Write a script, and return its path."""

    def write(*lines):
        path = tmp_path / "script.py"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


TRAINS = "print('1 process trains')"


def test_the_command_and_what_the_script_prints_are_shown(script):
    """A learner can copy the command. Progress bars and remarks of the libraries would hide the losses."""
    said = []
    path = script("import sys", TRAINS, "print(sys.argv[1:])", "print('remark', file=sys.stderr)")
    launch(path, "--rows", 8, folder=path.parent, say=said.append)
    shown = [f"$ cd {path.parent}", "$ python script.py --rows 8"]
    assert said == [*shown, "1 process trains", "['--rows', '8']"]


def test_lines_are_shown_while_the_script_runs(script):
    """Whoever sees nothing for a minute presses ■."""
    seen = []
    path = script("import time", TRAINS, "time.sleep(0.5)", "print('end')")
    launch(path, folder=path.parent, say=lambda line: seen.append((time.perf_counter(), line)))
    assert seen[-1][0] - seen[-2][0] > 0.3 and seen[-1][1] == "end"


@pytest.mark.parametrize(
    ("printed", "said"), [("pass", "none"), (TRAINS, "1"), (f"{TRAINS}\n{TRAINS}", "1 and 1")]
)
def test_another_number_of_processes_is_an_error(script, tmp_path, monkeypatch, printed, said):
    """Two processes that train alone look like two that train together, and both losses look fine."""
    # Without torchrun, which takes seconds
    popen = module.subprocess.Popen
    monkeypatch.setattr(
        module.subprocess, "Popen", lambda command, **named: popen([command[0], command[-1]], **named)
    )
    with pytest.raises(RuntimeError, match=f"2 processes were asked for, .* how many train: {said}"):
        launch(script(printed), folder=tmp_path, processes=2, say=[].append)


def test_an_error_shows_where_the_script_failed(script, tmp_path):
    """The last lines of torchrun's output say only that something failed."""
    with pytest.raises(RuntimeError, match=r"script\.py ended with an error\.[\s\S]*ValueError: no rows"):
        launch(script(TRAINS, "raise ValueError('no rows')"), folder=tmp_path, say=[].append)


def test_of_several_failed_processes_the_first_is_shown():
    remarks = "W1128 OMP\n[rank1]: Traceback\n[rank0]: Traceback\n[rank1]: ValueError: x\nRoot Cause\n"
    assert module._error(remarks) == "Traceback\nValueError: x"


# As torchrun does: the worker belongs to another group
STARTS_A_WORKER = (
    "import subprocess, sys, time",
    "code = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True);"
    " time.sleep(60)'",
    "pipe = subprocess.PIPE",
    "worker = subprocess.Popen([sys.executable, '-c', code], start_new_session=True, stdout=pipe)",
    "worker.stdout.readline()",
    "print(worker.pid)",
    "time.sleep(60)",
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ there")
def test_no_process_outlives_an_interrupted_cell(script, tmp_path, monkeypatch):
    """An orphan trains on, holds its memory and cores, and slows down all that comes next.

    The worker here even refuses to end when it is asked.
    """
    monkeypatch.setattr(module, "_SECONDS_TO_END", 0.5)
    workers = []

    def interrupted(line):
        if line.isdigit():
            workers.append(int(line))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(script(*STARTS_A_WORKER), folder=tmp_path, say=interrupted)
    assert len(workers) == 1 and not alive(workers[0])
    assert [child for child in psutil.Process().children() if "script.py" in str(child.cmdline())] == []


def alive(pid):
    with_grace = time.monotonic() + 5
    while time.monotonic() < with_grace:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(("gpus", "visible"), [(0, ""), (1, ""), (2, None), (3, None)])
def test_processes_share_cores_and_take_gpus_only_if_there_are_enough(monkeypatch, gpus, visible):
    """Two processes on the one GPU of Colab end in an error of NCCL; too many threads wait for each other."""
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    monkeypatch.setattr(module, "cores", lambda: 5)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    given = module._environment(2)
    assert given["OMP_NUM_THREADS"] == "2" and given.get("CUDA_VISIBLE_DEVICES") == visible
    assert module._environment(1).get("CUDA_VISIBLE_DEVICES") == visible, "as with two, to compare them"
    assert module._environment(1)["OMP_NUM_THREADS"] == "5" and os.environ.keys() <= given.keys()
