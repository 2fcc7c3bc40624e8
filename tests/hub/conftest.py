"""A loopback Hub, and notebooks that use it."""

import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from notebook_files import ROOT, read

from hub.repositories import build
from hub.server import LoopbackHub

SECRET = "hf_thisTokenMustNeverBePrinted"
# What makes a run short: the profile's own fields, nothing else.
REDUCED = {"train_size": 16, "eval_size": 16, "num_train_epochs": 1, "max_length": 64}


@pytest.fixture(scope="session")
def repositories(tmp_path_factory):
    return build(tmp_path_factory.mktemp("repositories"))


@pytest.fixture
def hub(repositories):
    with LoopbackHub(repositories) as running:
        yield running


@pytest.fixture
def home(tmp_path):
    """Make an empty cache."""
    return tmp_path / "hf_home"


def environment(endpoint: str, home, **more) -> dict:
    """Return the variables for a process that meets the Hub: the libraries read them at import."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("HF_HUB_OFFLINE", "FINETUNE_PROFILE")
    }
    return (
        inherited
        | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_TOKEN": SECRET, "PYTHONPATH": str(ROOT)}
        | more
    )


def python(code: str, env: dict) -> str:
    """Run `code` in a new process and return its standard output. If it fails, show its stderr."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def run_notebook(
    number: int, env: dict, profile: str, *, allow_errors=False, language: str = "", **fields
) -> nbformat.NotebookNode:
    """Execute a notebook with smaller sizes of the profile; `language` is a folder of `notebooks`, as "ko".

    A cell before the first one sets them. The notebook's own cells stay as they are.
    """
    folder = ROOT / "notebooks" / language
    (path,) = folder.glob(f"{number:02}_*.ipynb")
    notebook = read(path)
    reduce = (
        "import dataclasses; from helpers.profiles import PROFILES\n"
        f"PROFILES[{profile!r}] = dataclasses.replace(PROFILES[{profile!r}], **{REDUCED | fields})"
    )
    notebook.cells.insert(0, new_code_cell(reduce))
    client = NotebookClient(
        notebook,
        timeout=300,
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=env)
    return notebook


def printed(notebook) -> str:
    """Return everything that a notebook shows as text, errors included."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    texts = [
        output.get("text")
        or output.get("data", {}).get("text/plain")
        or "\n".join(output.get("traceback", []))
        for output in outputs
    ]
    return "\n".join(texts)
