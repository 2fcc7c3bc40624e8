"""Protects a learner from tracebacks where the course, the home, a cache or the disk takes no more files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from notebook_files import NOTEBOOKS, ROOT, code_cells

sys.path.insert(0, str(ROOT / "tests" / "faults"))

import trainings

from helpers.train import checkpoints

pytestmark = pytest.mark.faults
SAVE_CELL = next(cell.source for cell in code_cells(NOTEBOOKS[1]) if cell.id == "save")
# Root may write anywhere by one capability (CAP_DAC_OVERRIDE), which the process gives up: see test_resume.py
AS_EVERYBODY = """
import ctypes, os
if hasattr(os, "geteuid") and os.geteuid() == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x2008_0522, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    sets[0] &= ~(1 << 1)  # what counts now
    sets[1] &= ~(1 << 1)  # what os.access goes by
    assert libc.capset(header, sets) == 0
"""
# What the cells of the three notebooks need the disk for
USES_THE_DISK = """
import json, sys
from pathlib import Path
import helpers
profile, machine = helpers.setup("offline")

import evaluate
import matplotlib.pyplot
from datasets import load_dataset
from transformers import AutoTokenizer
from helpers.train import own_folder

tokenizer = AutoTokenizer.from_pretrained("someone/cached", revision="0" * 40)
rows = load_dataset(profile.dataset, split="train").select(range(20)).map(
    lambda batch: tokenizer(batch["text"]), batched=True
)
accuracy = evaluate.load(profile.metric).compute(predictions=[1, 2], references=[1, 1])["accuracy"]
folder = own_folder(helpers.runs_folder() / "02_trainer")
files = [file["filename"] for file in rows.cache_files]
print("\\n" + json.dumps([accuracy, len(rows), str(folder), files]))
"""
# A disk of one megabyte in a folder, for this process only
ONE_MEGABYTE = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x20000) or libc.mount(None, b"/", None, 0x44000, None):
    sys.exit(77)
if libc.mount(b"tmpfs", sys.argv[1].encode(), b"tmpfs", 0, b"size=1m"):
    sys.exit(77)
"""
FILLS_THE_DISK = """
import json, os
from pathlib import Path
import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments
import helpers
from helpers.explain import explain
from helpers.profiles import PROFILES
from helpers.train import Run

disk, elsewhere, cell = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
(disk / "old").mkdir()
os.environ["FINETUNE_RUNS"] = str(disk)
model = AutoModelForSequenceClassification.from_pretrained(PROFILES["offline"].model)
trainer = Trainer(model=model, args=TrainingArguments(elsewhere, use_cpu=True, report_to="none"))
run = Run("saved")
table = Dataset.from_parquet(PROFILES["offline"].dataset + "/data/train-00000-of-00001.parquet")
writes = {
    "the save cell": lambda: exec(cell, globals()),
    "torch.save": lambda: torch.save(model.state_dict(), disk / "weights.pt"),
    "map": lambda: table.map(lambda rows: rows, batched=True, cache_file_name=str(disk / "map.arrow")),
    "to_parquet": lambda: table.to_parquet(disk / "table.parquet"),
    "to_csv": lambda: table.to_pandas().to_csv(disk / "table.csv"),
    "write_text": lambda: (disk / "text.txt").write_text("a" * 3_000_000),
}

def tries():
    said = {}
    for name, write in writes.items():
        try:
            write()
        except Exception as error:
            said[name] = explain(error)
        for path in disk.glob("*.*"):
            path.unlink()
    return said

full = tries()
# The advice is followed: another folder, then the same cell
os.environ["FINETUNE_RUNS"] = elsewhere
from helpers.start import places
places.choose_runs_folder()
exec(cell, globals())
# The same disk, mounted again for reading only
assert libc.mount(None, sys.argv[1].encode(), None, 0x21, b"") == 0
os.environ["FINETUNE_RUNS"] = str(disk)
places._find_runs = lambda: (disk, "")
print("\\n" + json.dumps([full, tries()]))
"""


def python(folder, code, *arguments, **environment):
    """Run the code in a process of its own, in `folder`. Return its last line, from JSON, and all of them."""
    hidden = ("PYTHONPATH", "FINETUNE_RUNS", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    inherited = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("this system lets us mount no disk of our own")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


@pytest.fixture
def read_only(tmp_path):
    """Make a course, a home and a cache with a model in it, all of them read-only."""
    folders = {name: tmp_path / name for name in ("course", "home", "cache")}
    shutil.copytree(ROOT / "helpers", folders["course"] / "helpers")
    shutil.copy(ROOT / "requirements.txt", folders["course"])
    folders["home"].mkdir()
    model = ROOT / "helpers" / "offline" / "bert-tiny-synthetic"
    snapshot = folders["cache"] / "hub" / "models--someone--cached" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(model / name, snapshot)
    for folder in folders.values():
        for path in (folder, *folder.rglob("*")):
            path.chmod(path.stat().st_mode & ~0o222)
    yield folders
    for folder in folders.values():
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_in_a_read_only_course_home_and_cache_the_cells_run_and_one_line_each_says_where(read_only, tmp_path):
    """A shared server, or an image with the models in it. Each cell that writes ended in a PermissionError.

    What the read-only cache holds must still be found, since there may be no network.
    """
    (tmp_path / "tmp").mkdir()
    environment = {
        "PYTHONPATH": str(read_only["course"]),
        "HOME": str(read_only["home"]),
        "HF_HOME": str(read_only["cache"]),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    (accuracy, rows, folder, files), said = python(tmp_path, AS_EVERYBODY + USES_THE_DISK, **environment)
    place = tmp_path / "tmp" / f"finetuning-course-{os.getuid()}" / "runs"
    assert (accuracy, rows) == (0.5, 20) and Path(folder) == place / "02_trainer"
    assert files and all(place / "huggingface" / "datasets" in Path(file).parents for file in files)

    plain = " ".join(said.split())
    assert f"Runs {read_only['course']}/runs cannot be written. Your runs and models go to {place}" in plain
    assert f"Caches {read_only['cache']} and " in plain
    assert "Matplotlib created" not in plain and "mkdir -p failed" not in plain


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a disk as Linux does")
def test_a_full_disk_and_a_read_only_one_end_in_a_sentence_and_its_advice_works(tmp_path):
    """The save cell ended in a raw SafetensorError. A Parquet file that was cut off by the full disk was
    called damaged, to be deleted and made again.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "elsewhere").mkdir()
    arguments = (disk, tmp_path / "elsewhere", SAVE_CELL)
    (full, read_only), _ = python(tmp_path, ONE_MEGABYTE + FILLS_THE_DISK, *arguments, PYTHONPATH=str(ROOT))
    assert list(full) == list(read_only) and len(full) == 6
    for name, sentence in full.items():
        assert sentence and sentence.startswith(f"There is no room for this file in {disk}"), name
        assert "%env FINETUNE_RUNS=" in sentence, name
    for name, sentence in read_only.items():
        assert sentence and sentence.startswith(f"Nothing can be written in {disk}"), name
        assert "which is read-only. Change that, and run this cell again." in sentence, name
    assert (tmp_path / "elsewhere" / "02_trainer" / "model" / "model.safetensors").is_file()


def test_no_room_for_checkpoints_is_said_once_in_a_training(tmp_path, monkeypatch, capsys):
    """It was printed for each of them: eight times in a hundred steps, between the rows of the table."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        trainings.with_trainer(tmp_path / name)
        assert capsys.readouterr().out.count("No room for a checkpoint") == 1


def test_a_loops_checkpoints_that_cannot_be_saved_are_said_once_in_a_training(tmp_path, monkeypatch, capsys):
    def full(state, path):
        raise OSError(28, "No space left on device")

    def said():
        return capsys.readouterr().out.count("could not be saved")

    save = torch.save
    for _ in range(2):
        checkpoints.load_checkpoint(tmp_path)  # a training begins
        monkeypatch.setattr(torch, "save", full)
        for step in (3, 6, 9):
            assert checkpoints.save_checkpoint(tmp_path, step, {}) is None
        assert said() == 1
        monkeypatch.setattr(torch, "save", save)
        assert checkpoints.save_checkpoint(tmp_path, 12, {}) and said() == 0
        monkeypatch.setattr(torch, "save", full)
        checkpoints.save_checkpoint(tmp_path, 15, {})
        assert said() == 1, "there had been room again"
        monkeypatch.setattr(torch, "save", save)
