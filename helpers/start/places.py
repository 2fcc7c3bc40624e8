"""Find places that can be written: for the course's runs, and for what the libraries keep on the disk.

A clone may belong to somebody else, an image may be read-only, and so may a home folder on a server.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from helpers.language import _
from helpers.start.packages import SetupError

COURSE = Path(__file__).absolute().parents[2]
_NAME = "finetuning-course"
# Where the libraries keep things: each variable, and the folder in HF_HOME that counts without it
_IN_HF_HOME = {
    "HF_HUB_CACHE": "hub",
    "HF_DATASETS_CACHE": "datasets",
    "HF_EVALUATE_CACHE": "evaluate",
    "HF_METRICS_CACHE": "metrics",
    "HF_MODULES_CACHE": "modules",
    "HF_XET_CACHE": "xet",
}


def check_folder_name(course: Path = COURSE) -> None:
    """Raise SetupError if the course's folder has a name that `datasets` cannot read files from.

    It takes [ ] for a pattern, $ for a variable and :: for an address, and finds no file.
    """
    found = [part for part in ("[", "]", "$", "::", "\n") if part in str(course)]
    if found:
        raise SetupError(
            _(
                "The course lies in {course!r}. The library `datasets` finds no files in a folder with "
                "{found} in its path.\n"
                "Give the folder another name, then open the notebook there and run this cell again."
            ).format(course=str(course), found=" ".join(map(repr, found)))
        )


def runs_folder() -> Path:
    """Return the folder for the course's runs, models and checkpoints. It need not exist yet.

    It is the folder that `FINETUNE_RUNS` names, or else `runs` in the course's folder. If that cannot be
    written, it is in the user's own data folder, or else in a temporary one. The answer stays the same until
    the setup cell runs again. Raises SetupError if no place can be written.
    """
    return _find_runs()[0]


def exam_folder() -> Path:
    """Return the folder for the record of the sealed exam (notebook 5). It need not exist yet.

    It lies in the user's own data folder, so that another clone, another folder for runs or a deleted one
    does not open the exam again; or in a temporary folder, if that cannot be written. Raises SetupError if no
    place can be written.
    """
    folders = [folder for folder in (_data_folder(), _temporary_folder()) if folder and can_write(folder)]
    if not folders:
        raise SetupError(
            _("Neither {folder} nor the system's folder for temporary files can be written.").format(
                folder=_data_folder()
            )
        )
    return folders[0] / "exam"


def choose_runs_folder() -> str:
    """Look for the folder for runs again. Return a sentence if it is not the expected one; "" otherwise."""
    _find_runs.cache_clear()
    return _find_runs()[1]


@cache
def _find_runs() -> tuple[Path, str]:
    """Return the folder for runs, and what to tell the learner about it."""
    # The folder that somebody named. If the folder above it is missing, a drive may not be mounted; then a
    # folder of ours in its place would keep it from being mounted.
    problem = ""
    if named := os.environ.get("FINETUNE_RUNS"):
        folder = Path(os.path.expanduser(named)).absolute()
        there = os.path.isdir(folder.parent)
        if there and can_write(folder):
            return folder, ""
        if there:
            problem = _("FINETUNE_RUNS names {folder}, but that folder cannot be written.")
        else:
            problem = _("FINETUNE_RUNS names {folder}, but there is no folder {folder.parent}.")
        problem = problem.format(folder=folder)

    # The course's own folder
    folder = COURSE / "runs"
    if can_write(folder):
        return folder, problem and f"{problem} {_where(folder)}"
    problem = problem or _("{folder} cannot be written.").format(folder=folder)

    # Other places
    if can_write(folder := _data_folder() / "runs"):
        return folder, f"{problem} {_where(folder)}"
    temporary = _temporary_folder()
    if temporary is None:
        raise SetupError(
            _(
                "{problem} Neither can {folder}, nor the system's folder for temporary files.\n"
                "Put `%env FINETUNE_RUNS=/a/folder/of/yours` into a cell above this one, then run both cells."
            ).format(problem=problem, folder=folder)
        )
    return temporary / "runs", _(
        "{problem} Your runs and models go to {folder}, and they are gone when this session "
        "ends. To keep them, set FINETUNE_RUNS to a folder that stays."
    ).format(problem=problem, folder=temporary / "runs")


def _where(folder: Path) -> str:
    return _("Your runs and models go to {folder}.").format(folder=folder)


def move_caches() -> str:
    """Let the libraries keep their files in a place that can be written, if theirs cannot.

    What was there before is linked into the new place, so that nothing is downloaded twice. Call this before
    the libraries are loaded. Return a sentence if something moved, or could not; "" otherwise.
    """
    # Which places cannot be written
    places = _library_places()
    blocked = {name: folder for name, folder in places.items() if not can_write(folder, locks=True)}
    if not blocked:
        return ""

    # Of folders inside each other, the outer one is enough
    outer = [folder for folder in blocked.values() if not set(blocked.values()) & set(folder.parents)]
    if all(map(can_write, outer)):
        problem = _("{folder} takes no locks.")
    else:
        problem = _("{folder} cannot be written.")
    problem = problem.format(folder=_(" and ").join(map(str, dict.fromkeys(outer))))
    if "huggingface_hub.constants" in sys.modules:
        return _(
            "{problem} Restart the kernel and run this cell first: then downloads go to another place."
        ).format(problem=problem)

    # Choose another place
    data = _data_folder()
    home = data if can_write(data) else runs_folder()
    new = {name: home / "huggingface" / _IN_HF_HOME.get(name, "") for name in places}
    new["MPLCONFIGDIR"] = home / "matplotlib"

    # Move there what is blocked. What follows HF_HOME and can be written stays where it is.
    for name, folder in places.items():
        if name in blocked:
            new[name].mkdir(parents=True, exist_ok=True)
            os.environ[name] = str(new[name])
            if folder in outer:
                _link_files(folder, new[name])
        elif name in _IN_HF_HOME and "HF_HOME" in blocked:
            os.environ[name] = str(folder)

    return _("{problem} What the libraries download and prepare goes to {folder}.").format(
        problem=problem, folder=home
    )


def can_write(folder: Path, locks: bool = False) -> bool:
    """Return whether a file can be made in `folder` or, if it is missing, in the folder that it would be in.

    Only a try tells: on a read-only disk, or one in the network, the folder's rights may promise too much.
    With `locks`, it must be possible to lock the file, too, as the libraries do; some disks of the network
    know no locks.
    """
    # `Path.exists` may raise PermissionError; the functions of os.path do not
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    probe = folder / f".can-write-{os.getpid()}"
    try:
        probe.touch()
        locked = not locks or _can_lock(probe)
        probe.unlink()
    except OSError:
        return False
    return locked


def _can_lock(file: Path) -> bool:
    """Return whether the disk knows locks, or the libraries do without them."""
    try:
        import fcntl
    except ImportError:
        return True  # Windows has locks of another kind, on all its disks
    with file.open("r+") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Where flock is missing altogether, filelock has another way
            return error.errno == errno.ENOSYS
    return True


def _data_folder() -> Path:
    """Return the folder where this user's programs keep their data; it need not exist."""
    try:
        from platformdirs import user_data_path
    except ImportError:
        # Jupyter brings platformdirs, but not every host has Jupyter's newer versions
        data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
        return Path(data).absolute() / _NAME
    return user_data_path(_NAME, appauthor=False)


def _temporary_folder() -> Path | None:
    """Return this user's own folder for temporary files, or None if there cannot be one.

    All kernels of the user share it, so a training goes on after the kernel is restarted.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"{_NAME}-{getattr(os, 'getuid', lambda: 'own')()}"
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    # Others may write in /tmp, too: a folder or link of this name could lead into theirs
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and (os.name == "nt" or found.st_uid == os.getuid())
    return folder if ours and can_write(folder) else None


def _library_places() -> dict[str, Path]:
    """Return where the libraries write, by the variable that names it, as they find it themselves."""

    def place(name: str, default: Path) -> Path:
        named = os.environ.get(name)
        return Path(os.path.expanduser(os.path.expandvars(named))).absolute() if named else default

    user_cache = place("XDG_CACHE_HOME", Path(os.path.expanduser("~/.cache")).absolute())
    hf_home = place("HF_HOME", user_cache / "huggingface")
    places = {"HF_HOME": hf_home}
    for name, folder in _IN_HF_HOME.items():
        places[name] = place(name, hf_home / folder)
    # huggingface_hub still reads this older name
    if "HF_HUB_CACHE" not in os.environ:
        places["HF_HUB_CACHE"] = place("HUGGINGFACE_HUB_CACHE", places["HF_HUB_CACHE"])

    # Matplotlib, which would warn with every import
    user_settings = place("XDG_CONFIG_HOME", Path(os.path.expanduser("~/.config")).absolute())
    on_linux = sys.platform.startswith(("linux", "freebsd"))
    default = user_settings / "matplotlib" if on_linux else Path(os.path.expanduser("~/.matplotlib"))
    return places | {"MPLCONFIGDIR": place("MPLCONFIGDIR", default)}


def _link_files(old: Path, new: Path) -> None:
    """Make a link in `new` for each file in `old`: the libraries read the old files and write new ones.

    If the system allows no links, the files are downloaded again.
    """
    for folder, _folders, files in os.walk(old, followlinks=True):
        place = new / Path(folder).relative_to(old)
        for file in files:
            # Locks and downloads in progress belong to other processes
            if not file.endswith((".lock", ".incomplete")):
                with suppress(OSError):
                    place.mkdir(parents=True, exist_ok=True)
                    (place / file).symlink_to(Path(folder) / file)
