"""Protects a learner from losing data of their own when they put the course back to how it was cloned."""

import re
import subprocess
import sys

import pytest
from notebook_files import ROOT

from helpers.start import places
from helpers.tools import reset as tool
from helpers.tools.reset import ResetError, reset

CHANGED = "notebooks/01 first.ipynb"
LOST = "helpers/offline/reviews.parquet"


def git(folder, *arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Make a clone of a small course in which a learner has worked."""
    folder = tmp_path / "course"
    for name in (CHANGED, LOST, "helpers/setup.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("as cloned", encoding="utf-8")
    git(folder.parent, "init", "--quiet", str(folder))
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    (folder / CHANGED).write_text("with outputs", encoding="utf-8")
    (folder / LOST).unlink()
    (folder / "helpers" / "setup.py").write_text("half", encoding="utf-8")
    git(folder, "add", "helpers/setup.py")
    (folder / "runs" / "02_trainer").mkdir(parents=True)
    (folder / "runs" / "02_trainer" / "run.json").write_text("{}", encoding="utf-8")
    (folder / "notebooks" / "my own.ipynb").write_text("mine", encoding="utf-8")
    (folder / "my.csv").write_text("mine", encoding="utf-8")
    git(folder, "add", "my.csv")
    monkeypatch.setattr(tool, "_runs_elsewhere", lambda root: None)
    return folder


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


AFTERWARDS = {
    CHANGED: "as cloned",
    LOST: "as cloned",
    "helpers/setup.py": "as cloned",
    "notebooks/my own.ipynb": "mine",
    "my.csv": "mine",
}


def test_runs_go_the_courses_files_come_back_and_ones_own_stay(course, capsys):
    """`git clean` and `git reset --hard` would delete what the learner has added."""
    reset(yes=True, root=course)
    assert contents(course) == AFTERWARDS
    said = capsys.readouterr().out
    assert f"Delete {course / 'runs'} (1 files, 0 MB)." in said and f"    {CHANGED}\n" in said
    assert "my" not in said.replace(str(course), ""), "what stays is not in the list of what is lost"
    reset(yes=True, root=course)
    assert capsys.readouterr().out == "Nothing to do: the course is as it was cloned.\n"


@pytest.mark.parametrize(("answer", "done"), [("y", True), ("Yes ", True), ("", False), ("n", False)])
def test_it_asks_first(course, monkeypatch, capsys, answer, done):
    before = contents(course)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    reset(root=course)
    assert contents(course) == (AFTERWARDS if done else before)
    assert ("Nothing was changed." in capsys.readouterr().out) != done


def test_where_nobody_can_answer_nothing_is_deleted(course, monkeypatch):
    """A script, or a kernel that is executed without a front end."""
    monkeypatch.setattr("builtins.input", lambda question: (_ for _ in ()).throw(EOFError))
    before = contents(course)
    reset(root=course)
    assert contents(course) == before


def test_a_link_to_a_larger_disk_is_removed_and_what_it_leads_to_stays(course, tmp_path):
    """Learners link `runs` to another disk, or their data into it."""
    disk = tmp_path / "disk"
    (course / "runs").rename(disk)
    (course / "runs").symlink_to(disk, target_is_directory=True)
    (course / "notebooks" / "runs").mkdir()
    (course / "notebooks" / "runs" / "data").symlink_to(disk, target_is_directory=True)
    reset(yes=True, root=course)
    assert contents(course) == AFTERWARDS and (disk / "02_trainer" / "run.json").is_file()


def test_a_copy_without_git_loses_its_runs_and_is_told_where_to_get_the_rest(course, capsys):
    """GitHub's ZIP file has no history."""
    (course / ".git").rename(course.parent / "git")
    before = contents(course)
    reset(yes=True, root=course)
    assert contents(course) == {name: text for name, text in before.items() if not name.startswith("runs")}
    assert "is no clone, since it has no folder .git. Get a new copy" in capsys.readouterr().out


def test_without_git_the_sentence_says_so(course, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    reset(yes=True, root=course)
    assert "git is not installed" in capsys.readouterr().out and not (course / "runs").exists()


def test_what_cannot_be_deleted_is_named(course, monkeypatch):
    """On Windows, a file that a program holds open cannot be deleted."""

    def held(path, *args, **kwargs):
        raise PermissionError(13, "it is used by another process", "run.json")

    monkeypatch.setattr("shutil.rmtree", held)
    with pytest.raises(ResetError, match=r"run\.json could not be deleted \(it is used by another process\)"):
        reset(yes=True, root=course)


def test_runs_outside_the_course_are_named_and_stay(tmp_path, monkeypatch):
    """FINETUNE_RUNS may name a folder that holds more than the course's runs."""
    monkeypatch.setenv("FINETUNE_RUNS", str(tmp_path))
    places.choose_runs_folder()
    assert tool._runs_elsewhere(tmp_path / "course") == tmp_path
    assert tool._runs_elsewhere(tmp_path.parent) is None
    monkeypatch.delenv("FINETUNE_RUNS")
    places.choose_runs_folder()


def test_the_command_and_the_documented_cell_do_it(course):
    """The command must work where a package is missing or broken, so it loads none of them."""
    for name in ("__init__.py", "tools/__init__.py", "tools/reset.py"):
        (course / "helpers" / name).parent.mkdir(exist_ok=True)
        (course / "helpers" / name).write_bytes((ROOT / "helpers" / name).read_bytes())
    git(course, "add", "helpers/__init__.py", "helpers/tools")
    git(course, "commit", "--quiet", "--message", "second")
    (course / CHANGED).write_text("with outputs", encoding="utf-8")
    python = [sys.executable, "-S"]
    command = subprocess.run(
        [*python, "-m", "helpers.tools.reset", "--yes"],
        cwd=course,
        capture_output=True,
        text=True,
        check=True,
    )
    assert command.stdout.endswith("and restart their kernels.\n")
    assert (course / CHANGED).read_text(encoding="utf-8") == "as cloned" and not (course / "runs").exists()

    (course / "runs").mkdir()
    text = (ROOT / "docs" / "hosts.md").read_text(encoding="utf-8")
    (cell,) = re.findall(r"```python\n(from helpers\.tools\.reset [^`]+)```", text)
    subprocess.run([*python, "-c", cell], cwd=course, input="y\n", text=True, capture_output=True, check=True)
    assert not (course / "runs").exists()
