"""Protects a learner who copies one notebook alone, as Colab and Studio Lab do."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from notebook_files import NOTEBOOKS, ROOT, code_cells, read

from helpers.tools import links

SETUP = code_cells(NOTEBOOKS[0])[0].source
ADDRESS = f"https://github.com/{links.current()}"


def git(*arguments, cwd):
    subprocess.run(
        ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments],
        cwd=cwd,
        check=True,
        capture_output=True,
    )


def test_a_folder_that_may_not_be_opened_is_passed_over(tmp_path):
    """On a server, /tmp holds folders of this name that belong to others. pathlib then raised an error."""
    folder = tmp_path / "finetuning-course-1000"
    folder.mkdir()
    (folder / "helpers").symlink_to(folder / "helpers")  # nobody can follow it, not even root
    finding = SETUP.partition("if root is None")[0]
    names = {}
    previous = os.getcwd()
    os.chdir(tmp_path)
    try:
        exec(finding, names)
    finally:
        os.chdir(previous)
    assert names["root"] is None and folder in names["places"]


@pytest.fixture(scope="module")
def bare_clone(tmp_path_factory):
    """Make a repository to clone from: the working tree, with what is not committed yet."""
    folder = tmp_path_factory.mktemp("origin")
    tree = folder / "tree"
    bare = folder / "bare.git"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes((ROOT / name).read_bytes())
    git("init", "--quiet", "--initial-branch=main", ".", cwd=tree)
    for message in ("first", "second"):
        git("add", "--all", ".", cwd=tree)
        git("commit", "--quiet", "--allow-empty", "--message", message, cwd=tree)
    git("clone", "--quiet", "--bare", str(tree), str(bare), cwd=folder)
    return bare


def test_a_notebook_copied_alone_clones_the_repository_once_and_runs(bare_clone, tmp_path):
    """Colab opens one file. There, `import helpers` fails in every collection that was tried only in its own
    clone.
    """
    copied = read(NOTEBOOKS[0])
    copied.cells.append(new_code_cell(SETUP))  # a learner runs the setup cell again
    copied.cells.append(new_code_cell("print(helpers.__file__, root)"))
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{bare_clone.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
    }
    NotebookClient(copied, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute(env=env)
    clone = tmp_path / Path(ADDRESS).name
    assert [path.name for path in tmp_path.iterdir()] == [clone.name], (
        "everything that the notebook wrote is in the clone"
    )
    assert copied.cells[-1].outputs[0].text.split() == [str(clone / "helpers" / "__init__.py"), str(clone)]
    commits = subprocess.run(
        ["git", "rev-list", "--all"], cwd=clone, check=True, capture_output=True, text=True
    ).stdout.split()
    assert len(commits) == 1, "shallow: a learner needs no history"


@pytest.mark.parametrize("start", [".", "notebooks", "tests/unit", ".."])
def test_the_root_is_found_from_wherever_the_kernel_starts(start, tmp_path, monkeypatch):
    """JupyterLab starts a kernel beside its notebook, VS Code in the workspace's root. Colab starts it in the
    folder above the clone.
    """
    root = tmp_path / Path(ADDRESS).name
    for folder in ("helpers", "notebooks", "tests/unit"):
        (root / folder).mkdir(parents=True)
    (root / "helpers" / "profiles.py").touch()
    monkeypatch.chdir(root / start)
    monkeypatch.setattr("subprocess.run", lambda *a, **k: pytest.fail("cloned, although it is there"))
    monkeypatch.setattr("sys.path", [])
    names = {}
    exec(SETUP.partition("import helpers")[0], names)
    assert names["root"] == root and names["sys"].path == [str(root)]


def setup_cell(folder, address, env=None):
    """Run the setup cell up to `import helpers`, alone in `folder`. Returns what it ends with.

    The time that a silent server gets is shorter here.
    """
    cell = SETUP.partition("import helpers")[0].replace(ADDRESS, address).replace("Time=30", "Time=2")
    assert address in cell and "Time=2" in cell
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", f"{cell}\nprint(root)"],
        cwd=folder,
        env=clean | (env or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return (done.stdout + done.stderr).strip()


@contextmanager
def answering(answer):
    """Yield the address of a server that gives everyone this answer. With None it accepts, and is silent."""
    open_connections = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_connections.append(connection)
            if answer is not None:
                connection.recv(4096)
                connection.sendall(answer)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/course"
    for connection in open_connections:
        connection.close()


HEADERS = b"Content-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\nlog in"


@pytest.mark.faults
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "Operation too slow"),
        (b"HTTP/1.1 200 OK\r\n" + HEADERS, "empty repository"),
        (b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n" + HEADERS, "terminal prompts disabled"),
        (b"HTTP/1.1 404 Not Found\r\n" + HEADERS, "not found"),
    ],
    ids=["silent", "login page", "asks for a password", "not there"],
)
def test_a_clone_that_fails_says_why_and_leaves_nothing_behind(answer, said, tmp_path):
    """A silent server hung for ever. A login page left an empty folder, which blocked every later try."""
    with answering(answer) as address:
        text = setup_cell(tmp_path, address)
    assert f"Nothing came from {address}. Git says: " in text and said in text.rpartition("Git says: ")[2]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.faults
def test_what_an_earlier_try_left_blocks_no_later_one(bare_clone, tmp_path):
    """The folder of a killed clone, or one of the same name that is something else, stays as it is."""
    left = tmp_path / bare_clone.name
    left.mkdir()
    (left / "mine.txt").write_text("", encoding="utf-8")
    root = Path(setup_cell(tmp_path, bare_clone.as_uri()))
    assert (root / "helpers" / "profiles.py").is_file() and root.name.startswith(f"{bare_clone.name}-")
    assert [path.name for path in left.iterdir()] == ["mine.txt"]
    assert setup_cell(tmp_path, bare_clone.as_uri()) == str(root), "the next time, it is found"


@pytest.mark.faults
def test_without_git_the_cell_says_so(tmp_path):
    text = setup_cell(tmp_path, "https://example.org/course", {"PATH": str(tmp_path)})
    assert text.splitlines()[-1].endswith("Install git, then run this cell again.")


def test_an_old_copy_clones_the_version_it_belongs_to(bare_clone, tmp_path):
    """A copy from last year calls helpers of last year. Today's may no longer fit it."""
    origin = tmp_path / "origin.git"
    shutil.copytree(bare_clone, origin)
    git("tag", links.version(), "main~1", cwd=origin)
    folder = tmp_path / "alone"
    folder.mkdir()
    root = setup_cell(folder, origin.as_uri())
    described = ["git", "log", "-1", "--format=%s %D"]
    head = subprocess.run(described, cwd=root, check=True, capture_output=True, text=True).stdout
    assert head.startswith("first ") and f"tag: {links.version()}" in head
