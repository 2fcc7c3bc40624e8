"""Datasets of the learner's own: other names, other labels, and everything that can be wrong with them."""

import dataclasses
import json

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, load_dataset

from helpers.data import check_tokenizer, text_and_label
from helpers.profiles import PROFILES, Profile

BASE = Profile(model="owner/model", dataset="owner/data", train_size=3, eval_size=2)


def splits(label="label", text="text", labels=(0, 1, 2), **more):
    train = Dataset.from_dict({text: ["a", "b", "c"], label: list(labels), "extra": [1, 2, 3]})
    return DatasetDict({"train": train, "test": train.select(range(2)), **more})


def test_columns_are_renamed_and_others_left_out():
    profile = dataclasses.replace(BASE, columns={"review": "text", "stars": "label"}, label_names=("x", "y", "z"))
    prepared = text_and_label(splits(label="stars", text="review"), profile)
    assert prepared["train"].column_names == ["text", "label"]
    assert prepared["train"].features["label"] == ClassLabel(names=["x", "y", "z"]) and prepared["test"]["label"][:] == [0, 1]


def test_text_labels_become_classes_in_the_order_given_or_sorted():
    data = splits(labels=("good", "bad", "good"))
    assert text_and_label(data, dataclasses.replace(BASE, label_names=("good", "bad")))["train"]["label"][:] == [0, 1, 0]
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
    assert len(text_and_label(data, dataclasses.replace(BASE, eval_split="validation", label_names=("a", "b", "c")))["test"]) == 2


@pytest.mark.parametrize(
    ("data", "change", "message"),
    [
        (splits(text="review"), {}, r"has the columns \['review', 'label', 'extra'\].*columns="),
        (splits(), {"columns": {"stars": "label"}}, r"has the columns .*columns="),
        (splits(), {"eval_split": "dev"}, r"no split 'dev'; it has \['train', 'test'\].*eval_split"),
        (splits(), {}, r"not texts but 0, 1, 2.*label_names="),
        (splits(labels=(1, 2, 3)), {"label_names": ("a", "b", "c")}, r"integers from 0 to 2; found 1, 2, 3"),
        (splits(labels=("good", "meh", "bad")), {"label_names": ("bad", "good")}, r"one of \['bad', 'good'\].*'meh'"),
        (splits(labels=(0.0, 1.0, 2.0)), {"label_names": ("a", "b", "c")}, r"found 0.0, 1.0, 2.0"),
        (splits(labels=("good", None, "bad")), {"label_names": ("bad", "good")}, r"rows of 'train' have no label \(None\)"),
        (splits(), {"train_size": 10}, r"asks for 10 rows of 'train', which has 3. Set train_size"),
        (splits(), {"eval_size": 10}, r"asks for 10 rows of 'test', which has 2. Set eval_size"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_write(data, change, message):
    with pytest.raises(ValueError, match=message):
        text_and_label(data, dataclasses.replace(BASE, **change))


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_folder_of_files(tmp_path, kind):
    for split, rows in splits(labels=("x", "y", "x")).items():
        getattr(rows, {"csv": "to_csv", "parquet": "to_parquet", "jsonl": "to_json"}[kind])(tmp_path / f"{split}.{kind}")
    profile = dataclasses.replace(BASE, dataset=str(tmp_path))
    assert text_and_label(load_dataset(profile.dataset, profile.dataset_config), profile)["train"]["label"][:] == [0, 1, 0]


def test_a_tokenizer_without_a_vocabulary_is_refused(tmp_path):
    """from_pretrained gives one back without a word; every text would be a row of [UNK]."""
    from transformers import AutoTokenizer, BertConfig

    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(OSError, match="without its vocabulary"):
        check_tokenizer(AutoTokenizer.from_pretrained(tmp_path, config=BertConfig()))
    check_tokenizer(AutoTokenizer.from_pretrained(PROFILES["offline"].model))
