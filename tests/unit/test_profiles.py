import dataclasses
import re

import pytest

from helpers.profiles import PROFILES, Profile, choose_profile


@pytest.mark.parametrize(
    ("has_gpu", "hub_answers", "cached", "expected"),
    [
        (True, True, [], "full"), (False, True, [], "small"), (True, False, [], "offline"), (False, False, [], "offline"),
        (True, False, ["small", "full"], "full"), (True, False, ["small"], "small"), (False, False, ["small", "full"], "small"),
        (False, False, ["full"], "offline"),
    ],
)
def test_auto_takes_what_the_machine_can_serve(has_gpu, hub_answers, cached, expected):
    profile, reason = choose_profile("auto", has_gpu=has_gpu, hub_answers=hub_answers, cached=cached)
    assert profile.name == expected and "Hub" in reason
    assert ("fetched earlier" in reason) == (expected in cached)


def test_a_name_overrides_the_machine():
    assert choose_profile("full", has_gpu=False, hub_answers=False)[0] is PROFILES["full"]


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(ValueError, match=r"'fulll'.*auto, full, small, offline"):
        choose_profile("fulll", has_gpu=False, hub_answers=False)


def test_hub_profiles_are_pinned_to_commits():
    """An unpinned dataset changes under the learner's feet."""
    for profile in PROFILES.values():
        if profile.name != "offline":
            assert re.fullmatch(r"[0-9a-f]{40}", profile.model_revision) and re.fullmatch(r"[0-9a-f]{40}", profile.dataset_revision)


@pytest.mark.parametrize("change", [{"train_size": 0}, {"eval_size": -1}, {"learning_rate": 0.0}, {"learning_rate": "5e-5"}])
def test_sizes_must_be_positive(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be a number above zero"):
        dataclasses.replace(PROFILES["offline"], **change)


@pytest.mark.parametrize("source", ["reviews.csv", "./nowhere", "/no/such/folder", "~/reviews", "C:\\reviews", "a/b/c"])
def test_what_is_meant_as_a_local_folder_must_be_one(source, tmp_path, monkeypatch):
    """The Hub would answer that "./nowhere" is no valid repository id, which helps nobody."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").write_text("text,label\n")
    with pytest.raises(ValueError, match=r"must be a Hub id such as 'owner/name', or a folder with train\.csv and test\.csv"):
        Profile(model="owner/name", dataset=source)


def test_a_folder_and_hub_ids_are_taken(tmp_path):
    for dataset in (str(tmp_path), "owner/name", "imdb"):
        assert Profile(model="bert-base-cased", dataset=dataset).dataset == dataset


@pytest.mark.parametrize(
    ("change", "message"),
    [({"subset_rows": 10}, "subset_rows must be at least train_size"), ({"eval_split": "train"}, "learned by heart"),
     ({"train_size": True}, "train_size must be a number")],
)
def test_contradictions_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PROFILES["small"], **change)


def test_profiles_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Profile(name="x", model="m", dataset="d").train_size = 5
