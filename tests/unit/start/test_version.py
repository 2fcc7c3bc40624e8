"""Protects a learner who copied a notebook last year from not knowing that the course has moved on."""

import subprocess

import pytest

from helpers.start.version import newer_version


def git(*arguments, cwd):
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def origin(tmp_path):
    """A repository with two versions. "2026.9" would be the newest if text were compared."""
    folder = tmp_path / "origin"
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", ".", cwd=folder)
    for tag in ("2026.9", "2026.11"):
        git("commit", "--quiet", "--allow-empty", "--message", tag, cwd=folder)
        git("tag", tag, cwd=folder)
    git("tag", "not-a-version", cwd=folder)
    return folder


def clone(origin, *options):
    git("clone", "--quiet", "--depth=1", *options, origin.as_uri(), "clone", cwd=origin.parent)
    return origin.parent / "clone"


def test_an_old_copy_is_told_of_the_newest_version(origin):
    said = newer_version(clone(origin, "--branch=2026.9"))
    assert said.startswith("this notebook belongs to version 2026.9. There is a newer one, 2026.11: file:")


def test_the_newest_version_says_nothing(origin):
    assert newer_version(clone(origin, "--branch=2026.11")) == ""


def test_a_clone_of_a_branch_is_not_asked(origin, monkeypatch):
    """Whoever works in a clone decides what to pull. The setup cell must not wait for a network there."""
    folder = clone(origin)
    monkeypatch.setattr("helpers.start.version._git", lambda *a: pytest.fail("asked"))
    assert newer_version(folder) == "" and newer_version(origin.parent) == ""


def test_a_repository_that_is_gone_stops_nobody(origin):
    folder = clone(origin, "--branch=2026.9")
    origin.rename(origin.parent / "gone")
    assert newer_version(folder) == ""
