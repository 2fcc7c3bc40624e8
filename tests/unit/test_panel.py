"""Every callback of the panel, without a browser."""

import json
import threading
import time

import pytest
from transformers import TrainerCallback, TrainingArguments

from helpers import plots
from helpers.learning_rates import RangeTest
from helpers.recipes import assignments_code, training_arguments_code
from helpers.runs import Run
from helpers.widgets import HyperparameterPanel, shown
from helpers.widgets.growing import GrowingCurve
from helpers.widgets.run_list import describe, differing_settings

ARGS = TrainingArguments(
    output_dir="out", learning_rate=5e-4, num_train_epochs=2, per_device_train_batch_size=8, eval_strategy="epoch", logging_steps=5,
    save_strategy="no", seed=42, disable_tqdm=True, dataloader_pin_memory=False,
)


class Trainee:
    """Stands for the notebook's function: a loss that falls, one evaluation, no model."""

    def __init__(self):
        self.calls, self.go_on, self.steps_done = [], threading.Event(), 0
        self.go_on.set()

    def __call__(self, args, run, train_size):
        self.calls.append((args, train_size))
        for step in range(1, 21):
            self.go_on.wait(10)
            run.log(step, 1.6 - step / 40)
            self.steps_done = step
            if run.stop_requested:
                return "half a model"
        run.log_evaluation(20, 1.2, accuracy=0.5 + args.seed / 1_000)
        return "a model"


@pytest.fixture
def trainee():
    return Trainee()


@pytest.fixture
def panel(trainee, tmp_path):
    return HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=1_000, folder=tmp_path)


def press(panel, name):
    panel._buttons[name].click()


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def training_that_waits(panel, trainee, name="run"):
    """Press a button; the training begins, and goes no further until `trainee.go_on` is set."""
    trainee.go_on.clear()
    press(panel, name)
    wait_until(lambda: panel._current is not None)


def go_on_to_the_end(panel, trainee):
    trainee.go_on.set()
    wait_until(lambda: not panel.training)


def pressed_and_done(panel, name):
    press(panel, name)
    wait_until(lambda: not panel.training)


def test_moving_a_slider_changes_plan_picture_and_code_at_once(panel, trainee):
    before = panel._schedule.value, panel._source.value
    assert "20 steps" in panel._planned.value
    panel.controls.widgets["num_train_epochs"].value = 3
    panel.controls.widgets["warmup_steps"].value = 0.5
    assert "30 steps" in panel._planned.value and "num_train_epochs=3" in panel._source.value and "warmup_steps=0.5" in panel._source.value
    assert (panel._schedule.value, panel._source.value) != before and panel._schedule.value != before[0]
    assert trainee.calls == [], "before any training"


def test_run_trains_with_what_the_sliders_say(panel, trainee):
    panel.controls.set(learning_rate=1e-3, per_device_train_batch_size=16, lr_scheduler_type="cosine", weight_decay=0.1, seed=7, train_size=40)
    pressed_and_done(panel, "run")
    args, train_size = trainee.calls[0]
    assert (args.learning_rate, args.per_device_train_batch_size, args.lr_scheduler_type) == (1e-3, 16, "cosine")
    assert (args.weight_decay, args.seed, train_size) == (0.1, 7, 40)
    assert args.eval_strategy == "epoch" and panel.result == "a model"
    assert "run 1: finished" in panel._progress.value and panel._bar.max == 6
    assert "accuracy 0.507 ± 0.016" in panel._list.box.children[0].children[1].value


def test_the_page_stays_alive_while_it_trains_and_other_starts_are_disabled(panel, trainee):
    training_that_waits(panel, trainee)
    disabled = {name: button.disabled for name, button in panel._buttons.items()}
    assert disabled == {"run": True, "stop": False, "reset": True, "seeds": True}
    with pytest.raises(RuntimeError, match="A training is running"):
        panel.run()
    press(panel, "run")  # a click that was already on its way
    go_on_to_the_end(panel, trainee)
    assert len(trainee.calls) == 1, "disabled, not queued"
    assert {name: button.disabled for name, button in panel._buttons.items()} == {"run": False, "stop": True, "reset": False, "seeds": False}


def test_stop_ends_within_a_step_and_keeps_model_and_history(panel, trainee):
    training_that_waits(panel, trainee)
    press(panel, "stop")
    go_on_to_the_end(panel, trainee)
    assert trainee.steps_done == 1 and panel.result == "half a model"
    assert panel.runs[0].status == "stopped" and panel.best_run is panel.runs[0]
    assert "stopped after 1 steps" in panel._list.box.children[0].children[1].value


def test_reset_brings_the_defaults_back(panel):
    panel.controls.set(learning_rate=1e-2, seed=3, lr_scheduler_type="constant")
    press(panel, "reset")
    values = panel.controls.values()
    assert (values["learning_rate"], values["seed"], values["lr_scheduler_type"]) == (5e-4, 42, "linear")


def test_an_error_in_training_is_shown_and_the_panel_stays_usable(tmp_path):
    def broken(args, run, train_size):
        if args.seed == 13:
            raise KeyError("<script>alert(1)</script>")
        run.log(1, 1.0)

    panel = HyperparameterPanel(broken, ARGS, train_rows=80, eval_rows=100, folder=tmp_path)
    panel.controls.set(seed=13)
    pressed_and_done(panel, "run")
    assert "KeyError" in panel._message.value and "<details>" in panel._message.value and "<script>" not in panel._message.value
    assert panel.runs[0].status == "failed"
    panel.controls.set(seed=1)
    pressed_and_done(panel, "run")
    assert panel.runs[1].status == "finished" and panel._message.value == ""


def test_a_loss_that_is_no_number_is_said_and_not_raised(tmp_path):
    panel = HyperparameterPanel(lambda args, run, n: run.log(1, float("nan")), ARGS, train_rows=80, eval_rows=100, folder=tmp_path)
    pressed_and_done(panel, "run")
    assert "Lower learning_rate" in panel._message.value and panel.runs[0].status == "failed"


def test_code_that_calls_run_gets_the_run_or_the_error(panel, tmp_path):
    run = panel.run(learning_rate=1e-4, seed=5)
    assert isinstance(run, Run) and run.settings["learning_rate"] == 1e-4 and panel.best_run is run

    def broken(args, run, train_size):
        raise ZeroDivisionError

    failing = HyperparameterPanel(broken, ARGS, train_rows=80, eval_rows=100, folder=tmp_path / "other")
    with pytest.raises(ZeroDivisionError):
        failing.run()
    assert not failing.training and failing.runs[0].status == "failed"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [({"learning_rat": 1}, TypeError, "No setting is called learning_rat. There are: learning_rate"),
     ({"learning_rate": 5.0}, ValueError, "learning_rate must lie between"), ({"train_size": 1_000}, ValueError, "train_size must lie between"),
     ({"lr_scheduler_type": "nope"}, ValueError, "lr_scheduler_type does not take 'nope'")],
)
def test_wrong_settings_are_refused_before_training(panel, trainee, settings, error, message):
    with pytest.raises(error, match=message):
        panel.run(**settings)
    assert trainee.calls == [] and not panel.training


def test_runs_survive_a_restart_and_a_broken_file_is_left_out(panel, trainee, tmp_path):
    panel.run()
    panel.run(seed=9)
    (tmp_path / "run_3.json").write_text('{"name": "run')
    again = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=1_000, folder=tmp_path)
    assert [run.name for run in again.runs] == ["run 1", "run 2"] and again.runs[1].settings["seed"] == 9
    assert "run_3.json is left out" in again._message.value
    assert (tmp_path / "run_3.json").read_text() == '{"name": "run', "what is not ours is never overwritten"
    again.run()
    assert [run.name for run in again.runs][-1] != "run 3" and (tmp_path / "run_3.json").read_text() == '{"name": "run'


def test_overlay_hide_delete(panel, monkeypatch, tmp_path):
    drawn, empty = [], plots.loss_curve(growing=True)
    monkeypatch.setattr(plots, "loss_curve", lambda *runs, numbers, growing=False: drawn.append(([run.name for run in runs], numbers)) or empty)
    panel.run()
    panel.run(seed=9)
    assert drawn[-1] == (["run 1", "run 2"], [0, 1])
    panel._list.box.children[0].children[0].value = False
    assert drawn[-1] == (["run 2"], [1]), "the colour of a run stays when another is hidden"
    panel._list.box.children[0].children[2].click()
    assert [run.name for run in panel.runs] == ["run 2"] and [path.name for path in tmp_path.iterdir()] == ["run_2.json"]


def test_three_seeds_show_the_spread(panel, trainee):
    pressed_and_done(panel, "seeds")
    assert [args.seed for args, _ in trainee.calls] == [42, 43, 44]
    assert "3 of 3 seeds ended with an accuracy, nothing else changed: from 0.542 to 0.544, mean 0.543" in panel._message.value
    assert panel.controls.values()["seed"] == 42


def test_stop_ends_all_three_seeds(panel, trainee):
    training_that_waits(panel, trainee, "seeds")
    press(panel, "stop")
    go_on_to_the_end(panel, trainee)
    assert len(trainee.calls) == 1


def test_the_finder_moves_the_slider(trainee, tmp_path):
    import numpy as np

    found = RangeTest(np.geomspace(1e-6, 1e-1, 5), np.ones(5), np.array([5.0, 4, 1, 4, 5]), 1.1e-4)
    panel = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=100, folder=tmp_path, find_learning_rate=lambda args, keep_on: found)
    pressed_and_done(panel, "find")
    assert panel.controls.values()["learning_rate"] == 1.1e-4 and len(panel._found.children) == 2 and trainee.calls == []
    assert "lowest" in panel._found.children[1].value


def test_the_time_is_estimated_from_the_latest_run(panel):
    assert "can be estimated after the first run" in panel.sentence()
    panel.run()
    panel.runs[0].seconds = 40.0  # for 20 steps of 8 reviews, and an evaluation of 1,000 that counts for a third
    panel.controls.set(num_train_epochs=4)
    expected = 40 / (160 + 1_000 / 3) * 4 * (80 + 1_000 / 3)
    assert f"about {expected / 60:.0f} min (an estimate, from the pace of run 1)" in panel._planned.value


def test_before_the_first_run_the_time_is_estimated_from_a_measured_throughput(trainee, tmp_path):
    """The ladder has just measured it, and the panel said that nothing was known."""
    panel = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=1_000, folder=tmp_path, reviews_per_second=2.0)
    panel.controls.set(num_train_epochs=3)
    assert f"about {3 * (80 + 1_000 / 3) / 2 / 60:.0f} min (an estimate, from the pace measured above)" in panel._planned.value
    panel.run()
    assert "from the pace of run 1" in panel._planned.value


def test_the_pace_counts_the_reviews_of_an_update_that_is_made_in_pieces(trainee, tmp_path):
    """With half a batch at a time the plan once came out twice as long."""
    run = Run("run 7", {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}, [{"step": 10, "loss": 1.0}], seconds=20.0)
    panel = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=1_000, folder=tmp_path, runs=[run])
    assert panel._pace() == ("the pace of run 7", 20 / 80)


def test_drawing_is_rationed(panel, monkeypatch):
    """A picture a step would take longer than the steps."""
    counts = []
    monkeypatch.setattr(GrowingCurve, "png", lambda self: counts.append(1) or time.sleep(0.02) or b"")
    panel.run()
    assert len(counts) == 1, "the next one would have come half a second later"


def test_the_growing_curve_shows_what_the_run_has(panel):
    """Same size as the picture it replaces, and another one after each point; axes grow when the loss leaves them."""
    from io import BytesIO

    from PIL import Image

    run = Run("run 1")
    run.start(), run.log(1, 1.6)
    curve = GrowingCurve([], run, [0], steps=20)
    pictures = [curve.png()]
    for step, loss in ((2, 1.2), (3, 9.0)):
        run.log(step, loss)
        pictures.append(curve.png())
    assert len(set(pictures)) == 3 and curve._top > 9
    assert {Image.open(BytesIO(picture)).size for picture in pictures} == {(900, 340)}
    assert plots.loss_curve(run)._repr_png_()[1] == {"width": 900, "height": 340}


def test_without_a_front_end_a_picture_and_a_sentence_remain(panel, monkeypatch, capsys):
    bundles = []
    monkeypatch.setattr(shown, "display", lambda bundle, **kwargs: bundles.append(bundle))
    panel.run()
    panel._ipython_display_()
    assert set(bundles[0]) == {"text/plain", "image/png", shown.WIDGET_VIEW} and json.dumps(bundles[0])
    assert "1 run so far. Highest accuracy so far: 0.542 ± 0.016 (run 1)." in capsys.readouterr().out


def test_rows_say_only_what_differs():
    a, b = Run("a", settings={"seed": 1, "learning_rate": 1e-4}), Run("b", settings={"seed": 2, "learning_rate": 1e-4, "output_dir": "x"})
    assert differing_settings([a, b], ["learning_rate", "seed"]) == ["seed"]
    a.start(), a.log(1, 1.5), a.log_evaluation(1, 1.4, accuracy=0.5), a.end()
    assert describe(a, ["seed"]) == "seed 1 · training loss 1.50 · evaluation loss 1.40 · accuracy 0.500 · 0 s"
    a.settings["eval_size"] = 100
    assert "accuracy 0.500 ± 0.050" in describe(a, ["seed"])


def test_every_control_is_named_as_the_library_names_it(panel):
    import dataclasses

    fields = {field.name for field in dataclasses.fields(TrainingArguments)} | {"train_size"}
    assert set(panel.controls.widgets) <= fields
    assert all(widget.description == name for name, widget in panel.controls.widgets.items())


@pytest.mark.parametrize("code", [training_arguments_code, assignments_code])
def test_pasted_code_trains_with_the_same_arguments(trainee, tmp_path, code):
    panel = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=100, folder=tmp_path, code=code)
    panel.run(learning_rate=3e-4, warmup_steps=0.1, lr_scheduler_type="cosine", per_device_train_batch_size=4, seed=1, train_size=40)
    exec(panel._source.value, {"TrainingArguments": TrainingArguments, "Run": Run, "train": trainee, "args": ARGS})
    (ran, ran_size), (pasted, pasted_size) = trainee.calls
    assert ran.to_dict() == pasted.to_dict() and ran_size == pasted_size == 40


def test_short_trainings_are_logged_as_closely_as_long_ones(panel, trainee):
    panel.run(train_size=8, per_device_train_batch_size=1)
    assert trainee.calls[0][0].logging_steps == 1


def test_moving_sliders_disturbs_no_trainer(tmp_path):
    """Every new TrainingArguments resets the accelerator state of the process: the running Trainer died at its next step."""
    import torch
    from transformers import Trainer

    from helpers.training import RunCallback

    class Toy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Linear(2, 2)

        def forward(self, x, labels):
            return {"loss": torch.nn.functional.cross_entropy(self.w(x), labels)}

    rows = [{"x": torch.randn(2), "labels": 1} for _ in range(80)]

    def train(args, run, train_size):
        trainer = Trainer(model=Toy(), args=args, train_dataset=rows, eval_dataset=rows[:8], callbacks=[RunCallback(run), Moving()])
        trainer.train()

    class Moving(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 3:
                panel.controls.set(num_train_epochs=3, weight_decay=0.1)
            if state.global_step == 5 and args.seed == 13:
                panel.stop()

    panel = HyperparameterPanel(train, ARGS, train_rows=80, eval_rows=8, folder=tmp_path)
    run = panel.run()
    assert run.status == "finished" and run.step == 20 and len(run.evaluations) == 2
    stopped = panel.run(seed=13)
    assert stopped.status == "stopped" and stopped.step == 6 and stopped.evaluations == [], "one step more, and no evaluation"


def test_a_second_panel_knows_of_the_training_and_can_stop_it(panel, trainee, tmp_path):
    """The panel's cell is run again while its training goes on: the old buttons are gone from the page."""
    training_that_waits(panel, trainee)
    second = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=100, folder=tmp_path)
    assert second._buttons["run"].disabled and not second._buttons["stop"].disabled
    press(second, "stop")
    go_on_to_the_end(panel, trainee)
    assert panel.runs[-1].status == "stopped" and not second._buttons["run"].disabled


def test_stop_can_wait_for_the_end(panel, trainee):
    training_that_waits(panel, trainee)
    threading.Timer(0.2, trainee.go_on.set).start()
    panel.stop(wait=True)
    assert not panel.training and panel.runs[-1].status == "stopped"


def test_a_picture_that_cannot_be_drawn_ends_no_training(panel, monkeypatch):
    def broken(self):
        raise OSError("the page is gone")

    monkeypatch.setattr(GrowingCurve, "png", broken)
    assert panel.run().status == "finished" and "the training goes on" in panel._message.value


@pytest.mark.parametrize("stopped", [True, False])
def test_a_range_test_without_a_result_leaves_the_slider(trainee, tmp_path, stopped):
    import numpy as np

    def find(args, keep_on):
        if stopped:
            panel.stop()
        return RangeTest(np.geomspace(1e-6, 1e-1, 5), np.ones(5), np.array([1.0, 2, 3, 4, 5]), 1e-6)

    panel = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=100, folder=tmp_path, find_learning_rate=find)
    pressed_and_done(panel, "find")
    assert panel.controls.values()["learning_rate"] == 5e-4 and panel._progress.value == "Ready."
    assert "stopped" in panel._message.value if stopped else "never fell" in panel._found.children[1].value
