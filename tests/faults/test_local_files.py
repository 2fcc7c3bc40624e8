"""Protects a learner with files of their own from advice about the Hub, and from old copies of the files.

The tests run without the Hub, as on a plane. There, every error of a library was explained as a missing
download.
"""

import dataclasses
import os
import shutil
from pathlib import Path

import datasets
import pytest
from datasets import load_dataset
from huggingface_hub import constants
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from helpers.data.pretrained import check_tokenizer, load_config
from helpers.explain import explain
from helpers.hub import dataset_source, is_cached
from helpers.profiles import PROFILES, Profile

pytestmark = pytest.mark.faults

OFFLINE = PROFILES["offline"]
GOOD = "text,label\ngood,pos\nbad,neg\n"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """Keep the libraries offline, with an empty cache, and the notebook in a folder of its own."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("helpers.hub.reach._problem", None)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")


def folder(path, files):
    """Write a folder of these files and return its name."""
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def shown(function, *args, **kwargs):
    """Return what a notebook shows of the error that the call ends in."""
    with pytest.raises(Exception) as caught:
        function(*args, **kwargs)
    return explain(caught.value) or str(caught.value)


LATIN = GOOD.replace("good", "café").encode("latin-1")
# What the folder holds, and what must be said of it
DATA = {
    "empty folder": ({}, ["is empty", "Put train.csv and test.csv into the folder"]),
    "only Excel": ({"reviews.xlsx": b"PK"}, ["holds reviews.xlsx", "CSV UTF-8"]),
    "Latin-1": ({"train.csv": LATIN}, ["train.csv is not in UTF-8: byte 14, in line 2, is 0xe9"]),
    "Latin-1, far down": (
        {"train.csv": GOOD.encode() * 9_000 + LATIN},
        ["byte 252,014, in line 27,002, is 0xe9"],
    ),
    "Latin-1, text": ({"train.txt": LATIN}, ["train.txt is not in UTF-8", 'encoding="cp1252"']),
    "Excel's Unicode": ({"train.csv": GOOD.encode("utf-16")}, ["train.csv", 'encoding="utf-16"']),
    "empty test.csv": ({"train.csv": GOOD, "test.csv": ""}, ["test.csv is empty", "a header"]),
    "only a header": ({"train.csv": GOOD, "test.csv": "text,label\n"}, ["test.csv has no rows"]),
    "empty lines": (
        {"train.jsonl": '{"text": "a", "label": 1}\n', "test.jsonl": ""},
        ["test.jsonl has no rows"],
    ),
    "other columns": (
        {"train.csv": GOOD, "test.csv": "review,label\ngood,pos\n"},
        ["test.csv has a column 'review' and no column 'text'", "which have ['text', 'label']"],
    ),
    "other columns within a split": (
        {"train_1.csv": GOOD, "train_2.csv": "review,label\ngood,pos\n", "train_3.csv": GOOD},
        ["train_2.csv has a column 'review'"],
    ),
    "other columns, JSON": (
        {"train.jsonl": '{"text": "a", "label": 1}\n', "test.jsonl": '{"review": "a", "label": 1}\n'},
        ["test.jsonl has a column 'review'"],
    ),
    "texts for numbers": (
        {"train.csv": "text,label\ngood,1\n", "test.csv": GOOD},
        ["test.csv, the column 'label' holds texts", "numbers", "'neg'"],
    ),
    "a comma too many": (
        {"train.csv": GOOD + "well, I liked it,pos\n"},
        ["train.csv is no regular CSV file", "line 4", "double quotes"],
    ),
}


@pytest.mark.parametrize(("files", "words"), DATA.values(), ids=DATA)
def test_data_that_cannot_be_read_is_named_by_file_and_place(tmp_path, files, words):
    """The libraries say "An error occurred while generating the dataset", and we said "not in the cache"."""
    message = shown(load_dataset, folder(tmp_path / "mine", files))
    assert str(tmp_path / "mine") in message and "Hub" not in message and len(message.splitlines()) == 2
    for expected in words:
        assert expected in message


def test_the_advice_on_encodings_helps(tmp_path):
    for name, content, encoding in (("a", LATIN, "cp1252"), ("b", GOOD.encode("utf-16"), "utf-16")):
        rows = load_dataset(folder(tmp_path / name, {"train.csv": content}), encoding=encoding)["train"]
        assert rows["text"][:] == ["café" if encoding == "cp1252" else "good", "bad"]


def load_model(name):
    return AutoModelForSequenceClassification.from_pretrained(name)


def load_tokenizer(name):
    tokenizer = AutoTokenizer.from_pretrained(name)
    check_tokenizer(tokenizer)


MODELS = {
    "no weights": (
        load_model,
        ["model.safetensors"],
        ["no weights (model.safetensors)", "model.save_pretrained"],
    ),
    "no config": (load_model, ["config.json"], ["no config.json", "it holds README.md, model.safetensors"]),
    "nothing": (load_model, None, ["no config.json", "it holds nothing"]),
    "no vocabulary": (load_tokenizer, ["tokenizer.json"], ["no tokenizer (tokenizer.json)"]),
    "no tokenizer": (
        load_tokenizer,
        ["tokenizer.json", "tokenizer_config.json", "config.json"],
        ["no tokenizer (tokenizer.json)", "tokenizer.save_pretrained"],
    ),
}


@pytest.mark.parametrize(("load", "without", "words"), MODELS.values(), ids=MODELS)
def test_a_models_folder_that_lacks_files_is_named(tmp_path, load, without, words):
    """`Trainer` without `processing_class` saves no tokenizer. The network would not bring it back."""
    mine = tmp_path / "mine"
    if without is None:
        mine.mkdir()
    else:
        shutil.copytree(OFFLINE.model, mine)
        for name in without:
            (mine / name).unlink()
    message = shown(load, str(mine))
    assert str(mine) in message and "Hub" not in message and "run this cell again" not in message
    for expected in words:
        assert expected in message


def test_a_folder_that_is_gone_fails_though_the_cache_has_a_copy_of_it():
    """`load_dataset` finds the copy by the folder's name, and the learner trains on last month's reviews."""
    folder(Path("my_reviews"), {"train.csv": GOOD, "test.csv": GOOD})
    profile = Profile(model=OFFLINE.model, dataset="my_reviews", train_size=1, eval_size=1)
    assert len(load_dataset(dataset_source(profile))["train"]) == 2 and is_cached(profile)
    os.rename("my_reviews", "my_reviews_2")
    assert len(load_dataset("my_reviews")["train"]) == 2, "else, this test guards against nothing"
    assert not is_cached(profile)
    with pytest.raises(ValueError, match=r"There is no folder 'my_reviews' in .*notebooks, only an old copy"):
        dataset_source(profile)
    assert dataset_source(dataclasses.replace(profile, dataset="my_reviews_2")) == "my_reviews_2"


def test_a_dataset_of_the_hub_without_an_owner_is_taken_from_the_cache(tmp_path):
    """The Hub's oldest datasets have no owner. A commit id shows that a copy came from there."""
    prepared = tmp_path / "cache" / "imdb" / "plain_text" / "0.0.0" / ("e" * 40)
    prepared.mkdir(parents=True)
    (prepared / "dataset_info.json").write_text("{}")
    profile = Profile(model=OFFLINE.model, dataset="imdb")
    assert dataset_source(profile) == "imdb" and is_cached(profile)


def test_a_name_that_is_neither_here_nor_in_the_cache_may_be_a_folder():
    """A learner who forgot where the folder is must not wait for the network."""
    words = f"There is no folder 'my_model' in {os.getcwd()}. This is not in the cache"
    profile = Profile(model="my_model", dataset=OFFLINE.dataset)
    assert words in shown(load_config, profile)
    assert words.replace("my_model", "my_reviews") in shown(load_dataset, "my_reviews")


def test_what_was_asked_of_the_hub_is_still_explained(tmp_path):
    for message in (
        shown(load_config, PROFILES["small"]),
        shown(load_dataset, PROFILES["full"].dataset),
        shown(load_model, "owner/model"),
    ):
        assert "This is not in the cache, and HF_HUB_OFFLINE rules out the Hugging Face Hub" in message
