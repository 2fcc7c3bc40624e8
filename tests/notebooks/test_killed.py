"""A notebook whose kernel is killed while it trains goes on where it was, when all cells are run again."""

import os
import shutil

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell
from notebook_files import NOTEBOOKS, ROOT, read

pytestmark = pytest.mark.faults
TRAINS = {"02_train_with_trainer": "train", "03_native_pytorch_loop": "loop"}
FOLDERS = {"02_train_with_trainer": "02_trainer", "03_native_pytorch_loop": "03_loop"}
# Few rows, and a folder of their own: the tests that execute whole notebooks run beside these.
SETUP = """
import dataclasses
from helpers.profiles import PROFILES
profile, machine = helpers.setup(dataclasses.replace(PROFILES["offline"], name="killed", train_size=64, eval_size=16, num_train_epochs=2))
"""
KILL = """
import os, signal, threading, time
from pathlib import Path
def kill():
    while not [path for path in Path({folder!r}).rglob("*") if path.name in ("complete.json", "checkpoint-2.pt")]:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=kill, daemon=True).start()
"""


def until_trained(path, before=""):
    """The notebook from its setup to its training, executed in a fresh kernel; what the training recorded and printed."""
    notebook = read(path)
    last = next(i for i, cell in enumerate(notebook.cells) if cell.id == TRAINS[path.stem])
    cells = [cell for cell in notebook.cells[: last + 1] if cell.cell_type == "code" and cell.id != "ladder"]
    for cell in cells:
        if cell.id == "setup":
            cell.source = cell.source.replace("profile, machine = helpers.setup(PROFILE)", SETUP)
    cells.insert(-1, new_code_cell(before))
    cells.append(new_code_cell("print(run.status, run.series('loss')[0])"))
    notebook = nbformat.v4.new_notebook(cells=cells)
    environment = {name: value for name, value in os.environ.items() if name != "FINETUNE_PROFILE"}
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "notebooks")}})
    client.execute(env=environment | {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"})
    printed = ["".join(output.get("text", "") for output in cell.outputs if output.get("name") == "stdout") for cell in notebook.cells]
    return "\n".join(printed), printed[-1]


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem in TRAINS], ids=lambda path: path.stem)
def test_a_killed_kernel_costs_no_more_than_the_steps_since_the_last_checkpoint(path):
    """The record has every step once, those before the kill included; the losses are compared in tests/faults."""
    folder = ROOT / "runs" / FOLDERS[path.stem] / "killed-bert-tiny-synthetic-synthetic-reviews"
    shutil.rmtree(folder, ignore_errors=True)
    with pytest.raises(DeadKernelError):
        until_trained(path, KILL.format(folder=str(folder)))
    printed, record = until_trained(path)
    assert "Going on from step" in printed
    assert record.split(" ", 1) == ["finished", f"{list(range(1, 17))}\n"]
    shutil.rmtree(folder)
