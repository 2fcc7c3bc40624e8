"""Protects a learner from code that trains with other settings than the sliders show."""

import pytest
from trainee import ARGS
from transformers import TrainingArguments

from helpers.show.lab.code import assignments_code, training_arguments_code
from helpers.show.lab.panel import HyperparameterPanel
from helpers.train.runs import Run


@pytest.mark.parametrize("code", [training_arguments_code, assignments_code])
def test_pasted_code_trains_with_the_same_arguments(trainee, tmp_path, code):
    panel = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=100, folder=tmp_path, code=code)
    panel.run(
        learning_rate=3e-4,
        warmup_steps=0.1,
        lr_scheduler_type="cosine",
        per_device_train_batch_size=4,
        seed=1,
        train_size=40,
    )
    exec(
        panel._source.value,
        {"TrainingArguments": TrainingArguments, "Run": Run, "train": trainee, "args": ARGS},
    )
    (ran, ran_size), (pasted, pasted_size) = trainee.calls
    assert ran.to_dict() == pasted.to_dict() and ran_size == pasted_size == 40
