"""Put the course back to how it was cloned: delete the runs, and restore every file of the course.

    python -m helpers.tools.reset

The command says what it will do, and asks first; with --yes it does not ask. Files of your own stay, except
in the folder `runs`, and so does everything outside the course's folder. In a notebook, run
`from helpers.tools.reset import reset`, then `reset()`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parents[2]
_RUNS = ("runs", "notebooks/runs")
_SHOWN = 20  # changed files


class ResetError(Exception):
    """Something could not be put back. A notebook shows only the sentence."""

    def _render_traceback_(self) -> list[str]:
        # IPython calls this method of errors that render themselves
        return str(self).splitlines()


def reset(yes: bool = False, root: Path = ROOT) -> None:
    """Say what would be deleted and restored, ask, and do it; with `yes`, do not ask.

    Raises ResetError with one sentence if a folder cannot be deleted or a file cannot be restored.
    """
    # What there is to do
    runs = [folder for name in _RUNS if os.path.lexists(folder := root / name)]
    changed, problem = _changed_files(root)
    for folder in runs:
        print(f"Delete {folder} ({_size(folder)}).")
    if changed:
        print(f"Restore {len(changed)} files of the course. Your changes in them are lost:")
        names = [*changed[:_SHOWN], "…"] if len(changed) > _SHOWN else changed
        print("\n".join(f"    {name}" for name in names))
    if problem:
        print(f"The files of the course cannot be restored: {problem}")
    if elsewhere := _runs_elsewhere(root):
        print(f"{elsewhere} is outside the course's folder and stays. Delete it yourself if you like.")
    if not runs and not changed:
        print(f"Nothing to {'delete' if problem else 'do: the course is as it was cloned'}.")
        return

    # Ask
    if not yes and not _agreed():
        print("Nothing was changed.")
        return

    # Do it
    for folder in runs:
        _delete(folder)
    if changed:
        try:
            _git(root, "checkout", "--quiet", "HEAD", "--", *changed)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ResetError(f"The files were not restored: {_git_says(error)}") from error
    print("Done. Load open notebooks again (File → Reload Notebook from Disk), and restart their kernels.")


def _changed_files(root: Path) -> tuple[list[str], str]:
    """Return the course's files that differ from the clone, and a sentence if git cannot tell."""
    if not (root / ".git").exists():
        return [], f"{root} is no clone, since it has no folder .git. Get a new copy of the course instead."
    try:
        # Files that were added, even with `git add`, are the learner's own
        listed = _git(root, "diff", "--name-only", "--diff-filter=a", "--no-renames", "-z", "HEAD")
    except (OSError, subprocess.CalledProcessError) as error:
        return [], _git_says(error)
    return sorted(filter(None, listed.split("\0"))), ""


def _runs_elsewhere(root: Path) -> Path | None:
    """Return the folder for runs if it exists and is not in the course's folder; None otherwise."""
    try:
        from helpers.start.places import runs_folder

        folder = runs_folder()
    # Some file of the course may be broken: that is what this command is for
    except Exception:
        return None
    return folder if folder.is_dir() and root not in folder.parents else None


def _agreed() -> bool:
    try:
        answer = input("No notebook of the course should be training now. Go on? [y/N] ")
    # Nobody is there to answer
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


def _git(root: Path, *arguments: str) -> str:
    """Run git in `root` and return what it prints. Raises OSError if there is no git.

    Raises CalledProcessError if git fails.
    """
    # A hook or another tool may have set these for another repository
    foreign = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    environment = {name: text for name, text in os.environ.items() if name not in foreign}
    done = subprocess.run(
        ["git", "--literal-pathspecs", *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        check=True,
        encoding="utf-8",
        errors="surrogateescape",
    )
    return done.stdout


def _git_says(error: OSError | subprocess.CalledProcessError) -> str:
    """Return git's own words, or that there is no git."""
    if isinstance(error, OSError):
        return "git is not installed. Install it, or get a new copy of the course."
    return f"git says {error.stderr.strip()}"


def _delete(folder: Path) -> None:
    """Delete the folder; of a link, only the link, since it may lead to data outside the course."""
    try:
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink()
        else:
            shutil.rmtree(folder)
    except OSError as error:
        raise ResetError(
            f"{error.filename or folder} could not be deleted ({error.strerror or error}). If a notebook or "
            "another program uses it, end that first, then do this again."
        ) from error


def _size(folder: Path) -> str:
    """Describe how much there is to delete."""
    if folder.is_symlink():
        return "a link; what it leads to stays"
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return f"{len(files):,} files, {sum(path.stat().st_size for path in files) / 1e6:,.0f} MB"


if __name__ == "__main__":
    if set(sys.argv[1:]) - {"--yes"}:
        sys.exit(__doc__)
    try:
        reset(yes="--yes" in sys.argv)
    except ResetError as error:
        sys.exit(str(error))
