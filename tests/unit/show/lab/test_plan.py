"""Protects a learner from a wrong estimate of the time, and a running training from a moving slider."""

from trainee import ARGS
from transformers import TrainerCallback

from helpers.show.lab.panel import HyperparameterPanel
from helpers.train.runs import Run


def test_the_time_is_estimated_from_the_latest_run(panel):
    assert "can be estimated after the first run" in panel.sentence()
    panel.run()
    panel.runs[
        0
    ].seconds = 40.0  # for 20 steps of 8 reviews, and an evaluation of 1,000 that counts for a third
    panel.controls.set(num_train_epochs=4)
    expected = 40 / (160 + 1_000 / 3) * 4 * (80 + 1_000 / 3)
    assert f"about {expected / 60:.0f} min (an estimate, from the pace of run 1)" in panel._planned.value


def test_before_the_first_run_the_time_is_estimated_from_a_measured_throughput(trainee, tmp_path):
    """The ladder has just measured it, and the panel said that nothing was known."""
    panel = HyperparameterPanel(
        trainee, ARGS, train_rows=80, eval_rows=1_000, folder=tmp_path, reviews_per_second=2.0
    )
    panel.controls.set(num_train_epochs=3)
    assert (
        f"about {3 * (80 + 1_000 / 3) / 2 / 60:.0f} min (an estimate, from the pace measured above)"
        in panel._planned.value
    )
    panel.run()
    assert "from the pace of run 1" in panel._planned.value


def test_the_pace_counts_the_reviews_of_an_update_that_is_made_in_pieces(trainee, tmp_path):
    """With half a batch at a time the plan once came out twice as long."""
    run = Run(
        "run 7",
        {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
        [{"step": 10, "loss": 1.0}],
        seconds=20.0,
    )
    panel = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=1_000, folder=tmp_path, runs=[run])
    assert panel._plan.pace(panel.runs) == ("the pace of run 7", 20 / 80)


def test_short_trainings_are_logged_as_closely_as_long_ones(panel, trainee):
    panel.run(train_size=8, per_device_train_batch_size=1)
    assert trainee.calls[0][0].logging_steps == 1


def test_moving_sliders_disturbs_no_trainer(tmp_path):
    """Every new TrainingArguments resets the accelerator state of the process: the running Trainer died at
    its next step.
    """
    import torch
    from transformers import Trainer

    from helpers.train.recording import RunCallback

    class Toy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Linear(2, 2)

        def forward(self, x, labels):
            return {"loss": torch.nn.functional.cross_entropy(self.w(x), labels)}

    rows = [{"x": torch.randn(2), "labels": 1} for _ in range(80)]

    def train(args, run, train_size):
        trainer = Trainer(
            model=Toy(),
            args=args,
            train_dataset=rows,
            eval_dataset=rows[:8],
            callbacks=[RunCallback(run), Moving()],
        )
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
    assert stopped.status == "stopped" and stopped.step == 6 and stopped.evaluations == [], (
        "one step more, and no evaluation"
    )
