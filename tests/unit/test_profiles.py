import dataclasses
import re

import pytest

from helpers.profiles import PROFILES, Profile, choose_profile


@pytest.mark.parametrize(
    ("has_gpu", "hub_answers", "expected"),
    [(True, True, "full"), (False, True, "small"), (True, False, "offline"), (False, False, "offline")],
)
def test_auto_takes_what_the_machine_can_serve(has_gpu, hub_answers, expected):
    profile, reason = choose_profile("auto", has_gpu=has_gpu, hub_answers=hub_answers)
    assert profile.name == expected and "Hub" in reason


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


def test_profiles_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Profile(name="x", model="m", dataset="d").train_size = 5
