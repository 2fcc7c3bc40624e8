"""A training that the lab's tests can hold and let go, and what a learner's hand does to the panel."""

import threading
import time

from transformers import TrainingArguments

ARGS = TrainingArguments(
    output_dir="out",
    learning_rate=5e-4,
    num_train_epochs=2,
    per_device_train_batch_size=8,
    eval_strategy="epoch",
    logging_steps=5,
    save_strategy="no",
    seed=42,
    disable_tqdm=True,
    dataloader_pin_memory=False,
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
    wait_until(lambda: panel._worker.current is not None)


def go_on_to_the_end(panel, trainee):
    trainee.go_on.set()
    wait_until(lambda: not panel.training)


def pressed_and_done(panel, name):
    press(panel, name)
    wait_until(lambda: not panel.training)
