"""Protects a learner with a GPU: notebooks 1, 2, 3 and 7 run on it, and say what is true there."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from notebook_files import NOTEBOOKS, ROOT, read
from tiny_sizes import ON_CPU

QUESTIONS = {
    "01_prepare_dataset": "{'rows': len(small_train_dataset)}",
    "02_train_with_trainer": (
        "{'status': run.status, 'losses': run.series('loss')[1], 'accuracy': float(accuracy)}"
    ),
    "03_native_pytorch_loop": (
        "{'status': run.status, 'losses': run.series('loss')[1], 'accuracy': float(accuracy), 'gaps': gaps}"
    ),
    "07_fast_and_unbreakable": (
        "{'status': run.status, 'losses': run.series('loss')[1], 'trainer': trainer_run.status, 'speeds':"
        " speeds, 'resumed': [unbroken, resumed]}"
    ),
}
DEVICE = (
    "{'device': machine.device, 'precision': machine.precision, 'gib': torch.cuda.max_memory_allocated() /"
    " 2**30 if torch.cuda.is_available() else 0}"
)


def execute(stem: str):
    """Run all cells in a fresh kernel, and return the notebook and what the kernel then knows."""
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell

    notebook = read(next(path for path in NOTEBOOKS if path.stem == stem))
    asked = f"import json, torch; print(json.dumps({DEVICE} | {QUESTIONS[stem]}))"
    notebook.cells.append(new_code_cell(asked))
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "notebooks")}})
    client.execute(env=os.environ | {"FINETUNE_PROFILE": "offline"})
    return notebook, json.loads(notebook.cells[-1].outputs[-1]["text"])


@pytest.fixture(scope="module")
def executed(machine):
    """Return each notebook, executed, and its answer. On a GPU all run at once: they are small."""
    with ThreadPoolExecutor(1 if ON_CPU else len(QUESTIONS)) as pool:
        return dict(zip(QUESTIONS, pool.map(execute, QUESTIONS)))


@pytest.fixture(params=QUESTIONS)
def answer(request, executed):
    return executed[request.param][1]


def test_the_notebook_computes_on_the_gpu(request, answer, machine, say):
    """A tensor that stays on the CPU is an error there, or a training that is slow without a word."""
    assert (answer["device"], answer["precision"]) == (machine.device, machine.precision)
    name = request.node.callspec.params["answer"]
    say(f"{name}: {answer['gib']:.2f} GiB on the {answer['device']}")
    if "losses" in answer:
        assert answer["status"] == answer.get("trainer", "finished") == "finished"
        assert answer["losses"][-1] < answer["losses"][0] and answer.get("accuracy", 1) > 0.4
        assert machine.device == "cpu" or answer["gib"] > 0.01


@pytest.mark.parametrize("stem", QUESTIONS)
def test_nothing_is_said_on_stderr(executed, stem):
    """PyTorch has warnings that it gives on a GPU alone."""
    noise = [
        (cell.id, output["text"])
        for cell in executed[stem][0].cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.get("name") == "stderr"
        and "LOAD REPORT" not in output["text"]
        and "%|" not in output["text"]
    ]
    assert noise == []


def test_the_loop_is_the_trainer_within_what_a_gpu_rounds(executed, on_gpu, say):
    """Notebook 3 promises a tiny gap on a GPU, and none on a CPU."""
    gaps = executed["03_native_pytorch_loop"][1]["gaps"]
    *_, (last, gap) = gaps.items()
    say(f"Trainer and loop of notebook 3, {last}: the losses differ by at most {gap:.2g}; " + repr(gaps))
    assert len(gaps) >= 4 and max(gaps.values()) > 0.01
    assert gap < 1e-3 if on_gpu else gap == 0


def test_a_resumed_training_gives_the_losses_of_the_unbroken_one(executed, on_gpu, say):
    """Notebook 7's checkpoint holds the random state of the GPU, too. Without it, dropout goes on anew."""
    unbroken, resumed = executed["07_fast_and_unbreakable"][1]["resumed"]
    gap = max(abs(one - other) for one, other in zip(unbroken, resumed, strict=True))
    say(f"Unbroken and resumed training of notebook 7: the losses differ by at most {gap:.2g}")
    assert len(unbroken) == 10 and (gap < 0.01 if on_gpu else gap == 0)


def test_the_speeds_of_the_ladder_are_told(executed, say):
    """What the notebook's ladder says of the bundled model on a GPU: a figure for us, and no promise."""
    speeds = executed["07_fast_and_unbreakable"][1]["speeds"]
    say("Notebook 7's ladder: " + ", ".join(f"{name} {speed:,.0f}" for name, speed in speeds.items()))
    assert min(speeds.values()) > 0
