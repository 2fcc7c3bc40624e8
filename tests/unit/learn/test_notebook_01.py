"""Protects a learner of notebook 1 from a check that is wrong about an answer."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from exercising import Exercising
from torch.nn.utils.rnn import pad_sequence

from helpers.learn import exercises


def labelled(*counts):
    return {"label": [label for label, count in enumerate(counts) for _ in range(count)]}


def notebook(train, validation, lengths, max_length, classes=5):
    """Return the names of notebook 1, for these labels and these lengths in tokens."""
    return {
        "small_train_dataset": labelled(*train),
        "validation_dataset": Sized(labelled(*validation)),
        "label_names": [f"{label} stars" for label in range(1, classes + 1)],
        "counts": Counter(labelled(*validation)["label"]),
        "lengths": np.array(lengths),
        "max_length": max_length,
        "Counter": Counter,
        "pd": pd,
        "eight": [max(lengths), *[int(np.median(lengths))] * 7],
    }


class Sized(dict):
    """A dataset has the length of its rows."""

    def __len__(self):
        return len(self["label"])


LENGTHS = [*range(20, 120), 150, 200, 250, 400]


def pad_in_a_loop(batch, pad_id):
    longest = len(max(batch, key=len))
    input_ids = []
    attention_mask = []
    for ids in batch:
        row = list(ids)
        mask = [True] * len(row)
        while len(row) < longest:
            row.append(pad_id)
            mask.append(False)
        input_ids.append(row)
        attention_mask.append(mask)
    return [input_ids, attention_mask]


def pad_with_torch(batch, pad_id):
    ids = pad_sequence([torch.tensor(ids) for ids in batch], batch_first=True, padding_value=pad_id)
    mask = pad_sequence([torch.ones(len(ids)) for ids in batch], batch_first=True)
    return {"input_ids": ids, "attention_mask": mask}


def pad_with_numpy(batch, pad_id):
    ids = np.full((len(batch), max(map(len, batch))), pad_id)
    mask = np.zeros_like(ids)
    for row, text in enumerate(batch):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask


def from_zero_in_place(examples):
    examples["label"] = [label - 1 for label in examples["label"]]
    return examples


def from_zero_with_numpy(examples):
    return {"label": np.array(examples["label"]) - 1}


def from_zero_in_a_loop(examples):
    labels = []
    for label in examples["label"]:
        labels.append(int(label) - 1)
    return dict(examples, label=labels)


class TestNotebook1(Exercising):
    number = 1
    ways = {  # noqa: RUF012
        "pad": [pad_in_a_loop, pad_with_torch, pad_with_numpy],
        "from_zero": [from_zero_in_place, from_zero_with_numpy, from_zero_in_a_loop],
    }

    def names(self):
        return notebook((20, 35, 15, 20, 10), (30, 24, 16, 15, 25), LENGTHS, max_length=512)

    def others(self):
        return notebook((10, 10, 40), (10, 20, 10), [*range(20, 60), 100], max_length=128, classes=3)


@pytest.mark.parametrize("answer", [0.2, 0.5])
def test_either_of_two_commonest_classes_is_a_majority(answer):
    """Which of two equally common classes `Counter` or `argmax` names first is chance."""
    names = notebook((30, 30, 10), (20, 50, 30), LENGTHS, 512, classes=3)
    assert exercises(1, names).told(exercises(1, names).exercises["majority"], answer).startswith("Right")


def setting(answer, lengths=LENGTHS, max_length=512):
    check = exercises(1, notebook((1, 2), (2, 1), lengths, max_length, classes=2))
    return check.told(check.exercises["setting"], answer)


def test_texts_that_are_all_short_let_every_padding_but_max_length_pass():
    """With texts of one length, "longest" is as cheap as any, and its hint would send the learner astray."""
    assert setting((30, 8, "longest"), [30] * 80).startswith("Right")
    assert "fills every text" in setting((512, 8, "max_length"), [30] * 80)


def test_where_the_model_cuts_more_than_a_tenth_anyway_its_limit_is_the_answer():
    """No setting could cut fewer, and the exercise would have no answer."""
    long_texts = [*range(40, 100), *[128] * 20]
    assert "it cuts" in setting((100, 8, "group_by_length"), long_texts, 128)
    assert setting((128, 8, "group_by_length"), long_texts, 128).startswith("Right")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((8, 512, "longest"), "cuts"),
        ((512, 8, "group"), "Three values were expected"),
        ((513, 8, "longest"), "max_length is 1 to 512"),
        ((0, 8, "longest"), "max_length is 1 to 512"),
        (["longest", 8, 512], "Three values were expected"),
        (512, "Three values were expected"),
    ],
)
def test_a_setting_that_is_none_is_told_what_was_expected(answer, told):
    assert told in setting(answer)


def test_the_difference_in_a_function_is_named_where_no_hint_fits():
    """A learner with a mistake of their own is told which table to look at."""

    def one_table(batch, pad_id):
        return [[*ids, pad_id] for ids in batch]

    check = exercises(1, notebook((1, 2), (2, 1), LENGTHS, 512, classes=2))
    told = check.told(check.exercises["pad"], one_table)
    assert "the number of tables that it returns: 3 instead of 2" in told
    assert "3 instead" not in check.told(check.exercises["pad"], lambda batch, pad_id: None)
