"""Protects a learner from a raw error where a file cannot be written, and from advice that does not help."""

import errno
import io
import os
from pathlib import Path

import pytest

from helpers.explain import explain
from helpers.explain.resources import no_place_to_write


class SafetensorError(Exception):
    """As the library's own, which has words but neither a number nor a file."""


# What torch.save and safetensors say
ENDED_EARLY = "[enforce fail at inline_container.cc:672] . unexpected pos 7808 vs 7766"
NOT_OPENED = "[enforce fail at inline_container.cc:747] . open file failed: Read-only file system"
NO_SPACE = "I/O error: No space left on device (os error 28)"
TOO_LARGE = "I/O error: File too large (os error 27)"


def caught(error, file):
    """Return the error as a cell gets it: raised by a function that holds the name of the file."""

    def save(path):
        raise error

    try:
        save(str(file))
    except Exception as raised:
        return raised


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "There is no room for this file in {}: its disk"),
        (SafetensorError(NO_SPACE), "There is no room for this file in {}: its disk has "),
        (RuntimeError(ENDED_EARLY), "There is no room for this file in {}: its disk has "),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Your quota in {} is used up."),
        (SafetensorError(TOO_LARGE), "A file in {} cannot grow so large."),
        (OSError(errno.EROFS, "Read-only file system"), "Nothing can be written in {}, which is read-only."),
        (RuntimeError(NOT_OPENED), "Nothing can be written in {}, which is read-only."),
    ],
    ids=["full", "full: safetensors", "full: torch", "quota", "large", "read-only", "read-only: torch"],
)
def test_the_place_and_the_way_out_are_named(error, begins, tmp_path):
    """Of these errors, none names the file. A function that it went through does."""
    sentence = explain(caught(error, tmp_path / "weights.bin"))
    assert sentence.startswith(begins.format(tmp_path))
    assert "put `%env FINETUNE_RUNS=/another/folder` above the setup cell" in sentence


def test_the_cause_of_a_librarys_own_error_counts(tmp_path):
    """`load_dataset` says "An error occurred while generating the dataset", and no more."""
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "data.arrow"))
        except OSError as full:
            raise RuntimeError("An error occurred while generating the dataset") from full
    except RuntimeError as error:
        assert no_place_to_write(error).startswith(f"There is no room for this file in {tmp_path}: its disk")


def test_a_file_without_its_buffer_does_not_break_the_explanation(tmp_path):
    """In Colab's `datasets`, a function that reads a CSV file holds one: to ask its name is an error."""
    detached = io.TextIOWrapper(io.BytesIO(b""))
    detached.detach()

    def save(reader, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError) as caught:
        save(detached, str(tmp_path / "data.arrow"))
    assert no_place_to_write(caught.value).startswith(
        f"There is no room for this file in {tmp_path}: its disk"
    )


def test_for_a_cache_of_the_libraries_another_variable_counts(tmp_path, monkeypatch):
    """FINETUNE_RUNS does not move the caches, so the advice to set it would not help."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    error = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "reviews" / "data.arrow"))
    assert "put `%env HF_HOME=/another/folder` above" in no_place_to_write(error)


def test_a_cells_own_names_are_not_taken_for_the_place():
    """A notebook's names lead to many files: none of them may be called the one without room."""
    try:
        exec("raise OSError(28, 'No space left on device')", {"here": Path.cwd()})
    except OSError as error:
        sentence = no_place_to_write(error)
    assert sentence.startswith("There is no room for this file on its disk. Make room there")


@pytest.mark.parametrize("readable", [True, False])
def test_a_folder_for_reading_only_is_told_from_a_file_that_may_not_be_read(tmp_path, monkeypatch, readable):
    """Both raise the same PermissionError."""
    file = tmp_path / "file"
    file.touch()
    rights = {str(file): os.R_OK if readable else 0, str(tmp_path): os.R_OK | os.X_OK}
    monkeypatch.setattr(os, "access", lambda path, asked: rights[str(path)] & asked == asked)
    sentence = no_place_to_write(PermissionError(errno.EACCES, "Permission denied", str(file)))
    assert (sentence or "").startswith(f"You may not write in {tmp_path}.") == readable


def test_other_errors_with_the_same_number_or_words_are_left_alone(tmp_path):
    """A firewall forbids a connection with the number of a file that may not be written."""
    assert no_place_to_write(caught(PermissionError(1, "Operation not permitted"), "/proc/x")) is None
    assert no_place_to_write(PermissionError(13, "Permission denied", str(tmp_path / "held open"))) is None
    assert no_place_to_write(ValueError("no space left for the label")) is None


def test_a_lock_that_belongs_to_somebody_else_is_named(tmp_path, monkeypatch):
    """In a cache that a class shares, the folder may be open to all and a file in it not. The traceback came
    out of filelock.
    """
    lock = tmp_path / "reviews.lock"
    lock.touch()
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    monkeypatch.setattr(os, "access", lambda path, asked: str(path) != str(lock))
    sentence = no_place_to_write(PermissionError(errno.EACCES, "Permission denied", str(lock)))
    assert sentence.startswith(f"The file {lock} belongs to somebody else, and you may not write to it.")
    assert "%env HF_HOME=/another/folder" in sentence
