"""Protects a learner from two trainings at once, and from one that cannot be stopped."""

import threading

import pytest
from trainee import ARGS, go_on_to_the_end, press, training_that_waits

from helpers.show.lab.panel import HyperparameterPanel
from helpers.show.lab.worker import Worker


def test_the_page_stays_alive_while_it_trains_and_other_starts_are_disabled(panel, trainee):
    training_that_waits(panel, trainee)
    disabled = {name: button.disabled for name, button in panel._buttons.items()}
    assert disabled == {"run": True, "stop": False, "reset": True, "seeds": True}
    with pytest.raises(RuntimeError, match="A training is running"):
        panel.run()
    press(panel, "run")  # a click that was already on its way
    go_on_to_the_end(panel, trainee)
    assert len(trainee.calls) == 1, "disabled, not queued"
    assert {name: button.disabled for name, button in panel._buttons.items()} == {
        "run": False,
        "stop": True,
        "reset": False,
        "seeds": False,
    }


def test_stop_ends_within_a_step_and_keeps_model_and_history(panel, trainee):
    training_that_waits(panel, trainee)
    press(panel, "stop")
    go_on_to_the_end(panel, trainee)
    assert trainee.steps_done == 1 and panel.result == "half a model"
    assert panel.runs[0].status == "stopped" and panel.best_run is panel.runs[0]
    assert "stopped after 1 steps" in panel._list.box.children[0].children[1].value


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


def test_a_start_while_another_panel_trains_says_why_nothing_happens(panel, trainee):
    """A panel of another kind, the mystery fault for one, does not switch the lab's buttons off."""
    said = []
    training_that_waits(panel, trainee)
    other = Worker(
        on_switch=said.append, on_stop=list, on_error=lambda message, details="": said.append(message)
    )
    other.in_background(trainee)
    go_on_to_the_end(panel, trainee)
    assert said == ["Another panel of this notebook is training. Wait for its end, or press Stop."]
    assert len(trainee.calls) == 1
