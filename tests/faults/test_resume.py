"""Protects a learner from losing a training to a kill, a full disk or a read-only folder."""

from __future__ import annotations

import ctypes
import functools
import json
import os
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from notebook_files import ROOT

sys.path.insert(0, str(ROOT / "tests" / "faults"))

import trainings
from trainings import PROCESSES
from transformers import TrainerCallback

from helpers.train import checkpoints, last_checkpoint, own_folder, trainer_checkpoints
from helpers.train import folder as folder_lock
from helpers.train.checkpoints import step_of
from helpers.train.runs import Run

pytestmark = pytest.mark.faults
KILLED = -signal.SIGKILL


def run(way, folder, fault=None) -> int:
    """Train in a process of its own, and return its exit code."""
    process = PROCESSES.Process(target=trainings.in_a_process, args=(way, folder, fault))
    process.start()
    process.join(120)
    return process.exitcode


def result(folder):
    return json.loads((folder.parent / "result.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    @functools.cache
    def of(way):
        folder = tmp_path_factory.mktemp(way) / "training"
        folder.mkdir()
        assert run(way, folder) == 0
        return result(folder)

    return of


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "training"
    path.mkdir()
    return path


class KilledInEvaluation(TrainerCallback):
    def on_prediction_step(self, args, state, control, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)


def kill_in_evaluation(way):
    """Kill the training in an evaluation; a checkpoint is due at the epoch's last step."""
    return {"callbacks": [KilledInEvaluation()], "every": trainings.STEPS // trainings.EPOCHS}


class AtStep(TrainerCallback):
    """Do something after a step."""

    def __init__(self, do):
        self.do = do

    def on_step_end(self, args, state, control, **kwargs):
        self.do(state.global_step)


def at_step(way, do):
    return {"callbacks": [AtStep(do)]} if way == "Trainer" else {"on_step": do}


def kill_after(step, way):
    return at_step(way, lambda done: os.kill(os.getpid(), signal.SIGKILL) if done == step else None)


def kill_in_saving(count, way):
    """Kill the training in the middle of the `count`-th file that torch.save writes."""
    save = torch.save
    calls = []

    def broken(state, path, *args, **kwargs):
        calls.append(path)
        save(state, path, *args, **kwargs)
        if len(calls) == count:
            os.truncate(path, Path(path).stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    torch.save = broken
    return {}


def kill_after_a_file(way):
    """Kill the training after torch.save has written a whole file."""
    save = torch.save
    torch.save = lambda state, path, *args, **kwargs: (
        save(state, path, *args, **kwargs),
        os.kill(os.getpid(), signal.SIGKILL),
    )
    return {}


def no_file_grows(step, way):
    """Let no file grow from `step` on, as on a full disk, where only small files still fit."""
    return at_step(
        way,
        lambda done: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)) if done == step else None,
    )


def folder_is_read_only(folder, way):
    """Make the folder read-only, for root too.

    Root may write anywhere by one capability (CAP_DAC_OVERRIDE, `man 7 capabilities`), and this process gives
    it up. It stays root: another user could not read the libraries of an environment that is for its owner
    only.
    """
    folder.chmod(0o555)
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        header = (ctypes.c_uint32 * 2)(0x2008_0522, 0)  # version 3, this process
        sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits
        assert libc.capget(header, sets) == 0
        sets[0] &= ~(1 << 1)
        assert libc.capset(header, sets) == 0
    return {}


@pytest.mark.parametrize("step", [2, 4, 7, 9, 13, 20])
@pytest.mark.parametrize("way", trainings.WAYS)
def test_killed_between_steps(way, step, folder, uninterrupted):
    """The kills come before the first checkpoint, in the middle of an epoch (whose order is drawn once), at
    its end, and in the last epoch.
    """
    assert run(way, folder, functools.partial(kill_after, step)) == KILLED
    assert run(way, folder) == 0
    assert result(folder) == uninterrupted(way)


@pytest.mark.parametrize(
    ("way", "count"), [("Trainer", 2), ("Trainer", 4), ("Trainer", 9), ("loop", 1), ("loop", 3)]
)
def test_killed_while_saving(way, count, folder, uninterrupted):
    """The half-written checkpoint is the newest, and Trainer's own search would take it."""
    assert run(way, folder, functools.partial(kill_in_saving, count)) == KILLED
    assert run(way, folder) == 0
    assert result(folder) == uninterrupted(way)


def test_killed_while_evaluating(folder, uninterrupted):
    """A checkpoint from before the evaluation of its step would resume in the next epoch. That evaluation
    would be missing.
    """
    assert run("Trainer", folder, kill_in_evaluation) == KILLED
    assert run("Trainer", folder) == 0
    assert result(folder) == uninterrupted("Trainer")


@pytest.mark.parametrize("way", trainings.WAYS)
def test_killed_again_and_again(way, folder, uninterrupted):
    for step in (5, 8, 11, 19):
        assert run(way, folder, functools.partial(kill_after, step)) == KILLED
    assert run(way, folder) == 0
    assert result(folder) == uninterrupted(way)


@pytest.mark.parametrize("way", trainings.WAYS)
def test_a_disk_that_is_full_while_saving(way, folder, uninterrupted):
    """Trainer's save raises in the middle of a training. The checkpoint before it stays, and nothing ends in
    a traceback.
    """
    assert run(way, folder, functools.partial(no_file_grows, 4)) == 0
    first = result(folder)
    if way == "loop":
        assert first == uninterrupted(way)  # it goes on without
        assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-3.pt"]
        assert checkpoints.load_checkpoint(folder)["run"]["history"][-1]["step"] == 3
    else:
        assert first["status"] == "failed" and first["losses"][-1][0] == 6
        assert run(way, folder) == 0
        assert result(folder) == uninterrupted(way)


@pytest.mark.parametrize("way", trainings.WAYS)
def test_a_folder_that_may_not_be_written_to(way, folder):
    assert run(way, folder, functools.partial(folder_is_read_only, folder)) == 0
    assert result(folder)["status"] == ("finished" if way == "loop" else "failed")


@pytest.mark.parametrize("way", trainings.WAYS)
def test_never_more_than_two_checkpoints(way, folder):
    """They fill the disk. After the end of Trainer's training, there is nothing to resume."""
    seen = []
    trainings.WAYS[way](
        folder, **at_step(way, lambda step: seen.append(len(list(folder.glob("checkpoint-*")))))
    )
    assert max(seen) == 2
    assert way == "loop" or not list(folder.glob("checkpoint-*"))


def test_the_newest_checkpoint_outlives_a_clock_that_was_set_back(folder, monkeypatch):
    """Trainer deletes by modification time. Once the clock was set back, the newest looks the oldest."""
    import transformers.trainer

    rotate = transformers.trainer.rotate_checkpoints
    kept = []

    def an_hour_ago(output_dir, **kwargs):
        newest = max(Path(output_dir).glob("checkpoint-*"), key=step_of)
        os.utime(newest, (newest.stat().st_mtime - 3_600,) * 2)
        rotate(output_dir, **kwargs)
        kept.append(newest.is_dir())

    monkeypatch.setattr(transformers.trainer, "rotate_checkpoints", an_hour_ago)
    trainings.with_trainer(folder)
    assert len(kept) > 3 and all(kept)


def test_without_room_a_checkpoint_is_left_out_before_it_is_begun(folder, monkeypatch, capsys, uninterrupted):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    torch.set_num_threads(1)
    trainings.with_trainer(folder)
    assert result(folder) == uninterrupted("Trainer")
    assert "No room for a checkpoint: it takes" in capsys.readouterr().out and not list(
        folder.glob("checkpoint-*")
    )


def test_a_checkpoint_of_other_settings_is_not_resumed(folder, capsys):
    """A learner changes the learning rate and runs all cells again. The comparison must not be with the rest
    of another training.
    """
    assert run("Trainer", folder, functools.partial(kill_after, 5)) == KILLED
    found = last_checkpoint(folder, {"learning_rate": 1e-3})
    assert Path(found).name == "checkpoint-3"
    assert last_checkpoint(folder, {"learning_rate": 5e-4}) is None
    assert "learning_rate 0.001 (now 0.0005)" in capsys.readouterr().out and Path(found).is_dir()


def of_another_training(folder):
    """Give the checkpoints in `folder` another learning rate."""
    for path in folder.glob("checkpoint-*"):
        if path.is_dir():
            record = path / "run.json"
            record.write_text(
                record.read_text(encoding="utf-8").replace(
                    '"learning_rate": 0.001', '"learning_rate": 0.5', 1
                ),
                encoding="utf-8",
            )
            complete = json.loads((path / "complete.json").read_text()) | {record.name: record.stat().st_size}
            (path / "complete.json").write_text(json.dumps(complete))
        else:
            state = torch.load(path, weights_only=True)
            state["run"]["settings"]["learning_rate"] = 0.5
            torch.save(state, path)


def steps_of_checkpoints(folder):
    return sorted(map(step_of, folder.glob("checkpoint-*")))


@pytest.mark.parametrize("way", trainings.WAYS)
def test_checkpoints_of_another_training_make_room_for_those_of_this_one(way, folder, uninterrupted):
    """They got further. By their number they would pass for the newest, and each new one for the old one that
    may go.
    """
    assert run(way, folder, functools.partial(kill_after, 20)) == KILLED
    of_another_training(folder)
    assert steps_of_checkpoints(folder) == [15, 18]
    assert run(way, folder, functools.partial(kill_after, 2)) == KILLED
    assert steps_of_checkpoints(folder) == [
        15,
        18,
    ], "until this one has saved, one can go back to the other's settings"
    assert run(way, folder, functools.partial(kill_after, 8)) == KILLED
    # an epoch has seven steps
    assert steps_of_checkpoints(folder) == ([6, 7] if way == "Trainer" else [3, 6])
    assert run(way, folder) == 0
    assert result(folder) == uninterrupted(way)


def test_an_older_one_of_these_settings_is_found_behind_one_of_others(tmp_path, capsys):
    for step, rate in ((3, 0.1), (6, 0.2)):
        checkpoints.save_checkpoint(tmp_path, step, {"step": step, "run": {"settings": {"rate": rate}}})
    assert checkpoints.load_checkpoint(tmp_path, {"rate": 0.1})["step"] == 3
    assert capsys.readouterr().out.startswith("Going on from step 3")
    assert checkpoints.load_checkpoint(tmp_path, {"rate": 0.3}) is None
    said = (
        "checkpoint-6.pt comes from a training with rate 0.2 (now 0.3); this one starts from the first"
        " step.\n"
    )
    assert capsys.readouterr().out == said


def test_a_checkpoint_that_is_overwritten_does_not_count_as_complete(folder):
    """Its files are as long as those of the new one. With the old list of files, a mixture of both would look
    complete.
    """
    assert run("Trainer", folder, functools.partial(kill_after, 4)) == KILLED
    of_another_training(folder)
    assert trainer_checkpoints._is_complete(folder / "checkpoint-3")
    assert run("Trainer", folder, kill_after_a_file) == KILLED
    assert not trainer_checkpoints._is_complete(folder / "checkpoint-3")


def test_checkpoints_of_a_trainer_without_the_callback_are_neither_taken_nor_deleted(folder, capsys):
    """They lie whole in the learner's own folder; only the callback's record is missing. What Trainer has not
    finished is deleted.
    """
    for step, file in ((6, "trainer_state.json"), (9, "model.safetensors")):
        (folder / f"checkpoint-{step}").mkdir()
        (folder / f"checkpoint-{step}" / file).write_text("{}")
    assert last_checkpoint(folder, {}) is None
    assert "checkpoint-6 is left out: CheckpointCallback did not save all of it." in capsys.readouterr().out
    trainer_checkpoints.delete_checkpoints(folder)
    assert steps_of_checkpoints(folder) == [6]


def test_settings_that_change_no_loss_do_not_cost_the_checkpoint():
    settings = {
        "learning_rate": 1e-3,
        "labels": ("a", "b"),
        "per_device_eval_batch_size": 64,
        "report_to": [],
    }
    assert (
        checkpoints._difference(
            settings, settings | {"labels": ["a", "b"], "per_device_eval_batch_size": 8, "report_to": "none"}
        )
        == ""
    )


def test_what_cannot_be_deleted_costs_no_training(folder, monkeypatch):
    """On Windows, a virus scanner or a synchronized folder holds files open."""

    def held(path, *args, **kwargs):
        raise PermissionError(
            13, "The process cannot access the file because it is being used by another process", str(path)
        )

    monkeypatch.setattr(os, "unlink", held)
    monkeypatch.setattr(os, "rmdir", held)
    assert trainings.with_a_loop(folder).status == "finished"
    (folder / "checkpoint-3").mkdir()
    (folder / "checkpoint-3" / "complete.json").touch()
    trainer_checkpoints.delete_checkpoints(folder)
    assert len(steps_of_checkpoints(folder)) == trainings.STEPS // trainings.EVERY + 1


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, capsys):
    for step in (3, 6, 9):
        checkpoints.save_checkpoint(tmp_path, step, {"step": step, "weights": torch.ones(50)})
    (tmp_path / "checkpoint-9.pt").write_bytes((tmp_path / "checkpoint-9.pt").read_bytes()[:300])
    (tmp_path / "checkpoint-12.pt.4711.partial").write_bytes(b"half")
    assert checkpoints.load_checkpoint(tmp_path)["step"] == 6
    assert "checkpoint-9.pt cannot be read" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-6.pt", "checkpoint-9.pt"]


def test_a_checkpoint_runs_no_code(tmp_path, capsys):
    """A pickled file can hold any command. Somebody else's checkpoint must stay data."""

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    torch.save({"model": Hostile()}, tmp_path / "checkpoint-3.pt")
    assert checkpoints.load_checkpoint(tmp_path) is None
    assert not (tmp_path / "executed").exists() and "cannot be read" in capsys.readouterr().out


def test_two_notebooks_never_train_in_one_folder(tmp_path):
    """Each would delete the other's checkpoints. A folder whose kernel was killed is free again."""
    ours = own_folder(tmp_path / "02")
    with PROCESSES.Pool(1) as pool:
        assert pool.apply(own_folder, (tmp_path / "02",)) == tmp_path / "02-2"
    assert own_folder(tmp_path / "02") == ours == tmp_path / "02"
    (tmp_path / "02" / "in_use.json").write_text(
        json.dumps({"pid": os.getpid(), "started": 1}), encoding="utf-8"
    )
    with PROCESSES.Pool(1) as pool:
        assert pool.apply(own_folder, (tmp_path / "02",)) == ours


@pytest.mark.parametrize(
    ("seconds_ago", "name"),
    [(3_600, "02"), (-3_600, "02"), (1, "02-2")],
    ids=["killed", "clock set back", "just now"],
)
def test_a_folder_whose_holder_was_killed_while_it_took_it_is_free(tmp_path, seconds_ago, name):
    """Its claim is an empty file. It must not keep the folder from everyone for ever. But nobody may take the
    folder for free while the claim is being written.
    """
    claim = tmp_path / "02" / "in_use.json"
    claim.parent.mkdir()
    claim.touch()
    os.utime(claim, (time.time() - seconds_ago,) * 2)
    assert own_folder(tmp_path / "02").name == name


def test_a_notebook_still_holds_its_folder_after_the_clock_was_set(tmp_path, monkeypatch):
    """The system counts a process's start from the time of day when it was booted, and moves both."""
    ours = own_folder(tmp_path / "02")
    holder = json.loads((ours / "in_use.json").read_text())
    started = psutil.Process().create_time()
    booted = psutil.boot_time()
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: started - 3_600)
    monkeypatch.setattr(psutil, "boot_time", lambda: booted - 3_600)
    assert folder_lock._still_runs(holder)


def test_a_resumed_record_goes_on_where_it_ended():
    earlier = Run(
        "first",
        seconds=90.0,
        history=[{"step": 4, "loss": 1.5, "seconds": 80.0}],
        evaluations=[{"step": 4, "eval_loss": 1.4}],
    )
    run = Run("second")
    run.resume(earlier)
    run.log(5, 1.3)
    assert run.status == "running" and run.series("loss") == ([4, 5], [1.5, 1.3]) and 90 <= run.seconds < 100
    assert run.series("eval_loss")[1] == [1.4]
