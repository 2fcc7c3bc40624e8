"""Protects a learner from settings that appear without a word, or that leave the loss curve empty."""

import dataclasses
import json
import os

import psutil
import pytest
from transformers import TrainingArguments
from transformers.trainer_callback import TrainerState

from helpers.machine import Machine
from helpers.train import folder, housekeeping

CPU = Machine("local", "cpu", "x", 8.0, 2, bf16=False, fp16=False)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (CPU, {"bf16": False, "use_cpu": True, "dataloader_pin_memory": False}),
        (dataclasses.replace(CPU, bf16=True), {"bf16": True, "use_cpu": True}),
        (
            dataclasses.replace(CPU, device="cuda", fp16=True),
            {"fp16": True, "use_cpu": False, "dataloader_pin_memory": True},
        ),
    ],
    ids=["float32", "bf16", "fp16"],
)
def test_each_argument_is_printed_once_with_its_reason(tmp_path, capsys, machine, expected):
    arguments = housekeeping(machine, tmp_path / "run")
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("=")[0] for line in lines] == list(arguments)
    assert all(len(line.split("  ", 1)[1].split()) >= 3 for line in lines)
    assert arguments.items() >= expected.items()


def test_what_a_notebook_changes_is_printed_as_it_counts(tmp_path, capsys):
    """A printed save_strategy that the notebook then overrides would say the opposite of what happens."""
    arguments = housekeeping(CPU, tmp_path / "run", save_strategy="no", disable_tqdm=True)
    printed = capsys.readouterr().out
    assert (arguments["save_strategy"], arguments["disable_tqdm"]) == ("no", True)
    assert "save_strategy='no'" in printed and "disable_tqdm=True" in printed
    assert "save_steps" not in printed and "as this notebook sets it" in printed


def test_a_short_training_still_has_a_curve(tmp_path):
    """The library's default, 500 steps, logs nothing in a training of 375 steps: the curve stays empty."""
    args = TrainingArguments(eval_strategy="epoch", **housekeeping(CPU, tmp_path / "run"))
    state = TrainerState()
    for steps, points in ((375, 75), (20, 20)):
        state.compute_steps(args, steps)
        assert steps // state.logging_steps == points and steps // state.save_steps == 5


def test_a_second_notebook_gets_a_folder_of_its_own(tmp_path):
    """Two trainings in one folder would delete each other's checkpoints."""
    parent = psutil.Process(os.getppid())
    holder = {"pid": parent.pid, "started": folder._started(parent)}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "in_use.json").write_text(json.dumps(holder), encoding="utf-8")
    for _ in range(2):
        assert housekeeping(CPU, tmp_path / "run")["output_dir"] == str(tmp_path / "run-2")
