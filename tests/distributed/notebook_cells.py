"""The cells of notebook 8 with its loop, run in each of several processes.

In the notebook they run in one process only. There, a line that is missing changes nothing.
"""

import dataclasses
import json
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))
from notebook_files import ROOT, code_cells

from helpers.profiles import PROFILES

NOTEBOOK = ROOT / "notebooks" / "08_more_than_one_device.ipynb"


def run(folder: Path, process: int) -> None:
    """Train and evaluate with few rows, and write what this process has afterwards into `folder`."""
    profile = dataclasses.replace(PROFILES["offline"], train_size=64, eval_size=32)
    names = {"profile": profile, "machine": SimpleNamespace(device="cpu")}
    cells = {cell.id: cell.source for cell in code_cells(NOTEBOOK)}
    for name in ("data", "new-model", "accelerate", "evaluate"):
        exec(compile(cells[name], name, "exec"), names)
    found = {
        "processes": names["accelerator"].num_processes,
        "steps": names["progress_bar"].total,
        "bars": not names["progress_bar"].disable,
        "learning_rate": names["lr_scheduler"].get_last_lr()[0],
        "weights": sum(weights.double().sum().item() for weights in names["model"].parameters()),
        "answered_right": names["answered_right"].tolist(),
    }
    (folder / f"notebook-{process}.json").write_text(json.dumps(found), encoding="utf-8")
