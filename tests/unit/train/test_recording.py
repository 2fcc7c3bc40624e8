"""Protects a learner's record: interrupts, NaN losses and errors end a training, and nothing is lost."""

import contextlib
import math
import threading
import types

import pytest
import torch
from tiny import ROWS, TinyClassifier, trainer_for

from helpers.train.recording import RunCallback, recording
from helpers.train.runs import NonFiniteLossError, Run


@pytest.mark.parametrize(("fp16", "expected"), [(False, math.nan), (True, 1.5)])
def test_a_gradient_that_overflows_is_no_failure_in_fp16(fp16, expected):
    """GradScaler tries a scale, leaves out a step if the scale was too high, and goes on. On a T4, many
    trainings begin with such a step.
    """
    run = Run("test")
    args = types.SimpleNamespace(fp16=fp16)
    state = types.SimpleNamespace(global_step=1, epoch=0.1)
    run.start()
    with pytest.raises(NonFiniteLossError) if math.isnan(expected) else contextlib.nullcontext():
        RunCallback(run).on_log(args, state, None, logs={"loss": 1.5, "grad_norm": math.inf})
    assert run.series("loss")[1] == pytest.approx([expected], nan_ok=True)


def test_callback_records_steps_and_evaluations(tmp_path):
    run = Run("test")
    trainer = trainer_for(TinyClassifier(), run, tmp_path, eval_strategy="epoch")
    with recording(run):
        trainer.train()
    assert run.series("loss")[0] == list(range(1, 13)) and run.status == "finished"
    assert [point["step"] for point in run.evaluations] == [6, 12]
    assert run.history[0]["learning_rate"] == pytest.approx(0.1) and run.history[-1]["epoch"] == 2
    trainer.evaluate()
    assert len(run.evaluations) == 2, "an evaluation after the training is not part of it"


def test_trainer_s_losses_are_the_loop_s_losses(tmp_path):
    """Notebook 3 claims it: the same order, clipping, schedule and optimizer give the same numbers."""
    torch.manual_seed(0)
    model = TinyClassifier()
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run = Run("Trainer")
    with recording(run):
        trainer_for(model, run, tmp_path, seed=7).train()

    model.load_state_dict(start)
    order = torch.Generator()
    losses = []
    loader = torch.utils.data.DataLoader(
        ROWS, sampler=torch.utils.data.RandomSampler(ROWS, generator=order), batch_size=4
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 12)
    for epoch in range(2):
        order.manual_seed(7 + epoch)
        for batch in loader:
            loss = model(**batch)["loss"]
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    assert run.series("loss")[1] == pytest.approx(losses, abs=1e-6)


def test_stop_ends_within_a_step_and_keeps_the_model(tmp_path):
    run = Run("test")
    model = TinyClassifier(hook=lambda seen: run.request_stop() if seen == 3 else None)
    before = model.layer.weight.detach().clone()
    with recording(run):
        trainer_for(model, run, tmp_path).train()
    assert run.series("loss")[0][-1] == 3 and run.status == "stopped"
    assert not torch.equal(before, model.layer.weight)


def test_interrupting_keeps_model_and_history_and_raises_nothing(tmp_path, capsys):
    """The ■ button raises KeyboardInterrupt in the cell. If people see a traceback there, they restart and
    lose everything.
    """

    def press(seen):
        if seen == 4:
            raise KeyboardInterrupt

    run = Run("test")
    model = TinyClassifier(hook=press)
    with recording(run):
        trainer_for(model, run, tmp_path).train()
    assert run.status == "stopped" and len(run.history) == 3 and model.seen == 4
    assert "keeps what it has learned" in capsys.readouterr().out


@pytest.mark.parametrize("nan_filter", [False, True])
def test_a_nan_loss_stops_the_training_and_keeps_the_history(tmp_path, capsys, nan_filter):
    """Trainer's default filter replaces a NaN loss by a mean, and a dead model takes hours."""
    run = Run("test")
    model = TinyClassifier(broken_from=5)
    with recording(run):
        trainer_for(model, run, tmp_path, logging_nan_inf_filter=nan_filter).train()
    assert run.status == "failed" and len(run.history) == 6 and model.seen == 6
    assert "step 6" in capsys.readouterr().out


def test_the_native_loop_stops_at_nan_too(capsys):
    run = Run("loop")
    with recording(run):
        for step, loss in enumerate([1.0, math.inf, 0.5], 1):
            run.log(step, loss, learning_rate=1.0)
    assert (run.status, len(run.history)) == (
        "failed",
        2,
    ) and "Lower learning_rate" in capsys.readouterr().out


def test_other_errors_are_noted_and_raised():
    run = Run("test")
    with pytest.raises(ZeroDivisionError), recording(run):
        run.log(1, 1.0 / 0)
    assert run.status == "failed" and "ZeroDivisionError" in run.message


def test_a_failed_run_can_be_started_again():
    run = Run("test")
    with recording(run):
        run.log(1, math.nan)
    with recording(run):
        run.log(1, 1.0)
    assert run.status == "finished" and len(run.history) == 1


def test_recording_works_in_a_background_thread():
    run = Run("test")

    def train():
        with recording(run):
            run.log(1, 1.0)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert run.status == "finished"
