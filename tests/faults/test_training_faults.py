"""Protects a learner from a traceback, and from loss, when memory, disk or the loss itself fails."""

from __future__ import annotations

import errno
import json
import math
import sys
from pathlib import Path

import pytest
import torch
from notebook_files import ROOT
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback

sys.path.insert(0, str(ROOT / "tests" / "faults"))

import trainings

from helpers.explain.resources import cannot_write, out_of_memory
from helpers.train.recording import RunCallback, recording
from helpers.train.runs import Run
from helpers.train.steps import smaller_batches

pytestmark = pytest.mark.faults


def arguments(folder, logging_nan_inf_filter=False, **given):
    return TrainingArguments(
        str(folder),
        num_train_epochs=1,
        learning_rate=1e-3,
        train_sampling_strategy="group_by_length",
        logging_steps=1,
        save_strategy="no",
        logging_nan_inf_filter=logging_nan_inf_filter,
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **given,
    )


def train(args, run, callbacks=()):
    """Train without dropout, so that two ways to sum the same gradients can be compared."""
    tokenizer, rows = trainings.data()
    set_seed(42)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=64,
            num_labels=5,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    model.accepts_loss_kwargs = False  # as in notebook 2
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=rows,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        callbacks=[RunCallback(run), *callbacks],
    )
    trainer.remove_callback(PrinterCallback)
    with recording(run):
        trainer.train()
    return model


def no_memory():
    """Raise PyTorch's own error on a CPU: ask for more memory than there can be."""
    torch.empty(2**58)


def gpu_without_memory():
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def python_without_memory():
    raise MemoryError


@pytest.mark.parametrize("fault", [no_memory, gpu_without_memory, python_without_memory])
def test_out_of_memory_proposes_a_smaller_batch(fault, capsys):
    """PyTorch shows forty frames of traceback, and none of them holds the advice."""
    run = Run("too large")
    with recording(run):
        run.log(1, 1.5)
        fault()
    assert run.status == "failed" and run.series("loss")[1] == [1.5]
    assert "args = smaller_batches(args)" in capsys.readouterr().out


def test_other_errors_are_not_taken_for_it():
    run = Run("wrong")
    with pytest.raises(RuntimeError, match="shapes"), recording(run):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert run.status == "failed" and "shapes" in run.message
    assert not out_of_memory(RuntimeError("index out of range")) and not cannot_write(
        ValueError("label out of range")
    )


def test_the_smaller_batch_is_the_same_recipe(tmp_path):
    """Half the batch alone would be another training. And Trainer doubles a classifier's loss when it adds up
    gradients by its own rule.
    """
    whole = Run("whole")
    pieces = Run("pieces")
    args = arguments(tmp_path, per_device_train_batch_size=8)
    models = [train(args, whole), train(smaller_batches(args), pieces)]
    steps, losses = whole.series("loss")
    assert pieces.series("loss")[0] == steps
    assert pieces.series("loss")[1] == pytest.approx(losses, abs=2e-4)
    first, second = (
        torch.cat([weights.flatten() for weights in model.state_dict().values()]) for model in models
    )
    torch.testing.assert_close(first, second, atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("size", "advice"), [(1, "cannot be halved. Lower max_length"), (7, "an even number")]
)
def test_a_batch_that_cannot_be_halved(size, advice, tmp_path):
    with pytest.raises(ValueError, match=advice):
        smaller_batches(arguments(tmp_path, per_device_train_batch_size=size))


class Poison(TrainerCallback):
    """Put a value into the weights after a step, as too high a learning rate would."""

    def __init__(self, step, value):
        self.step = step
        self.value = value

    def on_step_end(self, args, state, control, model=None, **kwargs):
        if state.global_step == self.step:
            with torch.no_grad():
                model.classifier.bias.fill_(self.value)


@pytest.mark.parametrize(("value", "filtered"), [(math.nan, False), (math.inf, False), (math.nan, True)])
def test_a_loss_that_is_no_number_ends_the_training(value, filtered, tmp_path, capsys):
    """Trainer goes on to the end. By default it even logs the mean of the earlier losses in its place."""
    run = Run("diverged")
    train(arguments(tmp_path, filtered, per_device_train_batch_size=8), run, [Poison(3, value)])
    assert run.status == "failed" and run.step == 4 and all(map(math.isfinite, run.series("loss")[1][:3]))
    assert "Lower learning_rate" in capsys.readouterr().out


def test_a_full_disk_leaves_the_earlier_record_whole(tmp_path, monkeypatch):
    run = Run("first", seconds=3.0)
    path = run.save(tmp_path / "run_1.json")
    before = path.read_bytes()

    def half(self, text, encoding):
        self.write_bytes(text.encode()[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    run.log(1, 1.0)
    with pytest.raises(OSError, match="No space left"):
        run.save(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", ["", "{", '{"name": "half", "history": [{"step"', "[1, 2]", '{"name": 3}', "null", "\0\0\0"]
)
def test_a_foreign_or_half_written_record_is_skipped_with_a_line(content, tmp_path):
    """Once it ended the cell that shows the panel. The next run must not take its name."""
    from helpers.show.lab.panel import HyperparameterPanel

    path = tmp_path / "run_4.json"
    path.write_text(content, encoding="utf-8")
    run = Run(
        "run 2",
        {"per_device_train_batch_size": None},
        [{"step": 1, "loss": 1.2}],
        status="running",
        seconds=1.0,
    )
    good = run.save(tmp_path / "run_2.json")
    panel = HyperparameterPanel(
        lambda args, run, size: run.log(1, 1.5),
        arguments(tmp_path),
        train_rows=16,
        eval_rows=8,
        folder=tmp_path,
    )
    assert "run_4.json is left out" in panel._message.value
    assert [(run.name, run.status) for run in panel.runs] == [("run 2", "stopped")]
    panel.run()
    assert panel.runs[-1].name == "run 5" and path.read_text(encoding="utf-8") == content and good.is_file()


def test_two_panels_of_two_kernels_never_take_the_same_name(tmp_path, monkeypatch):
    """Both counted the files before either had written one, so the later overwrote the earlier's run."""
    from helpers.show.lab.panel import HyperparameterPanel

    panel = HyperparameterPanel(
        lambda args, run, size: run.log(1, 1.5),
        arguments(tmp_path),
        train_rows=16,
        eval_rows=8,
        folder=tmp_path,
    )
    seen = []
    own = panel._folder.new_name

    def the_other_is_faster(folder, runs):
        name = own(runs)
        if not seen:
            Run(name, status="running", settings={"by": "the other"}).save(
                tmp_path / f"{name.replace(' ', '_')}.json"
            )
        seen.append(name)
        return name

    monkeypatch.setattr(type(panel._folder), "new_name", the_other_is_faster)
    assert panel.run().name == "run 2" and seen == ["run 1", "run 2"]
    assert json.loads((tmp_path / "run_1.json").read_text(encoding="utf-8"))["settings"] == {
        "by": "the other"
    }


def test_a_folder_for_reading_only_costs_the_file_and_not_the_run(tmp_path, monkeypatch):
    from helpers.show.lab.panel import HyperparameterPanel

    panel = HyperparameterPanel(
        lambda args, run, size: run.log(1, 1.5),
        arguments(tmp_path),
        train_rows=16,
        eval_rows=8,
        folder=tmp_path / "runs",
    )
    monkeypatch.setattr(
        Run, "save", lambda self, path: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    assert panel.run().status == "finished"
    assert "cannot be saved" in panel._message.value and len(panel.runs) == 1


def test_the_panel_trains_in_smaller_pieces_where_it_is_asked_to(tmp_path):
    from helpers.show.lab.panel import HyperparameterPanel

    seen = []

    def needs_memory(args, run, size):
        seen.append((args.per_device_train_batch_size, args.gradient_accumulation_steps))
        run.log(1, 1.5)
        if args.per_device_train_batch_size > 4:
            gpu_without_memory()

    panel = HyperparameterPanel(
        needs_memory,
        arguments(tmp_path, per_device_train_batch_size=16),
        train_rows=64,
        eval_rows=8,
        folder=tmp_path / "runs",
    )
    assert panel._smaller.layout.display == "none"
    for hidden in (None, None, "none"):
        (panel._buttons["run"] if not seen else panel._smaller).click()
        panel._worker.thread.join(10)
        assert panel._smaller.layout.display == hidden
    assert seen == [(16, 1), (8, 2), (4, 4)]
    assert [run.status for run in panel.runs] == ["failed", "failed", "finished"]
    assert {run.settings["per_device_train_batch_size"] for run in panel.runs} == {16}
    assert "gradient_accumulation_steps=4" in panel._source.value
