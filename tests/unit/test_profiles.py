"""Protects a learner from a profile with a typing error."""

import dataclasses
import re

import pytest

from helpers.profiles import PROFILES, Profile, choose_profile


@pytest.mark.parametrize(
    ("has_gpu", "hub_answers", "cached", "expected"),
    [
        (True, True, [], "full"),
        (False, True, [], "small"),
        (True, False, [], "offline"),
        (False, False, [], "offline"),
        (True, False, ["small", "full"], "full"),
        (True, False, ["small"], "small"),
        (False, False, ["small", "full"], "small"),
        (False, False, ["full"], "offline"),
    ],
)
def test_auto_takes_what_the_machine_can_serve(has_gpu, hub_answers, cached, expected):
    profile, reason = choose_profile("auto", has_gpu=has_gpu, hub_answers=hub_answers, cached=cached)
    assert profile.name == expected and "Hub" in reason
    assert ("downloaded earlier" in reason) == (expected in cached)


@pytest.mark.parametrize(
    ("has_gpu", "hub_answers", "cached", "expected"),
    [
        (True, True, [], "korean"),
        (False, True, [], "korean"),
        (True, False, ["full", "small"], "offline"),
        (False, False, ["korean"], "korean"),
    ],
)
def test_auto_takes_korean_data_in_a_korean_notebook(has_gpu, hub_answers, cached, expected, monkeypatch):
    """A Korean learner who types Korean into an English model sees [UNK] only, and must hear why."""
    monkeypatch.setattr("helpers.language._language", "ko")
    profile, reason = choose_profile("auto", has_gpu=has_gpu, hub_answers=hub_answers, cached=cached)
    assert profile.name == expected
    assert ("The bundled reviews are English" in reason) == (expected == "offline")


def test_a_name_overrides_the_machine():
    assert choose_profile("full", has_gpu=False, hub_answers=False)[0] is PROFILES["full"]


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(ValueError, match=r"'fulll'.*auto, full, small, korean, offline"):
        choose_profile("fulll", has_gpu=False, hub_answers=False)


@pytest.mark.faults
def test_another_dataset_keeps_the_model_and_how_it_learns():
    """`Profile(model=profile.model, …)` dropped the learning rate and the model's type without a word:
    bert-mini then had no architecture, and the bundled model stayed at an accuracy of 0.40.
    """
    mine = PROFILES["small"].with_dataset("me/reviews", train_size=20, columns={"stars": "label"})
    small = PROFILES["small"]
    kept = ("model", "model_revision", "model_type", "max_length", "learning_rate", "num_train_epochs")
    assert [getattr(mine, name) for name in kept] == [getattr(small, name) for name in kept]
    assert (mine.name, mine.dataset, mine.train_size) == ("own", "me/reviews", 20)
    assert mine.columns == {"stars": "label"}


@pytest.mark.faults
def test_another_dataset_takes_nothing_from_the_one_before():
    """With `dataclasses.replace` alone, the Hub is asked for the new dataset at the old one's commit."""
    before = dataclasses.replace(
        PROFILES["small"],
        dataset_config="en",
        eval_split="validation",
        columns={"stars": "label"},
        label_names=("bad", "good"),
    )
    mine = before.with_dataset("me/reviews")
    expected = Profile(model="a/b", dataset="me/reviews")
    names = ("dataset_revision", "dataset_config", "subset_rows", "eval_split", "columns", "label_names")
    assert [getattr(mine, name) for name in names] == [getattr(expected, name) for name in names]


def test_hub_profiles_are_pinned_to_commits():
    """An unpinned dataset changes under the learner's feet."""
    for profile in PROFILES.values():
        if profile.name != "offline":
            assert re.fullmatch(r"[0-9a-f]{40}", profile.model_revision) and re.fullmatch(
                r"[0-9a-f]{40}", profile.dataset_revision
            )


@pytest.mark.parametrize(
    "change", [{"train_size": 0}, {"eval_size": -1}, {"learning_rate": 0.0}, {"learning_rate": "5e-5"}]
)
def test_sizes_must_be_positive(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be a (whole )?number above zero"):
        dataclasses.replace(PROFILES["offline"], **change)


@pytest.mark.parametrize(
    "source", ["reviews.csv", "./nowhere", "/no/such/folder", "~/reviews", "C:\\reviews", "a/b/c"]
)
def test_what_is_meant_as_a_local_folder_must_be_one(source, tmp_path, monkeypatch):
    """The Hub would answer that "./nowhere" is no valid repository id. That helps nobody."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").write_text("text,label\n")
    with pytest.raises(
        ValueError, match=r"must be a Hub id such as 'owner/name', or a folder with train\.csv and test\.csv"
    ):
        Profile(model="owner/name", dataset=source)


def test_a_folder_and_hub_ids_are_taken(tmp_path):
    for dataset in (str(tmp_path), "owner/name", "imdb"):
        assert Profile(model="bert-base-cased", dataset=dataset).dataset == dataset


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subset_rows": 10}, "subset_rows must be at least train_size"),
        ({"eval_split": "train"}, "learned by heart"),
        ({"train_size": True}, "train_size must be a whole number"),
    ],
)
def test_contradictions_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PROFILES["small"], **change)


def test_profiles_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Profile(name="x", model="m", dataset="d").train_size = 5


@pytest.mark.parametrize(("memory_gb", "expected"), [(2.0, "offline"), (8.0, "korean")])
def test_a_korean_model_is_not_taken_where_it_does_not_fit(memory_gb, expected, monkeypatch):
    """Binder has 2 GB, and kills a kernel that takes more without a word."""
    monkeypatch.setattr("helpers.language._language", "ko")
    profile, reason = choose_profile(has_gpu=False, hub_answers=True, memory_gb=memory_gb)
    assert profile.name == expected
    assert ("there are 2 GB of memory, and a model of your language needs 4 GB" in reason) == (memory_gb < 4)
