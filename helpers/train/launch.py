"""Start a script in several processes from a notebook, and end them all with the cell."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.language import _
from helpers.machine import cores

_SECONDS_TO_END = 5  # for processes that were asked to end, before they are killed
_LINES_OF_AN_ERROR = 25


def launch(
    script: Path, *options, folder: Path, processes: int = 1, say: Callable[[str], object] = print
) -> None:
    """Run `script` with `options` in `processes` processes of this machine, and wait for their end.

    They work in `folder`. One process is started by Python, several by torchrun. `say` gets the command, and
    each line that the script prints. The processes divide the cores. They use GPUs if there are at least two,
    and one for each process; so runs with one process and with several compute on the same kind of device.
    The script must print how many processes train, such as "2 processes train". Raises RuntimeError if that
    number is not `processes`, or if the script fails. If the cell is interrupted, all processes end.
    """
    several = ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    arguments = [os.path.relpath(script, folder), *map(str, options)]
    say(f"$ cd {folder}")
    say("$ " + shlex.join((["torchrun", *several[1:]] if processes > 1 else ["python"]) + arguments))
    command = [sys.executable, *(["-m", *several] if processes > 1 else []), *arguments]

    # Standard error holds progress bars and torchrun's own remarks: it is shown only if something goes wrong
    lines = []
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as remarks:
        with _running(command, folder, processes, remarks) as process:
            for line in process.stdout:
                lines.append(line)
                say(line.rstrip("\n"))
        if process.returncode:
            remarks.seek(0)
            text = _("{script} ended with an error.\n{error}")
            raise RuntimeError(text.format(script=Path(script).name, error=_error(remarks.read())))
    _check_number(processes, lines)


@contextmanager
def _running(command: list[str], folder: Path, processes: int, remarks) -> Iterator[subprocess.Popen]:
    """Start a command. At the end of the block, wait for it; if the block is left by an error, end it."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(processes),
        stdout=subprocess.PIPE,
        stderr=remarks,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Jupyter's ■ must reach this kernel only: it ends the others in good order
    )
    try:
        with process.stdout:
            yield process
        process.wait()
    except BaseException:
        _end(process.pid)
        process.wait()
        raise


def _environment(processes: int) -> dict[str, str]:
    """Return the variables for the processes: they share the cores, and each has a GPU or none has."""
    import torch

    changed = {"OMP_NUM_THREADS": str(max(1, cores() // processes)), "PYTHONUNBUFFERED": "1"}
    if torch.cuda.device_count() < max(2, processes):
        changed["CUDA_VISIBLE_DEVICES"] = ""
    return os.environ | changed


def _end(pid: int) -> None:
    """End a process and all that it has started. Torchrun's workers are in groups of their own."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        family = [psutil.Process(pid)]
        family += family[0].children(recursive=True)
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.terminate()
        for member in psutil.wait_procs(family, timeout=_SECONDS_TO_END)[1]:
            with suppress(psutil.NoSuchProcess):
                member.kill()


def _error(remarks: str) -> str:
    """Return the lines that say what went wrong: of the first process that failed, if several did."""
    lines = [line for line in remarks.splitlines() if line.strip()]
    if first := next((re.match(r"\[rank\d+\]: ", line) for line in lines if line.startswith("[rank")), None):
        lines = [line.removeprefix(first[0]) for line in lines if line.startswith(first[0])]
    return "\n".join(lines[-_LINES_OF_AN_ERROR:])


def _check_number(processes: int, lines: list[str]) -> None:
    """Compare the number of processes that train with the number asked for."""
    numbers = [int(found[1]) for line in lines if (found := re.match(r"(\d+) process(es)? trains?\b", line))]
    if numbers != [processes]:
        raise RuntimeError(
            _(
                "{processes} processes were asked for, and the script says how many train: {said}. Expected "
                'one line "{processes} processes train". Does each process make Accelerator(cpu=True) if it '
                "has no GPU? Otherwise each trains alone."
            ).format(processes=processes, said=_(" and ").join(map(str, numbers)) or _("none"))
        )
