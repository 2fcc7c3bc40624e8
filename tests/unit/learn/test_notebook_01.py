"""Protects a learner of notebook 1 from a check that is wrong about an answer."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from exercising import Exercising, run
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


RELABELLED = """def f(examples):
    return {{"label": [{} for label in examples["label"]]}}"""
LONGEST = "max(map(len, batch))"
PADDED = """def f(batch, pad_id):
    ids, masks = [], []
    for row in batch:
        row = row[:{width}]
        fill, no = [pad_id] * ({width} - len(row)), [0] * ({width} - len(row))
        real = [1] * len(row)
        ids.append(row + fill)
        masks.append(real + no)
    return ids, masks"""
WRONG = {
    "majority": {
        "max(counts.values()) / len(validation_dataset)": "Choose it by the training rows",
        "max(Counter(small_train_dataset['label']).values()) / 100": "share of the training rows",
        "1 / len(label_names)": "one divided by the number of classes",
        "counts[1]": "number of rows",
        "100 * counts[1] / len(validation_dataset)": "in percent",
    },
    "from_zero": {
        "def f(examples): return examples": "still those of the file",
        RELABELLED.format("label + 1"): "went up",
        RELABELLED.format("min(label, len(label_names) - 1)"): "cut off",
        RELABELLED.format("label % len(label_names)"): "Only the last",
        RELABELLED.format("label - min(examples['label'])"): "the smallest",
        "def f(examples): return [label - 1 for label in examples['label']]": "`map` needs a dict",
    },
    "pad": {
        PADDED.format(width=128): "longer than the longest",
        "def f(batch, pad_id): return [row + [pad_id] * (9 - len(row)) for row in batch]": "Only one table",
        "def f(batch, pad_id): return batch, [[1] * len(row) for row in batch]": "still have different",
        PADDED.replace("[:{width}]", "").format(width="len(batch[0])"): "the first text",
        PADDED.format(width="min(map(len, batch))"): "to the shortest one",
        PADDED.replace("row + fill", "fill + row")
        .replace("real + no", "no + real")
        .format(width=LONGEST): "at the left",
        PADDED.replace("[1]", "[2]")
        .replace("[0]", "[1]")
        .replace("[2]", "[0]")
        .format(width=LONGEST): "wrong way round",
        PADDED.replace("[0]", "[1]").format(width=LONGEST): "1 everywhere",
        PADDED.replace("[pad_id]", "[0]").format(width=LONGEST): "always 0",
        PADDED.replace("ids, masks", "masks, ids").format(width=LONGEST): "wrong order",
    },
    "padding_share": {
        "sum(eight) / (8 * max(eight))": "share of the real tokens",
        "(8 * max(eight) - sum(eight)) / sum(eight)": "a ratio",
        "100 - 100 * sum(eight) / (8 * max(eight))": "in percent",
        "sum(max(eight) - length for length in eight)": "number of tokens",
        "7 / 8": "share of the texts",
        "(eight[0] - eight[1]) / eight[0]": "seven short texts alone",
        "1 - sum(eight) / (8 * 512)": "the model's limit",
    },
    "setting": {
        "(200, 7, 'group_by_length')": "slow with them",
        "(60, 8, 'group_by_length')": "raise max_length",
        "(120, 8, 'max_length')": "fills every text",
        "(400, 8, 'longest')": "long texts meet short ones",
        "(400, 8, 'group_by_length')": "can be lower",
        "(150, 64, 'group_by_length')": "Take a smaller one",
    },
}


class TestNotebook1(Exercising):
    number = 1
    wrong = WRONG
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
    told = setting((128, 8, "group_by_length"), long_texts, 128)
    assert told.startswith("Right. It cuts 25.0% of the texts, as many as the model's limit cuts anyway.")
    assert "anyway" not in setting((160, 8, "group_by_length"))


def test_a_batch_without_padding_is_no_proof_that_one_long_text_is_enough():
    check = exercises(1, notebook((1, 2), (2, 1), [30] * 9, 512, classes=2))
    told = check.told(check.exercises["padding_share"], 0)
    assert told == "Right. Of 240 computed tokens, 240 are real: 0% is padding."


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((8, 512, "longest"), "cuts"),
        (
            (512, 8, "group"),
            'The padding is one of "max_length", "longest", "group_by_length", and this is \'group\'.',
        ),
        ((512, 8.0, "longest"), "The batch size is a whole number, as 8 is, and this is 8."),
        (("512", 8, "longest"), "The max_length is a whole number, as 8 is, and this is '512'."),
        ((513, 8, "longest"), "max_length is 1 to 512"),
        ((0, 8, "longest"), "max_length is 1 to 512"),
        (["longest", 8, 512], "The max_length is a whole number"),
        (512, "Three values were expected"),
    ],
)
def test_a_setting_that_is_none_is_told_what_was_expected(answer, told):
    assert told in setting(answer)


def test_the_difference_in_a_function_is_named_where_no_hint_fits():
    """A learner with a mistake of their own is told which table to look at."""

    def three_tables(batch, pad_id):
        return batch, batch, batch

    check = exercises(1, notebook((1, 2), (2, 1), LENGTHS, 512, classes=2))
    told = check.told(check.exercises["pad"], three_tables)
    assert "the number of tables that it returns: 3 instead of 2" in told
    assert "0 instead of 2" in check.told(check.exercises["pad"], lambda *_: print(end=""))


@pytest.mark.parametrize("table", [torch.tensor, np.array, list])
def test_one_table_is_one_in_whatever_form_and_however_many_rows(table):
    """A list of three rows was counted as three tables."""
    check = exercises(1, notebook((1, 2), (2, 1), LENGTHS, 512, classes=2))
    for rows in ([[1, 2]], [[1, 2], [3, 4]], [[1, 2]] * 3):
        told = check.told(check.exercises["pad"], lambda batch, pad_id, rows=rows: table(rows))
        assert "Only one table came back" in told


@pytest.mark.parametrize("lengths", [LENGTHS, [*range(40, 100), *[128] * 20], [30] * 80, [5, 9]])
def test_the_solution_of_the_setting_passes_whatever_the_lengths(lengths):
    """A quantile between two lengths would cut a text too many."""
    names = notebook((1, 2), (2, 1), lengths, max(128, max(lengths)), classes=2)
    check = exercises(1, names)
    run(check.exercises["setting"].solution, names)
    assert check.told(check.exercises["setting"], names["setting"]).startswith("Right")
