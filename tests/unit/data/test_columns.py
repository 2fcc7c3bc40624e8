"""Protects a learner who brings a dataset: each thing that can be wrong with it has its own sentence."""

import dataclasses

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, load_dataset

from helpers.data.columns import check_dataset, text_and_label
from helpers.profiles import Profile

BASE = Profile(model="owner/model", dataset="owner/data", train_size=2, eval_size=1)


def splits(label="label", text="text", labels=(0, 1, 2), **more):
    train = Dataset.from_dict({text: ["a", "b", "c"], label: list(labels), "extra": [1, 2, 3]})
    return DatasetDict({"train": train, "test": train.select(range(2)), **more})


def test_columns_are_renamed_and_others_left_out():
    profile = dataclasses.replace(
        BASE, columns={"review": "text", "stars": "label"}, label_names=("x", "y", "z")
    )
    prepared = text_and_label(splits(label="stars", text="review"), profile)
    assert prepared["train"].column_names == ["text", "label"]
    assert prepared["train"].features["label"] == ClassLabel(names=["x", "y", "z"]) and prepared["test"][
        "label"
    ][:] == [0, 1]


def test_text_labels_become_classes_in_the_order_given_or_sorted():
    data = splits(labels=("good", "bad", "good"))
    assert text_and_label(data, dataclasses.replace(BASE, label_names=("good", "bad")))["train"]["label"][
        :
    ] == [0, 1, 0]
    prepared = text_and_label(data, BASE)["train"]
    assert prepared.features["label"].names == ["bad", "good"] and prepared["label"][:] == [1, 0, 1]


def test_a_class_label_of_the_dataset_is_kept():
    data = splits().cast_column("label", ClassLabel(names=["p", "q", "r"]))
    assert text_and_label(data, BASE)["train"].features["label"].names == ["p", "q", "r"]
    with pytest.raises(ValueError, match="label_names has 2 names, but the dataset has 3 classes"):
        text_and_label(data, dataclasses.replace(BASE, label_names=("a", "b")))


def test_another_evaluation_split():
    data = splits()
    data = DatasetDict(train=data["train"], validation=data["test"])
    assert (
        len(
            text_and_label(
                data, dataclasses.replace(BASE, eval_split="validation", label_names=("a", "b", "c"))
            )["test"]
        )
        == 2
    )


@pytest.mark.parametrize(
    ("data", "change", "message"),
    [
        (splits(text="review"), {}, r"has the columns \['review', 'label', 'extra'\].*columns="),
        (splits(), {"columns": {"stars": "label"}}, r"has the columns .*columns="),
        (splits(), {"eval_split": "dev"}, r"no split 'dev'; it has \['train', 'test'\].*eval_split"),
        (splits(), {}, r"not texts but 0, 1, 2.*label_names="),
        (splits(labels=(1, 2, 3)), {"label_names": ("a", "b", "c")}, r"integers from 0 to 2; found 1, 2, 3"),
        (
            splits(labels=("good", "meh", "bad")),
            {"label_names": ("bad", "good")},
            r"one of \['bad', 'good'\].*'meh'",
        ),
        (splits(labels=(0.0, 1.0, 2.0)), {"label_names": ("a", "b", "c")}, r"found 0.0, 1.0, 2.0"),
        (
            splits(labels=("good", None, "bad")),
            {"label_names": ("bad", "good")},
            r"rows of 'train' have no label \(None\)",
        ),
        (
            splits(),
            {"train_size": 3},
            r"asks for 3 rows of 'train' to train on and for 1 others .* 'train' has 3. Lower train_size",
        ),
        (
            splits(few=Dataset.from_dict({"text": ["a"], "label": [0]})),
            {"train_size": 1, "eval_size": 2, "eval_split": "few"},
            r"asks for 2 rows of 'few', which has 1. Set eval_size",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_to_write(data, change, message):
    with pytest.raises(ValueError, match=message):
        text_and_label(data, dataclasses.replace(BASE, **change))


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_folder_of_files(tmp_path, kind):
    for split, rows in splits(labels=("x", "y", "x")).items():
        getattr(rows, {"csv": "to_csv", "parquet": "to_parquet", "jsonl": "to_json"}[kind])(
            tmp_path / f"{split}.{kind}"
        )
    profile = dataclasses.replace(BASE, dataset=str(tmp_path))
    assert text_and_label(load_dataset(profile.dataset, profile.dataset_config), profile)["train"]["label"][
        :
    ] == [0, 1, 0]


def reviews(**columns):
    return Dataset.from_dict({"text": ["good", "bad"], "label": [4, 0]} | columns)


def test_a_good_dataset_passes():
    assert check_dataset(reviews(), num_labels=5) is None


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (
            reviews().remove_columns("text"),
            r"needs columns 'text' and 'label'; it has \['label'\].*rename_column",
        ),
        (reviews().rename_column("label", "stars"), r"it has \['text', 'stars'\]"),
        (reviews().select([]), "zero rows"),
        (reviews(text=["good", "  "]), r"1 of 2 texts are empty or not text \(the first in row 1\)"),
        (reviews(text=[None, "bad"]), "first in row 0"),
        (reviews(label=[5, 0]), r"from 0 to 4, because num_labels is 5; found 5 \(1 times\)"),
        (reviews(label=[-1, -1]), r"found -1 \(2 times\)"),
        (reviews(label=["good", "bad"]), r"found 'good' \(1 times\)"),
        (reviews(label=[None, 1]), "found None"),
        (reviews(label=[True, False]), "found True"),
        (reviews(label=[[1], [2]]), r"found \[1\]"),
    ],
)
def test_a_dataset_that_cannot_train_is_refused_with_what_to_do(dataset, message):
    with pytest.raises(ValueError, match=message):
        check_dataset(dataset, num_labels=5)
