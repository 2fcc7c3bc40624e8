"""Protects a learner from losing the record of a training, or from reading a damaged one."""

import json
import math
import threading

import pytest

from helpers.show.lab.run_list import describe
from helpers.train.runs import NonFiniteLossError, Run, loss_difference


def finished_run(losses=(2.0, 1.5, 1.0)):
    run = Run("test", settings={"learning_rate": 1e-3})
    run.start()
    for step, loss in enumerate(losses, 1):
        run.log(step, loss, epoch=step / 10, learning_rate=1e-3, grad_norm=0.5)
    run.log_evaluation(len(losses), 1.2, accuracy=0.5)
    run.end()
    return run


def test_saved_and_loaded_is_the_same(tmp_path):
    run = finished_run()
    assert Run.load(run.save(tmp_path / "deep" / "run.json")) == run


def test_a_nan_loss_is_recorded_then_raised_and_survives_saving(tmp_path):
    """JSON has no NaN, and a strict reader would refuse the whole file."""
    run = Run("test")
    run.start()
    run.log(1, 2.0)
    with pytest.raises(NonFiniteLossError, match=r"nan at step 2.*Lower learning_rate"):
        run.log(2, math.nan, learning_rate=0.5)
    path = run.save(tmp_path / "run.json")
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    first, second = Run.load(path).history
    assert first["loss"] == 2.0 and math.isnan(second["loss"])


def test_saving_leaves_the_earlier_file_when_it_fails(tmp_path, monkeypatch):
    path = finished_run().save(tmp_path / "run.json")
    before = path.read_text()
    monkeypatch.setattr("os.replace", lambda *args: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError):
        finished_run((9.0,)).save(path)
    assert path.read_text() == before


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"name": "x"}', '{"name": "x", "history": [], "evaluations": [], "colour": 1}'],
)
def test_a_foreign_file_is_named(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"run.json is not a saved Run"):
        Run.load(path)


def test_start_clears_an_earlier_record():
    """A training cell run twice must not draw two curves into one."""
    run = finished_run()
    run.start()
    assert (run.history, run.evaluations, run.status) == ([], [], "running")


def test_listeners_hear_every_change_until_they_leave():
    run = Run("test")
    heard = []

    def listener(changed):
        heard.append((changed.status, len(changed.history)))

    run.listen(listener)
    run.start()
    run.log(1, 1.0)
    run.end()
    run.unlisten(listener)
    run.log(2, 1.0)
    assert heard == [("running", 0), ("running", 1), ("finished", 1)]


def test_stop_can_be_asked_for_from_another_thread():
    run = Run("test")
    thread = threading.Thread(target=run.request_stop)
    thread.start()
    thread.join()
    assert run.stop_requested


def test_summary_says_it_in_numbers():
    summary = finished_run().summary()
    assert "3 steps" in summary and "2.00 → 1.00" in summary and "accuracy 0.500" in summary
    assert "no step recorded" in Run("empty").summary()
    assert (
        "rose" not in summary
        and "The loss rose" in finished_run([1.6 * 1.2**step for step in range(20)]).summary()
    )
    assert "rose" not in finished_run((0.5, 0.4, 0.7)).summary(), "of a few steps, one says nothing"


def test_series_skips_what_was_not_recorded():
    run = finished_run()
    assert run.series("accuracy") == ([3], [0.5])
    assert run.series("loss") == ([1, 2, 3], [2.0, 1.5, 1.0])


def test_loss_difference_compares_common_steps():
    first = finished_run((2.0, 1.5, 1.0))
    second = finished_run((2.0, 1.25))
    assert loss_difference(first, second) == {1: 0.0, 2: 0.25}
    with pytest.raises(ValueError, match="no logged step in common"):
        loss_difference(first, Run("empty"))


def test_non_finite_is_an_error_of_arithmetic():
    assert issubclass(NonFiniteLossError, ArithmeticError)


def test_a_training_loss_is_the_mean_of_the_last_twentieth_everywhere(tmp_path):
    """One step's loss comes from eight reviews: two places would print two losses of one training."""
    run = Run("a")
    run.start()
    for step in range(1, 41):
        run.log(step, float(step))
    assert run.training_losses() == (1.5, 39.5)
    assert "training loss 1.50 → 39.50" in run.summary()
    assert "training loss 39.50" in describe(run, [])
    saved = json.loads(run.save(tmp_path / "run.json").read_text())
    assert saved["evaluated_on"].startswith("validation rows")
