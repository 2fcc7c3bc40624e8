"""Protects a learner from a setup cell that chooses wrongly, or says too little about its choice."""

import os
import re
import sys

import pandas
import pytest
import torch
import wcwidth
from machines import CPU

from helpers.profiles import Profile
from helpers.start import session


def test_torch_starts_no_more_threads_than_cores_are_granted(monkeypatch):

    chosen = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 16)
    monkeypatch.setattr(torch, "set_num_threads", chosen.append)
    session._fit_threads(2)
    session._fit_threads(16)
    assert chosen == [2], "and what the learner has lowered stays"


@pytest.mark.parametrize(
    ("memory", "held", "warned"), [(2.0, 0.7, True), (2.0, 0.3, False), (8.0, 5.0, False)]
)
def test_kernels_that_leave_too_little_memory_are_named(monkeypatch, memory, held, warned):
    """Binder grants 2 GB. The second of three notebooks is killed in training if the first is still open."""
    monkeypatch.setattr(session, "other_kernels_gb", lambda: held)
    advice = session._memory_advice(memory)
    assert advice.startswith(f"other notebooks hold {held} of {memory} GB") == warned


def test_a_profile_of_ones_own_is_taken_as_it_is(monkeypatch):
    own = Profile(model="a/b", dataset="c/d")
    assert session._choose(own, CPU, answers=True) == (own, "your own")


def test_to_ask_whether_there_is_a_gpu_does_not_start_cuda(monkeypatch):
    """PyTorch asks CUDA itself by default. After that, `notebook_launcher` cannot fork a process a GPU."""
    monkeypatch.delenv("PYTORCH_NVML_BASED_CUDA_CHECK", raising=False)
    asked = []
    name = "PYTORCH_NVML_BASED_CUDA_CHECK"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: asked.append(os.environ.get(name)) or False)
    session.setup("offline")
    assert set(asked) == {"1"}, "PyTorch asks the driver instead, if this stands in the environment"


def test_setup_prints_the_choice_and_may_be_called_again(capsys, monkeypatch):
    import helpers

    monkeypatch.delenv("FINETUNE_PROFILE")
    first = helpers.setup("offline")
    second = helpers.setup("offline")
    assert first == second and first[0].name == "offline"
    out = capsys.readouterr().out
    assert "Profile   offline: chosen by name\n" in out and "bert-tiny-synthetic (bundled)" in out
    assert f"Host      local, Python {sys.version.split()[0]}" in out and re.search(
        r"Versions  torch 2\.[^:]+:\s+OK\n", out
    )
    assert max(map(len, out.splitlines())) <= 115, (
        "wrapped by us: a notebook would start the next line under the name"
    )


@pytest.mark.faults
@pytest.mark.parametrize(
    ("host", "answers", "told"), [("1", False, True), ("1", True, False), ("", False, False)]
)
def test_kaggle_without_internet_says_how_to_switch_it_on(capsys, monkeypatch, host, answers, told):
    """Kaggle has no internet by default, and "the Hub does not answer" sounds like the Hub's fault."""
    import helpers
    from helpers.start import costs

    monkeypatch.setattr(session, "ask_hub", lambda: answers)
    monkeypatch.setattr(costs, "cost", lambda profile, machine, answers: "")
    if host:
        monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    helpers.setup("offline")
    out = capsys.readouterr().out
    assert ("Settings → Turn on internet" in out) == told
    assert ("Host      Kaggle" in out) == bool(host)


def test_the_environment_overrules_the_notebook(capsys, monkeypatch):
    """A workshop sets one variable for fifty people, and nobody edits their notebooks."""
    import helpers

    monkeypatch.setenv("FINETUNE_PROFILE", "small")
    assert helpers.setup("offline")[0].name == "small"
    assert "small: chosen by name (FINETUNE_PROFILE)" in capsys.readouterr().out


@pytest.mark.parametrize("busy", [False, True])
def test_a_busy_machine_is_said_beside_the_minutes(busy, monkeypatch, capsys):
    """People believed that a training takes half an hour, because a video call ran during the setup cell."""
    monkeypatch.setattr(session, "is_busy", lambda: busy)
    session.setup("offline")
    assert ("the machine is busy)" in capsys.readouterr().out) == busy


def test_the_right_edge_of_korean_columns_is_straight():
    """pandas counts letters. Notebooks 5 and 6 print what a slice tells as a column."""
    table = pandas.DataFrame({"finding": ["차이를 찾지 못함", "나머지보다 나쁨", "worse"]})
    with pandas.option_context("display.unicode.east_asian_width", False):
        session.setup("offline")
        lines = table.to_string(index=False).splitlines()
    assert len({wcwidth.wcswidth(line) for line in lines}) == 1


def test_the_tests_can_shorten_trainings(monkeypatch, capsys):
    import helpers

    monkeypatch.setenv("FINETUNE_SIZES", "num_train_epochs=1 train_size=40")
    profile, _ = helpers.setup("offline")
    assert [profile.num_train_epochs, profile.train_size] == [1, 40]
    assert "with num_train_epochs=1 train_size=40 (FINETUNE_SIZES)" in " ".join(
        capsys.readouterr().out.split()
    )
