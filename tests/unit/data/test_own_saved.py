"""Protects a learner's own data between notebooks: what was saved is what the other notebooks train on."""

import os

import pandas as pd
import pytest
from datasets import load_dataset

from helpers.data import load_reviews, own_data
from helpers.data.own import own_profile
from helpers.profiles import PROFILES
from helpers.start.places import choose_runs_folder

WORDS = "soup bread room waiter guide tea cake garden window door lamp chair spoon glass plate oven".split()


def table(rows=300):
    """Three unordered classes, sorted by class, and each twentieth text twice."""
    texts = [f"The {WORDS[i % 16]} number {i - (i % 20 == 0)} was {WORDS[(i * 7) % 16]}" for i in range(rows)]
    labels = [("delivery", "billing", "returns")[i * 3 // rows] for i in range(rows)]
    return pd.DataFrame({"text": texts, "label": labels})


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("FINETUNE_RUNS", str(tmp_path / "runs"))
    choose_runs_folder()
    yield tmp_path / "runs"
    monkeypatch.undo()
    choose_runs_folder()


def test_every_notebook_divides_a_saved_set_as_own_data_did(runs, capsys):
    """They shuffle the training rows themselves: a text that trains in one might judge in another."""
    mine = own_data(table())
    mine.save("messages")
    profile = own_profile("messages")
    opened = load_reviews(profile)
    for split in ("train", "validation"):
        assert sorted(opened[split]["text"]) == sorted(mine.dataset[split]["text"]), split
    assert set(opened["test"]["text"]) <= set(mine.dataset["test"]["text"])
    assert opened["train"].features["label"].names == mine.label_names == ["billing", "delivery", "returns"]
    assert 'PROFILE = "own/messages"' in capsys.readouterr().out


def test_a_saved_set_keeps_the_model_and_the_rate_of_its_base(runs):
    own_data(table()).save("messages", base="small")
    profile = own_profile("messages")
    small = PROFILES["small"]
    kept = ("model", "model_revision", "model_type", "learning_rate", "max_length")
    assert [getattr(profile, name) for name in kept] == [getattr(small, name) for name in kept]
    assert not profile.ordered and profile.name == "own/messages"
    assert profile.train_size == 240 and profile.eval_size == 30


def test_the_setup_cell_opens_it(runs, monkeypatch, capsys):
    import helpers

    monkeypatch.delenv("FINETUNE_PROFILE")
    own_data(table()).save("messages")
    profile, _ = helpers.setup("own/messages")
    assert profile == own_profile("messages")
    assert "Profile   own/messages: your own data" in capsys.readouterr().out


def test_stars_stay_ordered(runs):
    stars = table().assign(label=[f"{1 + i % 5}" for i in range(300)])
    own_data(stars).save("stars")
    assert own_profile("stars").ordered
    rows = load_dataset(str(runs / "own" / "stars"), split="train")
    assert rows.features["label"].names == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("mesages", "Did you mean 'messages'?"), ("../x", "Expected a name such as 'reviews'"), (3, "got 3")],
)
def test_a_name_that_is_not_there_is_answered_with_the_nearest(runs, name, words):
    own_data(table()).save("messages")
    with pytest.raises(ValueError) as caught:
        own_profile(name)
    assert words in str(caught.value)


def test_several_labels_are_not_saved_for_notebooks_that_train_one(runs):
    several = pd.DataFrame(
        {"text": table()["text"], "a": [i % 2 for i in range(300)], "b": [i % 3 == 0 for i in range(300)]}
    ).astype({"b": int})
    with pytest.raises(ValueError, match="Expected one label a row"):
        own_data(several, multi_label=True).save("several")
    assert not os.path.exists(runs / "own")
