"""Protects a learner from a training that waits for other processes, or uses GPUs that nobody planned for."""

import os
import types

import IPython
import pytest
import torch
import transformers
from transformers import Trainer, TrainingArguments

from helpers.start import environment

pytestmark = pytest.mark.faults


@pytest.fixture
def shell(monkeypatch):
    """Leave nothing of a launcher in the environment, and return a function that pretends to be a kernel."""
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)

    def pretend(kernel=True):
        shell = types.SimpleNamespace(**({"kernel": object()} if kernel else {}))
        monkeypatch.setattr(IPython, "get_ipython", lambda: shell)

    return pretend


@pytest.fixture
def two_gpus(monkeypatch):
    """Let PyTorch count two GPUs. The arguments' class is a machine's own afterwards."""
    monkeypatch.setattr(TrainingArguments, "n_gpu", TrainingArguments.n_gpu)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def test_what_a_launcher_left_is_named_and_removed(shell, monkeypatch):
    """With LOCAL_RANK alone, the cell with TrainingArguments ends in a raw ValueError."""
    shell()
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "4")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    said = environment.train_in_one_process()
    assert said.startswith("removed in this kernel only: ACCELERATE_MIXED_PRECISION, LOCAL_RANK, PMI_SIZE. ")
    assert "LOCAL_RANK" not in os.environ and "PMI_SIZE" not in os.environ
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert environment.train_in_one_process() == "", "one line, once"


@pytest.mark.parametrize("launched", [True, False])
def test_a_script_keeps_what_its_launcher_set(shell, monkeypatch, two_gpus, launched):
    """A script that torchrun starts trains on several GPUs, and may call `setup` as well."""
    shell(kernel=launched)
    if launched:
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert environment.train_in_one_process() == environment.train_on_one_gpu() == ""
    assert os.environ["WORLD_SIZE"] == "2"


def test_outside_ipython_nothing_is_touched(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert environment.train_in_one_process() == ""
    assert os.environ["WORLD_SIZE"] == "2"


def test_trainer_uses_one_of_two_gpus(shell, two_gpus, monkeypatch, tmp_path):
    """Trainer wraps the model in DataParallel and doubles the batch: half the planned steps, other losses."""
    shell()
    said = environment.train_on_one_gpu()
    assert "the first of 2 GPUs" in said and "Notebook 8 trains on all 2" in said

    # No GPU is here: the arguments count two, and nothing is moved to them
    monkeypatch.setattr(transformers.training_args, "is_torch_mps_available", lambda: False)
    args = TrainingArguments(output_dir=str(tmp_path), per_device_train_batch_size=8, report_to="none")
    assert args._n_gpu == 2, "the fake works"
    assert (args.n_gpu, args.train_batch_size, args.eval_batch_size) == (1, 8, 8)
    model = torch.nn.Linear(1, 1)
    trainer = Trainer(model=model, args=args, train_dataset=[{"x": 1}] * 16)
    assert trainer._wrap_model(model) is model
    assert torch.cuda.device_count() == 2, "a script that this notebook starts sees both"


def test_with_one_gpu_nothing_is_said(shell, monkeypatch):
    shell()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert environment.train_on_one_gpu() == ""
