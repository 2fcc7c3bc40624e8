"""Protects a learner from a place that cannot be written, and from results in a place that nobody named."""

import errno
import os
import sys
from pathlib import Path

import pytest

from helpers.start import fetch, places
from helpers.start.packages import SetupError


@pytest.fixture
def course(tmp_path, monkeypatch):
    """As on a learner's machine, with everything in `tmp_path`: the course, the home, the temporary files."""
    for name in ("FINETUNE_RUNS", "MPLCONFIGDIR", "HF_HOME", "HUGGINGFACE_HUB_CACHE", *places._IN_HF_HOME):
        monkeypatch.setenv(name, "")  # so that it is as before afterwards, even if the course sets it
        monkeypatch.delenv(name)
    for name in ("course", "home", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(places, "COURSE", tmp_path / "course")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "huggingface_hub.constants", raising=False)
    yield tmp_path
    places._find_runs.cache_clear()


def block(folder: Path) -> None:
    """Let nobody write to `folder`, not even root: put a file in its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.touch()


def chosen():
    return places.choose_runs_folder(), places.runs_folder()


def test_when_all_is_well_nothing_is_said_made_or_set(course):
    """The setup cell may print no more lines than without this, and leave nothing behind."""
    before = dict(os.environ)
    assert chosen() == ("", course / "course" / "runs") and places.move_caches() == ""
    assert os.environ == before and {path.name for path in course.rglob("*")} == {"course", "home", "tmp"}


def test_a_course_that_cannot_be_written_uses_the_users_own_folder(course):
    block(course / "course" / "runs")
    sentence, folder = chosen()
    assert folder.parent.name == "finetuning-course" and course / "home" in folder.parents
    assert sentence == f"{course}/course/runs cannot be written. Your runs and models go to {folder}."


def test_without_platformdirs_it_is_the_usual_folder(course, monkeypatch):
    """It comes with Jupyter's newer versions only."""
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert places._data_folder() == course / "home" / ".local" / "share" / "finetuning-course"


def test_with_a_home_that_cannot_be_written_it_says_that_runs_go_with_the_session(course):
    block(course / "course" / "runs")
    block(course / "home" / ".local")
    block(course / "home" / "Library")
    sentence, folder = chosen()
    assert course / "tmp" in folder.parents and chosen()[1] == folder, (
        "the same after the kernel is restarted"
    )
    assert sentence.endswith("this session ends. To keep them, set FINETUNE_RUNS to a folder that stays.")
    assert folder.parent.stat().st_mode & 0o077 == 0, "others may not read it"


def test_a_temporary_folder_of_somebody_else_is_not_taken(course, tmp_path):
    """Everyone may write in /tmp. A link of that name could lead our files into their folder."""
    mine = places._temporary_folder()
    mine.rmdir()
    mine.symlink_to(tmp_path / "home")
    assert places._temporary_folder() is None


def test_finetune_runs_names_another_place(course, monkeypatch):
    monkeypatch.setenv("FINETUNE_RUNS", "~/drive/my runs")
    (course / "home" / "drive").mkdir()
    assert chosen() == ("", course / "home" / "drive" / "my runs")


@pytest.mark.parametrize("named", ["drive/MyDrive/runs", "file"])
def test_a_drive_that_is_not_mounted_is_named_and_no_folder_made_in_its_place(course, monkeypatch, named):
    """Colab mounts Drive only where there is no folder yet, and a learner would find nothing in Drive."""
    (course / "file").touch()
    monkeypatch.setenv("FINETUNE_RUNS", str(course / named))
    sentence, folder = chosen()
    reason = (
        "that folder cannot be written" if named == "file" else f"there is no folder {course}/drive/MyDrive"
    )
    assert folder == course / "course" / "runs" and not (course / "drive").exists()
    assert sentence == (
        f"FINETUNE_RUNS names {course / named}, but {reason}. Your runs and models go to {folder}."
    )


def test_the_place_stays_the_same_until_the_setup_cell_runs_again(course, monkeypatch):
    """If a place changed between two cells, the second would not find what the first has saved."""
    _, folder = chosen()
    monkeypatch.setenv("FINETUNE_RUNS", str(course / "home"))
    assert places.runs_folder() == folder and chosen()[1] == course / "home"


def test_where_nothing_can_be_written_the_setup_cell_ends_in_a_sentence(course, monkeypatch):
    monkeypatch.setattr(places, "can_write", lambda folder, locks=False: False)
    with pytest.raises(SetupError, match=r"course/runs cannot be written.*\nPut `%env FINETUNE_RUNS="):
        places.choose_runs_folder()


def test_caches_that_cannot_be_written_move(course):
    hf_home = course / "home" / ".cache" / "huggingface"
    block(hf_home)
    sentence = places.move_caches()
    new = places._data_folder()
    assert sentence == f"{hf_home} cannot be written. What the libraries download and prepare goes to {new}."
    assert os.environ["HF_HOME"] == str(new / "huggingface")
    assert os.environ["HF_DATASETS_CACHE"] == str(new / "huggingface" / "datasets")
    assert places.move_caches() == "", "the setup cell runs again"


def test_only_the_cache_that_cannot_be_written_moves(course, monkeypatch):
    """`sudo` leaves folders that belong to root in a cache that is the learner's own."""
    monkeypatch.setenv("HF_HOME", str(course / "hf"))
    block(course / "hf" / "hub")
    assert places.move_caches().startswith(f"{course}/hf/hub cannot be written. ")
    assert os.environ["HF_HOME"] == str(course / "hf") and "HF_DATASETS_CACHE" not in os.environ
    assert os.environ["HF_HUB_CACHE"] == str(places._data_folder() / "huggingface" / "hub")


def test_a_cache_of_its_own_stays_where_it_is(course, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(course / "hf"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(course / "data"))
    block(course / "hf")
    places.move_caches()
    assert os.environ["HF_DATASETS_CACHE"] == str(course / "data")


def test_matplotlibs_folder_moves_too(course, monkeypatch):
    """Otherwise Matplotlib warns in red below the first picture."""
    monkeypatch.setenv("MPLCONFIGDIR", str(course / "mpl"))
    block(course / "mpl")
    places.move_caches()
    assert os.environ["MPLCONFIGDIR"] == str(places._data_folder() / "matplotlib")


def test_after_the_libraries_are_loaded_only_a_restart_helps(course, monkeypatch):
    """They have read the variables; setting them now would change nothing, or one library of two."""
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", places)
    block(course / "home" / ".cache")
    assert "Restart the kernel and run this cell first" in places.move_caches()
    assert "HF_HOME" not in os.environ


def test_what_is_fetched_beforehand_goes_where_the_setup_cell_looks(course, capsys):
    """A workshop's leader fetches on a server whose cache belongs to root."""
    block(course / "home" / ".cache")
    fetch.main([])
    home = places._data_folder()
    assert f"What the libraries download and prepare goes to {home}.\n" in capsys.readouterr().out
    assert places._library_places()["HF_HOME"] == home / "huggingface"


def test_a_cache_on_a_disk_that_knows_no_locks_moves(course, monkeypatch):
    """NFS without its lock service: `load_dataset` ended in "No locks available", 17 functions deep."""
    hf_home = course / "nfs"
    monkeypatch.setenv("HF_HOME", str(hf_home))

    def flock(file, flags):
        if str(hf_home.parent / ".can-write") in file.name:
            raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    sentence = places.move_caches()
    assert sentence.startswith(f"{hf_home} takes no locks. What the libraries download") and os.environ[
        "HF_HOME"
    ].startswith(str(places._data_folder()))


def test_a_system_without_flock_is_left_to_filelock(course, monkeypatch):
    def flock(file, flags):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", flock)
    assert places.move_caches() == ""


def test_the_older_name_of_the_hubs_cache_counts(course, monkeypatch):
    """huggingface_hub still reads it; the advice to set FINETUNE_RUNS could not help."""
    monkeypatch.setenv("HUGGINGFACE_HUB_CACHE", str(course / "older"))
    block(course / "older")
    assert places.move_caches().startswith(f"{course}/older cannot be written. ")
    assert os.environ["HF_HUB_CACHE"] == str(places._data_folder() / "huggingface" / "hub")


@pytest.mark.parametrize("name", ["Kurs [2026]", "a::b", "$HOME", "two\nlines"])
def test_a_folder_in_which_datasets_finds_no_file_is_named_in_the_setup_cell(name):
    """The third cell ended in 3 KB of file extensions: in [2026], `datasets` looks for 2, 0 or 6."""
    with pytest.raises(SetupError, match=r"finds no files in a folder with .*\nGive the folder another name"):
        places.check_folder_name(Path("/srv") / name / "course")


@pytest.mark.parametrize("name", ["Mein Kurs (2026)", "ä'\"", "50%", "a*b", "why?", "c++", "#1", "{x}"])
def test_a_folder_in_which_datasets_finds_its_files_is_no_trouble(tmp_path, name):
    from datasets import load_dataset

    folder = tmp_path / name
    folder.mkdir()
    (folder / "train.csv").write_text("text,label\nx,1\n", encoding="utf-8")
    places.check_folder_name(folder)
    assert load_dataset(str(folder), split="train")[0] == {"text": "x", "label": 1}


def test_the_exams_record_is_in_the_users_own_folder(course):
    """Another clone, or another folder for runs, must not open the exam again."""
    assert places.exam_folder() == places._data_folder() / "exam"
    block(places._data_folder())
    assert places.exam_folder() == places._temporary_folder() / "exam"
