"""Protects a learner from paying for a whole training when a taste was promised."""

import re

from tiny import TinyClassifier, trainer_for
from transformers.trainer_callback import PrinterCallback

from helpers.train import Run, StopAfter


def trained(tmp_path, callback, **arguments):
    trainer = trainer_for(TinyClassifier(), Run("taste"), tmp_path, eval_strategy="epoch", **arguments)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(callback)
    trainer.train()
    return trainer


def test_it_stops_without_an_evaluation_and_says_what_the_whole_would_cost(tmp_path, capsys):
    """The evaluation of 1,000 reviews takes longer than 20 steps. With the library's `logging_steps` of 500,
    no loss would be known.
    """
    trainer = trained(tmp_path, StopAfter(5), logging_steps=500)
    losses = [point["loss"] for point in trainer.state.log_history if "loss" in point]
    assert trainer.state.global_step == len(losses) == 5
    assert not [point for point in trainer.state.log_history if "eval_loss" in point]
    said = re.search(
        r"Training loss: ([\d.]+) in the first step, ([\d.]+) in step 5\.\nAt this pace, all 12 steps would "
        r"take 0\.0 minutes",
        capsys.readouterr().out,
    )
    assert said.groups() == (f"{losses[0]:.2f}", f"{losses[-1]:.2f}")


def test_a_shorter_training_ends_as_it_would_without_it(tmp_path, capsys):
    trainer = trained(tmp_path, StopAfter(100, say=False))
    assert trainer.state.global_step == 12
    assert len([point for point in trainer.state.log_history if "eval_loss" in point]) == 2
    assert capsys.readouterr().out == ""
