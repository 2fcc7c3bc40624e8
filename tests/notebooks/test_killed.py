"""Protects a learner whose notebook is killed or interrupted: run again, it ends as if nothing happened."""

import json
import os
import re
import shutil
from typing import NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell
from notebook_files import ROOT, read

pytestmark = pytest.mark.faults


class Training(NamedTuple):
    """Where a notebook trains, and what its training leaves."""

    stem: str
    cells: list[str]  # that train
    skipped: str  # cells before them that it does not need
    folder: str
    run: str  # the variable that holds the record
    steps: int


TRAININGS = {
    "resumable": Training("02_train_with_trainer", ["train-ours"], "train", "02_trainer", "run", 16),
    "Trainer": Training(
        "07_fast_and_unbreakable",
        ["train"],
        r"rung-(?!imports).+|ladder|streaming",
        "07_trainer",
        "trainer_run",
        8,
    ),
    "loop": Training(
        "07_fast_and_unbreakable",
        ["loop"],
        r"rung-(?!imports).+|ladder|streaming|train",
        "07_loop",
        "run",
        16,
    ),
}
# Few rows, and a folder of their own: the tests that execute whole notebooks run beside these.
SETUP = """
import dataclasses
import helpers.machine
from helpers.profiles import PROFILES
sizes = dict(train_size=64, eval_size=16, num_train_epochs=2)
small = dataclasses.replace(PROFILES["offline"], name="killed", **sizes)
helpers.machine._bf16_is_faster = lambda: {faster}
profile, machine = helpers.setup(small)
"""
KILL = """
import os, signal, threading, time
from pathlib import Path
def kill():
    saved = ("complete.json", "checkpoint-2.pt")
    while not [path for path in Path({folder!r}).rglob("*") if path.name in saved]:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=kill, daemon=True).start()
"""


# ■ at the third step: in notebook 2, before the first checkpoint.
INTERRUPT = """
from helpers.train.runs import Run
log = Run.log
def interrupted(self, *args, **kwargs):
    log(self, *args, **kwargs)
    if len(self.history) == 3:
        Run.log = log
        raise KeyboardInterrupt
Run.log = interrupted
"""
ASK = "import json; print(json.dumps([{run}.status, *{run}.series('loss')]))"


def executed(training, *steps, faster):
    """Run a notebook from its setup up to a training, then `steps`, in a fresh kernel.

    A step is code, or None for the cells that train. `faster` is what the kernel finds out about bf16.
    Returns what each step printed.
    """
    notebook = read(ROOT / "notebooks" / f"{training.stem}.ipynb")
    training_cells = [cell for cell in notebook.cells if cell.id in training.cells]
    first = notebook.cells.index(training_cells[0])
    cells = [
        cell
        for cell in notebook.cells[:first]
        if cell.cell_type == "code" and not re.fullmatch(training.skipped, cell.id)
    ]
    for cell in cells:
        if cell.id == "setup":
            setup = SETUP.format(faster=faster)
            cell.source = cell.source.replace(
                'profile, machine = helpers.setup(PROFILE, language="en")', setup
            )
    trains = "\n".join(cell.source for cell in training_cells)
    cells += [new_code_cell(trains if step is None else step) for step in steps]
    environment = {name: value for name, value in os.environ.items() if name != "FINETUNE_PROFILE"}
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "notebooks")}})
    client.execute(env=environment | {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"})
    return [
        "".join(output.get("text", "") for output in cell.outputs if output.get("name") == "stdout")
        for cell in cells[-len(steps) :]
    ]


@pytest.mark.parametrize("training", TRAININGS.values(), ids=TRAININGS)
def test_after_a_kill_or_an_interrupt_the_same_cells_end_at_the_same_losses(training):
    """The cells may leave something in memory or on the disk. Run again, they must not go on with half a
    training, nor with another's.

    The second kernel measures that bf16 is faster, the first one did not: the measurement is noisy. If the
    second kernel trained in bf16, it would begin at the beginning and delete the checkpoints.
    """
    ask = ASK.format(run=training.run)
    folder = ROOT / "runs" / training.folder / "killed-bert-tiny-synthetic-synthetic-reviews"
    shutil.rmtree(folder, ignore_errors=True)
    with pytest.raises(DeadKernelError):
        executed(training, KILL.format(folder=str(folder)), None, faster=False)
    resumed, first, again, second, _, stopped, third, _, fourth = executed(
        training, None, ask, None, ask, INTERRUPT, None, ask, None, ask, faster=True
    )
    assert "Going on from step" in resumed
    status, steps, losses = json.loads(first)
    assert [status, steps] == [
        "finished",
        list(range(1, training.steps + 1)),
    ], "the record has every step once, those before the kill included"
    assert json.loads(second) == json.loads(first) and "Going on" not in again, (
        "a training that had ended begins afresh"
    )
    assert json.loads(third) == ["stopped", [1, 2, 3], losses[:3]] and "Interrupted" in stopped
    assert json.loads(fourth) == json.loads(first), (
        "without a checkpoint from the beginning, and not with a model that has three steps behind it"
    )
    shutil.rmtree(folder)
