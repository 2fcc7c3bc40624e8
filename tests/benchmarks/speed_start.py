"""How long a learner waits: import helpers, the setup cell, a notebook until its first loss, all notebooks. Offline profile, medians of five
for the first two. The setup cell is timed after the libraries were imported: what is left is ours.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from report import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from notebook_files import NOTEBOOKS, code_cells, read  # noqa: E402

from helpers.environment import Machine  # noqa: E402

OFFLINE = {"FINETUNE_PROFILE": "offline"}
LIBRARIES = "import torch, datasets, evaluate, pandas; from transformers import AutoConfig, AutoTokenizer, BertForSequenceClassification, Trainer"
TIMED = "import time; {first}; began = time.perf_counter(); exec({code!r}); print(time.perf_counter() - began)"


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
    """Median, each in a process of its own; the one before the first fills the caches."""
    command = [sys.executable, "-c", TIMED.format(first=first, code=code)]
    measured = []
    for _ in range(times + 1):
        printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=os.environ | OFFLINE).stdout
        measured.append(float(printed.splitlines()[-1]))
    return statistics.median(measured[1:])


def notebook(path: Path) -> tuple[float, float | None]:
    """Seconds for all of it, and until the first loss was recorded, from the start of the kernel."""
    executed = read(path)
    executed.cells.append(new_code_cell("print(run.history[0]['seconds'] if 'run' in globals() else '')"))
    began = time.time()
    client = NotebookClient(executed, timeout=900, record_timing=True, resources={"metadata": {"path": str(ROOT / "notebooks")}})
    client.execute(env=os.environ | OFFLINE)
    whole, printed = time.time() - began, executed.cells[-1].outputs[-1]["text"].strip()
    if not printed:
        return whole, None
    trains = next(cell for cell in executed.cells if cell.id in ("train", "loop"))
    entered = datetime.fromisoformat(trains.metadata.execution["iopub.execute_input"].replace("Z", "+00:00")).timestamp()
    return whole, entered - began + float(printed)
