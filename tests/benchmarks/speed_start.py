"""Measure how long a learner waits: import helpers, the setup cell, the first loss, all notebooks.

The profile is offline. The first two figures are medians of five. The setup cell is timed after the libraries
were imported: what is left is the course's own time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from report import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from notebook_files import NOTEBOOKS, code_cells, read

from helpers.machine import Machine

OFFLINE = {"FINETUNE_PROFILE": "offline"}
LIBRARIES = (
    "import torch, datasets, evaluate, pandas; from transformers import AutoConfig, AutoTokenizer,"
    " BertForSequenceClassification, Trainer"
)
TIMED = (
    "import time; {first}; began = time.perf_counter(); exec({code!r}); print(time.perf_counter() - began)"
)


def measure(machine: Machine) -> list[Table]:
    setup = next(cell.source for cell in code_cells(NOTEBOOKS[1]) if cell.id == "setup")
    rows = [
        ["`import helpers`", seconds("import helpers")],
        ["the setup cell, beyond the libraries' import", seconds(setup, LIBRARIES)],
        ["the libraries' import", seconds(LIBRARIES)],
    ]
    total = 0.0
    for path in NOTEBOOKS:
        whole, first_loss = notebook(path)
        total += whole
        if first_loss is not None:
            rows.append([f"`{path.stem}`, until its first loss", first_loss])
        rows.append([f"`{path.stem}`, all of it", whole])
    return [Table("Waiting", ["for", "seconds"], [*rows, ["all notebooks", total]])]


def seconds(code: str, first: str = "pass", times: int = 5) -> float:
    """Return the median, each in a process of its own. One more goes before and fills the caches."""
    command = [sys.executable, "-c", TIMED.format(first=first, code=code)]
    measured = []
    for _ in range(times + 1):
        printed = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=ROOT, env=os.environ | OFFLINE
        ).stdout
        measured.append(float(printed.splitlines()[-1]))
    return statistics.median(measured[1:])


# After the setup cell: when a training logs for the first time, whichever it is.
FIRST_LOSS = """
import time
from helpers.train.runs import Run
run_log, first_loss = Run.log, ""
def log(self, *args, **kwargs):
    global first_loss
    Run.log, first_loss = run_log, time.time()
    run_log(self, *args, **kwargs)
Run.log = log
"""


def notebook(path: Path) -> tuple[float, float | None]:
    """Return the seconds for all of it, and until the first loss was recorded, from the kernel's start."""
    executed = read(path)
    setup = next(i for i, cell in enumerate(executed.cells) if cell.id == "setup")
    executed.cells.insert(setup + 1, new_code_cell(FIRST_LOSS))
    executed.cells.append(new_code_cell("print(first_loss)"))
    began = time.time()
    NotebookClient(executed, timeout=900, resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute(
        env=os.environ | OFFLINE
    )
    whole = time.time() - began
    printed = executed.cells[-1].outputs[-1]["text"].strip()
    return whole, float(printed) - began if printed else None
