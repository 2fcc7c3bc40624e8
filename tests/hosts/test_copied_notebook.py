"""A notebook that was copied alone, as Colab and Studio Lab do, finds or fetches what stands behind it."""

import os
import subprocess
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from notebook_files import NOTEBOOKS, ROOT, code_cells, read

from helpers import links

SETUP = code_cells(NOTEBOOKS[0])[0].source
ADDRESS = f"https://github.com/{links.current()}"


def git(*arguments, cwd):
    subprocess.run(["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="module")
def bare_clone(tmp_path_factory):
    """The working tree, with what is not committed yet, as a repository to clone from."""
    folder = tmp_path_factory.mktemp("origin")
    tree, bare = folder / "tree", folder / "bare.git"
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
    """Colab opens one file: `import helpers` fails there in every collection that was only tried in its own clone."""
    copied = read(NOTEBOOKS[0])
    copied.cells.append(new_code_cell(SETUP))  # a learner runs the setup cell again
    copied.cells.append(new_code_cell("print(helpers.__file__, root)"))
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{bare_clone.as_uri()}.insteadOf", "GIT_CONFIG_VALUE_0": ADDRESS,
    }
    NotebookClient(copied, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute(env=env)
    clone = tmp_path / Path(ADDRESS).name
    assert [path.name for path in tmp_path.iterdir()] == [clone.name], "everything that the notebook wrote is in the clone"
    assert copied.cells[-1].outputs[0].text.split() == [str(clone / "helpers" / "__init__.py"), str(clone)]
    commits = subprocess.run(["git", "rev-list", "--all"], cwd=clone, check=True, capture_output=True, text=True).stdout.split()
    assert len(commits) == 1, "shallow: a learner needs no history"


@pytest.mark.parametrize("start", [".", "notebooks", "tests/unit", ".."])
def test_the_root_is_found_from_wherever_the_kernel_starts(start, tmp_path, monkeypatch):
    """JupyterLab starts a kernel beside its notebook, VS Code in the workspace's root, Colab in the folder above the clone."""
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


def test_an_address_that_leads_nowhere_is_said_by_git_in_the_cell(tmp_path):
    """A CalledProcessError alone would say that 128 is not zero."""
    copied = read(NOTEBOOKS[0])
    copied.cells = [cell for cell in copied.cells if cell.id == "setup"]
    copied.cells[0].source = copied.cells[0].source.replace(ADDRESS, (tmp_path / "not" / "there").as_uri())
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}  # with it, ipykernel does not show what git says
    NotebookClient(copied, timeout=60, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}).execute(env=env)
    assert "does not appear to be a git repository" in "".join(output.get("text", "") for output in copied.cells[0].outputs)
