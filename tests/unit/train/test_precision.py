"""Protects a learner from losing an interrupted training because a kernel computes in another precision."""

import dataclasses
import json
import os

import pytest
import torch
from machines import CPU

from helpers.train.precision import keep_precision

pytestmark = pytest.mark.faults
BF16 = dataclasses.replace(CPU, bf16=True)
GPU = dataclasses.replace(CPU, device="cuda", fp16=True)
KEY = "offline-bert-reviews"


def by_trainer(folder, precision, *, use_cpu=True, when=0):
    """Write what of a checkpoint of `Trainer` tells its precision."""
    folder.mkdir(parents=True)
    settings = {"bf16": precision == "bf16", "fp16": precision == "fp16", "use_cpu": use_cpu}
    (folder / "run.json").write_text(json.dumps({"settings": settings}))
    (folder / "complete.json").write_text("{}")
    os.utime(folder / "complete.json", (when, when))


def by_loop(path, precision, *, device="cpu", when=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"run": {"settings": {"device": device, "precision": precision}}}, path)
    os.utime(path, (when, when))


def test_the_precision_of_an_interrupted_training_is_kept(tmp_path):
    by_trainer(tmp_path / "02_trainer" / KEY / "checkpoint-15", "float32")
    machine, said = keep_precision(BF16, tmp_path, KEY)
    assert machine.precision == "float32" and machine.half_precision is None
    assert said == (
        "float32, because a training that was interrupted began so, and can go on. "
        f"To train in bf16, delete {tmp_path / '02_trainer' / KEY} and run this cell again."
    )
    assert keep_precision(CPU, tmp_path, KEY) == (CPU, ""), "nothing to say where it is the same"


def test_a_loops_checkpoint_counts_as_well_and_the_newest_decides(tmp_path):
    """A second notebook trains in a folder with a number."""
    by_trainer(tmp_path / "02_trainer" / KEY / "checkpoint-90", "float32", when=1)
    by_loop(tmp_path / "03_loop" / f"{KEY}-2" / "checkpoint-37.pt", "bf16", when=2)
    assert keep_precision(CPU, tmp_path, KEY)[0] == BF16


@pytest.mark.parametrize("place", [f"{KEY}-large", "other", f"{KEY}/killed"])
def test_other_trainings_decide_nothing(tmp_path, place):
    by_trainer(tmp_path / "02_trainer" / place / "checkpoint-15", "bf16")
    assert keep_precision(CPU, tmp_path, KEY) == (CPU, "")


def test_a_training_on_another_device_decides_nothing(tmp_path):
    """In fp16, a CPU ends in an error in the first step."""
    by_trainer(tmp_path / "02_trainer" / KEY / "checkpoint-15", "fp16", use_cpu=False)
    by_loop(tmp_path / "03_loop" / KEY / "checkpoint-37.pt", "fp16", device="cuda")
    assert keep_precision(CPU, tmp_path, KEY) == (CPU, "")
    assert keep_precision(dataclasses.replace(GPU, fp16=False, bf16=True), tmp_path, KEY)[0] == GPU


def test_a_damaged_checkpoint_stops_nobody(tmp_path):
    by_trainer(tmp_path / "02_trainer" / KEY / "checkpoint-15", "bf16", when=2)
    (tmp_path / "02_trainer" / KEY / "checkpoint-15" / "run.json").write_text("{")
    (tmp_path / "03_loop" / KEY).mkdir(parents=True)
    (tmp_path / "03_loop" / KEY / "checkpoint-37.pt").write_bytes(b"half")
    assert keep_precision(CPU, tmp_path, KEY) == (CPU, "")
    assert keep_precision(CPU, tmp_path / "none", KEY) == (CPU, "")
