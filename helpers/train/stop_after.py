"""Try a training for a few steps, and say what it would cost to its end."""

from __future__ import annotations

import time

from transformers import TrainerCallback

from helpers.language import _


class StopAfter(TrainerCallback):
    """Stops a training after `steps` steps, leaves its evaluation out, and notes the loss of each step.

    With `say`, it prints at the end the first and the last loss, and how long the whole training would take
    on this machine at the same pace. The first step is slower than the others and does not count.
    """

    def __init__(self, steps: int, say: bool = True):
        self.steps = steps
        self.say = say

    def on_train_begin(self, args, state, control, **kwargs):
        self._began = 0.0

    def on_step_end(self, args, state, control, **kwargs):
        control.should_log = True  # the default logs after 500 steps
        self._began = self._began or time.perf_counter()
        if state.global_step >= self.steps:
            control.should_training_stop = True

    def on_epoch_end(self, args, state, control, **kwargs):
        if self.steps <= state.global_step < state.max_steps:
            control.should_evaluate = False

    def on_train_end(self, args, state, control, **kwargs):
        if not self.say or state.global_step < 2:
            return
        seconds = time.perf_counter() - self._began
        losses = [point["loss"] for point in state.log_history if "loss" in point]
        minutes = seconds / (state.global_step - 1) * state.max_steps / 60
        text = _(
            "Training loss: {first:.2f} in the first step, {last:.2f} in step {step}.\n"
            "At this pace, all {steps} steps would take {minutes:.1f} minutes on this machine, "
            "and the evaluations come on top."
        )
        print(
            text.format(
                first=losses[0], last=losses[-1], step=len(losses), steps=state.max_steps, minutes=minutes
            )
        )
