"""Protects a learner from answers that are not the model's, and from a training that changes when watched."""

import json
from collections import Counter

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

from helpers.profiles import PROFILES
from helpers.train.moments import KeepMoments, moment_steps, watched_rows
from helpers.train.recording import RunCallback, recording
from helpers.train.runs import Run

STEPS = 8


@pytest.fixture(scope="module")
def rows(tokenizer):
    """Sixty texts of very different lengths, so that an order that got lost is seen."""
    texts = [f"{'good' if i % 2 else 'bad'} number {i} " * (1 + i * 7 % 20) for i in range(60)]
    made = Dataset.from_dict({"text": texts, "label": [i % 5 for i in range(60)]})
    made = made.cast_column("label", ClassLabel(names=["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]))
    return made.map(lambda batch: tokenizer(batch["text"], truncation=True), batched=True)


def new_model():
    set_seed(1)
    return AutoModelForSequenceClassification.from_pretrained(PROFILES["offline"].model, num_labels=5)


def train(model, run, rows, tokenizer, folder, *callbacks):
    args = TrainingArguments(
        output_dir=str(folder),
        learning_rate=5e-3,
        max_steps=STEPS,
        per_device_train_batch_size=4,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
    )
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=rows,
        data_collator=DataCollatorWithPadding(tokenizer),
        callbacks=[RunCallback(run), *callbacks],
    )
    with recording(run):
        trainer.train()
    return model


def answers(model, texts, tokenizer):
    with torch.no_grad():
        return model(**tokenizer(texts, truncation=True, padding=True, return_tensors="pt")).logits.softmax(
            -1
        )


@pytest.fixture(scope="module")
def watched(rows, tokenizer, tmp_path_factory):
    """Return a model, and the record of its training."""
    run = Run("watched")
    model = new_model()
    model.bert.encoder.layer[0].eval()  # a learner may have switched its dropout off
    keep = KeepMoments(run, rows, tokenizer, ordered=True)
    return train(model, run, rows, tokenizer, tmp_path_factory.mktemp("watched"), keep), run


def test_a_watched_training_has_the_same_losses_to_the_last_bit(watched, rows, tokenizer, tmp_path):
    """One random number more, and the learner would compare two different trainings."""
    plain = Run("plain")
    model = new_model()
    model.bert.encoder.layer[0].eval()
    train(model, plain, rows, tokenizer, tmp_path)
    assert len(plain.history) == STEPS and watched[1].series("loss") == plain.series("loss")


def test_the_modes_of_all_modules_stay(rows, tokenizer):
    """`model.train()` would switch dropout on in parts that were frozen with it off."""
    model = new_model().train()
    model.bert.encoder.layer[0].eval()
    before = [module.training for module in model.modules()]
    keep = KeepMoments(Run("modes"), rows, tokenizer)
    keep.begin(model, 1)
    assert [module.training for module in model.modules()] == before and True in before and False in before


def test_what_is_kept_are_the_model_s_own_answers_in_the_order_of_the_texts(watched, tokenizer):
    """The texts are answered in the order of their lengths; each answer must come back to its text."""
    model, run = watched
    expected = answers(model.eval(), run.watched["texts"], tokenizer).numpy()
    assert [moment["step"] for moment in run.moments] == moment_steps(STEPS)
    np.testing.assert_allclose(run.moments[-1]["probabilities"], expected, atol=6e-4)
    assert np.abs(np.subtract(run.moments[0]["probabilities"], expected)).max() > 0.05, "it has learned"


def test_the_record_alone_is_enough(watched, tmp_path):
    """The slider works without the model and without the data, also tomorrow."""
    run = watched[1]
    again = Run.load(run.save(tmp_path / "run.json"))
    assert again.moments == run.moments and again.watched == run.watched
    assert Counter(again.watched["labels"]) == dict.fromkeys(range(5), 10)
    assert again.watched["names"][4] == "5 stars" and again.watched["ordered"] is True


def test_a_file_of_an_earlier_version_is_still_read(tmp_path):
    """The learner's runs of last week have no moments."""
    path = Run("old").save(tmp_path / "run.json")
    fields = json.loads(path.read_text())
    for name in ("moments", "watched", "moved"):
        del fields[name]
    path.write_text(json.dumps(fields))
    assert Run.load(path) == Run("old")


def test_a_stopped_training_keeps_what_it_had_and_its_last_answers(rows, tokenizer, tmp_path):
    run = Run("stopped")
    run.listen(lambda run: run.request_stop() if run.step == 6 else None)
    train(new_model(), run, rows, tokenizer, tmp_path, KeepMoments(run, rows, tokenizer))
    assert run.status == "stopped" and 6 not in moment_steps(STEPS)
    assert [moment["step"] for moment in run.moments] == [0, 1, 2, 3, 4, 5, 6]


def test_a_diverged_model_leaves_no_answer(rows, tokenizer):
    """NaN would stand in the record, and the dots nowhere."""
    run = Run("diverged")
    model = new_model()
    keep = KeepMoments(run, rows, tokenizer)
    keep.begin(model, 2)
    model.classifier.bias.data.fill_(torch.nan)
    keep.look(model, 2)
    assert [moment["step"] for moment in run.moments] == [0]


def test_a_resumed_run_goes_on_with_the_moments_before(watched):
    run = Run("resumed")
    run.resume(watched[1])
    assert run.moments == watched[1].moments
    run.start()
    assert run.moments == [] and watched[1].moments, "a new training begins with none"


def test_more_of_the_moments_are_early():
    """Most of what there is to see happens in the first half."""
    steps = moment_steps(375)
    assert len(steps) == 12 and (steps[0], steps[-1]) == (0, 375)
    assert np.all(np.diff(np.diff(steps)) > 0)
    assert moment_steps(1) == [0, 1]


def test_the_same_texts_are_chosen_balanced_and_short():
    """Long texts would cost more than 5 % of the training, and nobody would read them."""
    lengths = [500] * 100 + [20, 120] * 100 + [300, 200, 400]
    labels = [i % 2 for i in range(100)] + [i // 2 % 2 for i in range(200)] + [2, 2, 2]
    chosen = watched_rows(lengths, labels, count=20)
    assert chosen == watched_rows(lengths, labels, count=20)
    assert Counter(labels[row] for row in chosen) == {0: 9, 1: 8, 2: 3}
    assert all(lengths[row] <= 128 for row in chosen if labels[row] < 2)
    assert {lengths[row] for row in chosen if labels[row] == 0} == {20, 120}, "not only the very shortest"
    assert [row for row in watched_rows([300, 200, 400], [0, 0, 0], count=2)] == [1, 0]
