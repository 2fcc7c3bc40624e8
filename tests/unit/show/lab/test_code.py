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


@pytest.mark.parametrize("code", [training_arguments_code, assignments_code])
def test_pasted_code_starts_from_the_same_weights(trainee, tmp_path, code):
    """The code once knew nothing of `start`, and trained another model than the run."""
    given = []

    def train(args, run, train_size, **chosen):
        given.append(chosen)
        return trainee(args, run, train_size)

    panel = HyperparameterPanel(
        train, ARGS, train_rows=80, eval_rows=100, folder=tmp_path, code=code, layers=4
    )
    names = {"TrainingArguments": TrainingArguments, "Run": Run, "train": train, "args": ARGS}
    panel.run(start="random weights", freeze=2)
    exec(panel._source.value, names)
    assert given == [{"start": "random weights", "freeze": 2}] * 2
    assert trainee.calls[0][0].to_dict() == trainee.calls[1][0].to_dict()


@pytest.mark.parametrize("start", ["pretrained", "frozen body", "random weights"])
@pytest.mark.parametrize("freeze", [0, 1])
def test_the_comments_of_the_code_do_what_start_and_freeze_say(start, freeze):
    """A line that nobody runs is a line that may be wrong: here they run, on a small model."""
    from transformers import AutoModelForSequenceClassification, BertConfig

    size = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1, "intermediate_size": 8}
    config = BertConfig(vocab_size=10, num_labels=5, **size)
    model = pretrained = AutoModelForSequenceClassification.from_config(config)
    code = training_arguments_code(ARGS, {"train_size": 8, "start": start, "freeze": freeze})
    names = {"AutoModelForSequenceClassification": AutoModelForSequenceClassification, "config": config}
    names["model"] = model
    exec("\n".join(line[2:] for line in code.splitlines() if line.startswith("# model")), names)
    model = names["model"]
    learning = {name for name, weights in model.named_parameters() if weights.requires_grad}
    frozen = {name for name, weights in model.named_parameters() if not weights.requires_grad}
    assert (model is pretrained) == (start != "random weights")
    assert any(name.startswith("classifier") for name in learning)
    if start == "frozen body":
        assert learning == {"classifier.weight", "classifier.bias"}
    else:
        layers = {name.split(".")[3] for name in frozen if ".layer." in name}
        assert layers == ({"0"} if freeze else set()) and bool(frozen) == bool(freeze)
