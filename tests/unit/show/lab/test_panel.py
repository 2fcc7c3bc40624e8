"""Protects a learner from a panel whose buttons, curve or messages are wrong, without a browser."""

import json
import time

import pytest
from trainee import ARGS, go_on_to_the_end, press, pressed_and_done, training_that_waits

from helpers.show import plots, shown
from helpers.show.growing import GrowingCurve
from helpers.show.lab.panel import HyperparameterPanel
from helpers.train.learning_rates import RangeTest
from helpers.train.runs import Run


def test_moving_a_slider_changes_plan_picture_and_code_at_once(panel, trainee):
    before = panel._schedule.value, panel._source.value
    assert "20 steps" in panel._planned.value
    panel.controls.widgets["num_train_epochs"].value = 3
    panel.controls.widgets["warmup_steps"].value = 0.5
    assert (
        "30 steps" in panel._planned.value
        and "num_train_epochs=3" in panel._source.value
        and "warmup_steps=0.5" in panel._source.value
    )
    assert (panel._schedule.value, panel._source.value) != before and panel._schedule.value != before[0]
    assert trainee.calls == [], "before any training"


def test_run_trains_with_what_the_sliders_say(panel, trainee):
    panel.controls.set(
        learning_rate=1e-3,
        per_device_train_batch_size=16,
        lr_scheduler_type="cosine",
        weight_decay=0.1,
        seed=7,
        train_size=40,
    )
    pressed_and_done(panel, "run")
    args, train_size = trainee.calls[0]
    assert (args.learning_rate, args.per_device_train_batch_size, args.lr_scheduler_type) == (
        1e-3,
        16,
        "cosine",
    )
    assert (args.weight_decay, args.seed, train_size) == (0.1, 7, 40)
    assert args.eval_strategy == "epoch" and panel.result == "a model"
    assert "run 1: finished" in panel._progress.value and panel._bar.max == 6
    assert "accuracy 0.507 ± 0.016" in panel._list.box.children[0].children[1].value


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
    assert (
        "KeyError" in panel._message.value
        and "<details>" in panel._message.value
        and "<script>" not in panel._message.value
    )
    assert panel.runs[0].status == "failed"
    panel.controls.set(seed=1)
    pressed_and_done(panel, "run")
    assert panel.runs[1].status == "finished" and panel._message.value == ""


def test_a_loss_that_is_no_number_is_said_and_not_raised(tmp_path):
    panel = HyperparameterPanel(
        lambda args, run, n: run.log(1, float("nan")), ARGS, train_rows=80, eval_rows=100, folder=tmp_path
    )
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


def test_overlay_hide_delete(panel, monkeypatch, tmp_path):
    drawn, empty = [], plots.loss_curve(growing=True)
    monkeypatch.setattr(
        plots,
        "loss_curve",
        lambda *runs, numbers, **kind: drawn.append(([run.name for run in runs], numbers)) or empty,
    )
    panel.run()
    panel.run(seed=9)
    assert drawn[-1] == (["run 1", "run 2"], [0, 1])
    panel._list.box.children[0].children[0].value = False
    assert drawn[-1] == (["run 2"], [1]), "the colour of a run stays when another is hidden"
    panel._list.box.children[0].children[2].click()
    assert [run.name for run in panel.runs] == ["run 2"] and [path.name for path in tmp_path.iterdir()] == [
        "run_2.json"
    ]


def test_three_seeds_show_the_spread(panel, trainee):
    pressed_and_done(panel, "seeds")
    assert [args.seed for args, _ in trainee.calls] == [42, 43, 44]
    assert "3 seeds gave 0.542 to 0.544, mean 0.543." in panel._message.value
    assert panel.controls.values()["seed"] == 42


@pytest.mark.faults
def test_a_seed_that_is_there_is_not_trained_again(panel, trainee):
    """Who pressed Run first paid for its seed twice, and got a second row that says the same."""
    pressed_and_done(panel, "run")
    panel.controls.set(learning_rate=1e-3)
    pressed_and_done(panel, "run")
    pressed_and_done(panel, "seeds")
    assert [args.seed for args, _ in trainee.calls] == [42, 42, 43, 44, 45], "of the same settings only"
    assert "4 seeds gave 0.542 to 0.545, mean 0.543 (also counted: run 2)." in panel._message.value
    pressed_and_done(panel, "seeds")
    assert [args.seed for args, _ in trainee.calls][5:] == [46, 47, 48], "pressed again, three more"
    assert "(also counted: run 2, run 3, run 4, run 5)." in panel._message.value


@pytest.mark.faults
def test_a_seed_whose_training_was_stopped_is_trained_again(panel, trainee):
    training_that_waits(panel, trainee)
    press(panel, "stop")
    go_on_to_the_end(panel, trainee)
    pressed_and_done(panel, "seeds")
    assert [args.seed for args, _ in trainee.calls] == [42, 42, 43, 44]


def test_stop_ends_all_three_seeds(panel, trainee):
    training_that_waits(panel, trainee, "seeds")
    press(panel, "stop")
    go_on_to_the_end(panel, trainee)
    assert len(trainee.calls) == 1


def test_the_finder_moves_the_slider(trainee, tmp_path):
    import numpy as np

    found = RangeTest(np.geomspace(1e-6, 1e-1, 5), np.ones(5), np.array([5.0, 4, 1, 4, 5]), 1.1e-4)
    panel = HyperparameterPanel(
        trainee,
        ARGS,
        train_rows=80,
        eval_rows=100,
        folder=tmp_path,
        find_learning_rate=lambda args, keep_on: found,
    )
    pressed_and_done(panel, "find")
    assert (
        panel.controls.values()["learning_rate"] == 1.1e-4
        and len(panel._found.children) == 2
        and trainee.calls == []
    )
    assert "lowest" in panel._found.children[1].value


def test_drawing_is_rationed(panel, monkeypatch):
    """A picture a step would take longer than the steps."""
    counts = []
    monkeypatch.setattr(GrowingCurve, "png", lambda self: counts.append(1) or time.sleep(0.02) or b"")
    panel.run()
    assert len(counts) == 1, "the next one would have come half a second later"


def test_without_a_front_end_a_picture_and_a_sentence_remain(panel, monkeypatch):
    bundles = []
    monkeypatch.setattr(shown, "display", lambda bundle, **kwargs: bundles.append(bundle))
    panel.run()
    panel._ipython_display_()
    assert set(bundles[0]) == {"text/plain", "text/html", "image/png", shown.WIDGET_VIEW} and json.dumps(
        bundles[0]
    )
    assert "1 run so far. Highest accuracy so far: 0.542 ± 0.016 (run 1)." in bundles[0]["text/html"]


def test_a_picture_that_cannot_be_drawn_ends_no_training(panel, monkeypatch):
    def broken(self):
        raise OSError("the page is gone")

    monkeypatch.setattr(GrowingCurve, "png", broken)
    assert panel.run().status == "finished" and "The training goes on" in panel._message.value


@pytest.mark.parametrize("stopped", [True, False])
def test_a_range_test_without_a_result_leaves_the_slider(trainee, tmp_path, stopped):
    import numpy as np

    def find(args, keep_on):
        if stopped:
            panel.stop()
        return RangeTest(np.geomspace(1e-6, 1e-1, 5), np.ones(5), np.array([1.0, 2, 3, 4, 5]), 1e-6)

    panel = HyperparameterPanel(
        trainee, ARGS, train_rows=80, eval_rows=100, folder=tmp_path, find_learning_rate=find
    )
    pressed_and_done(panel, "find")
    assert panel.controls.values()["learning_rate"] == 5e-4 and panel._progress.value == "Ready."
    assert "stopped" in panel._message.value if stopped else "never fell" in panel._found.children[1].value


def test_the_growing_curve_shows_what_the_run_has(panel):
    """Same size as the picture it replaces, and another one after each point; axes grow when the loss leaves
    them.
    """
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
    size = plots.loss_curve(run)._repr_png_()[1]
    assert (size["width"], size["height"]) == (900, 340)


def test_a_guess_is_told_and_kept_with_the_run(panel, trainee, tmp_path):
    """A guess that nobody made must not count as one, and a guess must not hang on to the next run."""
    panel.controls.guess.value = 0.7
    pressed_and_done(panel, "run")
    assert panel.runs[0].settings["guess"] == 0.7
    assert "You said 0.70, it is 0.542 ± 0.016: 0.16 too high." in panel._told.value
    pressed_and_done(panel, "run")
    assert "guess" not in panel.runs[1].settings and "You said" not in panel._told.value
    assert "these two cannot be told apart" in panel._told.value
    panel.run(guess=0.55)
    assert "as near as these rows can tell" in panel._told.value
    assert "guess" not in panel._source.value and not hasattr(trainee.calls[0][0], "guess")
    again = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=1_000, folder=tmp_path)
    assert "Your 2 guesses so far were off by 0.16, 0.01." in again._told.value, "after a restart, too"


def test_two_runs_are_compared_only_where_that_says_something(panel, trainee):
    """Several sliders had moved, and the sentence spoke as of one. A stopped run proves nothing."""
    panel.run()
    panel.run(weight_decay=0.1)
    assert "run 1 has" in panel._told.value and "They differ in" not in panel._told.value
    panel.controls.set(learning_rate=1e-3, seed=7)
    training_that_waits(panel, trainee)
    assert panel._told.value == "", "the sentence about the run before would stand beside the growing curve"
    press(panel, "stop")
    go_on_to_the_end(panel, trainee)
    assert "run 2 has" not in panel._told.value
    panel.run()
    assert "run 2 has" in panel._told.value
    assert "They differ in 2 settings (learning_rate, seed), so this says nothing" in panel._told.value


def test_after_the_last_step_the_progress_says_that_it_evaluates(panel):
    """ "About 0 s to go" stood there for as long as the evaluation took."""
    run = Run("run 1")
    panel._bar.max = 2
    run.start(), run.log(2, 1.0)
    panel._show_progress(run)
    assert "evaluating" in panel._progress.value and "to go" not in panel._progress.value


def test_of_three_seeds_the_guess_counts_once(panel):
    panel.controls.guess.value = 0.5
    pressed_and_done(panel, "seeds")
    assert ["guess" in run.settings for run in panel.runs] == [True, False, False]
    assert "You said 0.50: 0.04 from the mean." in panel._message.value, "the mean of the three"
    pressed_and_done(panel, "seeds")
    assert len(panel.runs) == 6 and len({run.settings["seed"] for run in panel.runs}) == 6


def test_start_and_freeze_reach_the_training_only_where_the_panel_has_them(trainee, tmp_path):
    given = []

    def train(args, run, train_size, **chosen):
        given.append(chosen)
        return trainee(args, run, train_size)

    folders = (tmp_path / name for name in ("with", "without"))
    with_layers, without = (
        HyperparameterPanel(train, ARGS, train_rows=80, eval_rows=100, folder=folder, layers=layers)
        for folder, layers in zip(folders, (4, None))
    )
    run = with_layers.run(start="frozen body", freeze=2)
    without.run()
    assert given == [{"start": "frozen body", "freeze": 2}, {}]
    assert run.settings["start"] == "frozen body" and "start" not in without.runs[0].settings
    with pytest.raises(ValueError, match="freeze must lie between 0 and 4"):
        with_layers.run(freeze=5)


def test_no_explanation_is_lost_without_a_mouse(panel):
    """A tooltip needs a mouse. Each control says what it does when it moves, and all do in a folded list."""
    panel.controls.widgets["weight_decay"].value = 0.1
    assert "weight_decay: how strongly" in panel.controls._help.value
    told = panel.controls.explanations()
    assert all(f"<b>{name}</b>" in told for name in (*panel.controls.widgets, "my guess: accuracy"))
    tooltip = (
        "tooltip" if panel.controls.guess.has_trait("tooltip") else "description_tooltip"
    )  # ipywidgets 8, 7
    assert all(
        getattr(widget, tooltip) for widget in (*panel.controls.widgets.values(), panel.controls.guess)
    )
