"""Protects a learner from processes that do not train together, and from a training that is lost in one."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from datasets import load_dataset
from notebook_files import ROOT, read

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="torchrun and gloo")
HERE = Path(__file__).parent
SCRIPT = ROOT / "examples" / "loop_accelerate.py"
OFFLINE = ROOT / "helpers" / "offline"
TINY = {
    "model": OFFLINE / "bert-tiny-synthetic",
    "dataset": OFFLINE / "synthetic-reviews",
    "rows": 24,
    "eval_rows": 21,  # the last batches of two processes are not full
    "epochs": 2,
    "batch_size": 2,
    "eval_batch_size": 4,
    "max_length": 32,
    "learning_rate": 1e-3,
}


def options(folder: Path, **changed) -> list[str]:
    """Return the words of the command line. All files go into `folder`."""
    values = TINY | {"folder": folder, "losses": folder.with_suffix(".json")} | changed
    return [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def start(arguments: list[str], **more: str) -> subprocess.Popen:
    """Start Python with `more` environment variables."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_of(process: subprocess.Popen, seconds: int = 120) -> str:
    """Wait for the end and return standard output. Show standard error if the process fails."""
    try:
        printed, remarks = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # Torchrun puts each worker into a session of its own
        for member in [*psutil.Process(process.pid).children(recursive=True), process]:
            member.kill()
        printed, remarks = process.communicate()
        pytest.fail(f"No end after {seconds} s.\n{printed}\n{remarks[-4000:]}")
    assert process.returncode == 0, remarks[-6000:]
    return printed


def losses(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def two_files(folder: Path) -> Path:
    """Write a dataset whose training split has two files, of 12 and 28 rows."""
    rows = load_dataset(str(TINY["dataset"]), split="train")
    (folder / "data").mkdir(parents=True)
    parts = {
        "train-00000-of-00002": (0, 12),
        "train-00001-of-00002": (12, 40),
        "test-00000-of-00001": (40, 50),
    }
    for name, (first, end) in parts.items():
        rows.select(range(first, end)).to_parquet(folder / "data" / f"{name}.parquet")
    return folder


TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train in one process and, in several ways, in two. Returns the folder, and what the two printed."""
    folder = tmp_path_factory.mktemp("trained")
    one = start([str(SCRIPT), *options(folder / "one", dropout=0, batch_size=4)])
    stream = options(folder / "stream", dataset=two_files(folder / "files"), rows=40, epochs=1)
    ways = {
        "alone": options(folder / "alone"),
        "two": options(folder / "two", dropout=0),
        "dropout": options(folder / "dropout", save_steps=4),
        "stream": [*stream, "--stream"],
    }
    trainings = [
        {"options": words, "failure": f"{folder / name}.txt", "forgets_cpu": name == "alone"}
        for name, words in ways.items()
    ]
    (folder / "trainings.json").write_text(json.dumps(trainings), encoding="utf-8")
    two = start([*TORCHRUN, str(HERE / "scenarios.py"), str(folder / "trainings.json")])
    printed = end_of(two)
    failures = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}
    assert set(failures) == {"alone.txt"}, failures
    return folder, end_of(one), printed


@pytest.fixture(scope="module")
def script():
    """Return the script as a module."""
    found = importlib.util.spec_from_file_location("loop_accelerate", SCRIPT)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model", "./nowhere"], "--model: there is no folder ./nowhere"),
        (["--dataset", "/nowhere"], "--dataset: there is no folder /nowhere"),
        (["--losses", "nowhere/losses.json"], "--losses: there is no folder for nowhere/losses.json"),
        (["--folder", __file__], "is a file"),
    ],
)
def test_what_would_fail_after_the_training_fails_before_it(script, words, told, capsys):
    """A slip in a path cost the losses of a whole training; a missing folder was sought on the Hub."""
    with pytest.raises(SystemExit):
        script.settings(words)
    assert told in capsys.readouterr().err


def test_help_says_what_each_setting_means(script, capsys):
    with pytest.raises(SystemExit):
        script.settings(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(meaning in shown for _, meaning in script.SETTINGS.values())


def test_too_many_texts_and_too_few(script):
    """The error named an index, and no option. A stream of less than one batch silently trained nothing."""
    bundled = ["--model", str(TINY["model"]), "--dataset", str(TINY["dataset"])]
    with pytest.raises(SystemExit, match=r"--rows 7990 and --eval-rows 50 do not fit: .* has 8000 texts"):
        script.load_rows(script.settings([*bundled, "--rows", "7990", "--eval-rows", "50"]), None)
    few = script.settings([*bundled, "--stream", "--rows", "10"])
    with pytest.raises(SystemExit, match="10 texts are too few for one batch of 8 in each of 2 processes"):
        script.count_steps(few, None, None, SimpleNamespace(num_processes=2))


def test_a_stream_without_a_whole_batch_ends(tmp_path):
    """With --steps, it began one empty epoch after the other, forever."""
    words = options(tmp_path / "short", rows=1, steps=3)
    with pytest.raises(AssertionError, match="too few texts for one batch"):
        end_of(start([str(SCRIPT), *words, "--stream"]), seconds=60)


def test_another_training_s_checkpoint_is_refused_in_one_sentence(script, tmp_path):
    """Two dictionaries of fifteen settings hide what differs. A file of losses missed half of them."""
    (tmp_path / "checkpoint-2").mkdir()
    saved = {"settings": {"rows": 24, "losses recorded": False}}
    (tmp_path / "checkpoint-2" / "progress.json").write_text(json.dumps(saved), encoding="utf-8")
    now = {"settings": {"rows": 24, "losses recorded": True}}
    with pytest.raises(SystemExit, match=r"other settings \(losses recorded: False then, True now\)"):
        script.load_checkpoint(None, tmp_path, now)


def test_the_notebook_restarts_with_the_variable_that_the_tests_need():
    """Without it, two of eight killed trainings waited for the old processes forever."""
    (path,) = (ROOT / "notebooks").glob("08_*.ipynb")
    assert "\nTORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 torchrun" in "\n".join(
        cell.source for cell in read(path).cells
    )


def test_every_way_prints_how_many_processes_train(trained):
    """Two trainings of one process each look like one of two, and both losses look fine."""
    folder, one, two = trained
    assert one.startswith("1 process trains\n")
    assert two.count("2 processes train\n") == 3 and "1 process" not in two
    for name in ("two", "dropout", "stream"):
        assert losses(folder / f"{name}.json")["processes"] == 2


def test_processes_that_would_train_alone_stop(trained):
    """Accelerator() without cpu=True: on a computer without a GPU, each process would train for itself."""
    folder, *_ = trained
    said = (folder / "alone.txt").read_text(encoding="utf-8")
    assert said.startswith("2 processes were started to train together, but Accelerate sees 1.")
    assert not (folder / "alone.json").exists()


def test_two_processes_learn_as_one_with_the_doubled_batch(trained):
    """The notebook's equality: the same texts in the same order, the same rates, the same losses.

    Without `prepare` for the schedule, the rates fall half as fast.
    """
    folder, *_ = trained
    one, two = losses(folder / "one.json"), losses(folder / "two.json")
    assert len(one["losses"]) == 12 and two["rows"] == one["rows"]
    assert two["learning_rates"] == pytest.approx(one["learning_rates"], rel=1e-12)
    assert two["learning_rates"][-1] == pytest.approx(1e-3 / 12)
    assert two["losses"][0] == pytest.approx(one["losses"][0], abs=1e-6)
    assert two["losses"] == pytest.approx(one["losses"], abs=1e-5)


def test_each_text_is_judged_once(trained):
    """Without gather_for_metrics, texts count twice that only fill up the last batch, or half are missing."""
    folder, *_ = trained
    one, two = losses(folder / "one.json"), losses(folder / "two.json")
    assert one["eval_texts"] == two["eval_texts"] == TINY["eval_rows"]
    assert two["accuracy"] == one["accuracy"]


def test_each_epoch_has_another_order_and_each_text_once(trained):
    """Without set_epoch, the second epoch repeats the order of the first one."""
    folder, *_ = trained
    rows = losses(folder / "two.json")["rows"]
    first, second = list(chain(*rows[:6])), list(chain(*rows[6:]))
    assert sorted(first) == sorted(second) and len(set(first)) == 24 and first != second


def test_a_stream_ends_with_its_first_process_and_no_text_comes_twice(trained):
    """Files of 12 and 28 rows: one process has fewer batches, and the other would wait for it forever."""
    folder, *_ = trained
    found = losses(folder / "stream.json")
    rows = list(chain(*found["rows"]))
    assert len(found["losses"]) == 6 and len(set(rows)) == len(rows) == 24
    assert found["eval_texts"] == 10


def test_the_cells_of_notebook_8_train_in_two_processes(trained):
    """The notebook runs them in one process, where a forgotten `prepare` or gather_for_metrics shows nowhere.

    Without `prepare`, the schedule ends half way down, or the copies of the model part. Without
    gather_for_metrics, each process has judged half of the rows.
    """
    folder, *_ = trained
    first, second = (losses(folder / f"notebook-{process}.json") for process in (0, 1))
    assert first.pop("bars") and not second.pop("bars")
    assert first == second and first["processes"] == 2
    assert (first["steps"], first["learning_rate"], len(first["answered_right"])) == (4, 0, 32)


def test_a_killed_process_costs_nothing_but_time(trained, tmp_path):
    """Torchrun starts both again; the losses are those of the unbroken training, with dropout, in epoch 2.

    Without the variable, the new processes look for the old ones
    (https://github.com/pytorch/pytorch/issues/135712).
    """
    folder, *_ = trained
    unbroken = losses(folder / "dropout.json")
    killed = ["--max-restarts=1", str(HERE / "killed.py"), *options(tmp_path / "killed", save_steps=4)]
    printed = end_of(start([*TORCHRUN, *killed], TORCH_DISABLE_SHARE_RDZV_TCP_STORE="1"))
    assert printed.count("2 processes train") == 2 and "goes on after step 8" in printed
    assert losses(tmp_path / "killed.json") == unbroken
    # The checkpoints are not needed any more
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["model"]


def test_two_machines(trained, tmp_path):
    """Two shells on this computer, as on two machines: one training of two processes."""
    folder, *_ = trained
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    machines = [
        start(
            [
                *("-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={rank}", "--nproc-per-node=1"),
                *("--master-addr=127.0.0.1", f"--master-port={port}", str(SCRIPT)),
                *options(tmp_path / "machines", dropout=0),
            ]
        )
        for rank in (0, 1)
    ]
    for printed in [end_of(machine) for machine in machines]:
        assert printed.startswith("2 processes train\n") and "1 process" not in printed
    assert losses(tmp_path / "machines.json") == losses(folder / "two.json")


def test_bash_understands_the_slurm_file():
    subprocess.run(["bash", "-n", str(ROOT / "examples" / "loop_accelerate.slurm")], check=True)
