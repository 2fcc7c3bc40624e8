"""Protects a learner who runs any cell first: it works, or one sentence says which cell comes before."""

import os
import re

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from notebook_files import NOTEBOOKS, ROOT, code_cells, read
from test_execute import OFFLINE

pytestmark = pytest.mark.faults

SETUP = code_cells(NOTEBOOKS[0])[0].source
CELLS = [(path.stem, cell.id) for path in NOTEBOOKS for cell in code_cells(path)]
OTHERS = [(stem, name) for stem, name in CELLS if name != "setup"]
SENTENCE = re.compile(
    r"`(\w+)` is made in the section '(.+)' by the cell that begins `(.+)`: "
    r"run that cell first, or run all cells above this one with Run → .+\."
)

# A kernel for each cell would take minutes. What has been imported stays; names and the history of inputs are
# as they were.
KEEP = """
def start_over(names=globals(), kept=dict(globals()), inputs=len(In) - 1):
    names.clear()
    names.update(kept)
    del In[inputs:]

get_ipython().start_over = start_over
"""
AGAIN = "get_ipython().start_over()"


def run_each(before, folder):
    """Run each cell after the cells `before` and nothing else. Returns {(notebook, cell): its outputs}."""
    sources = [*before, KEEP, AGAIN]
    for path in NOTEBOOKS:
        for cell in code_cells(path):
            if cell.id != "setup":
                sources += [cell.source, AGAIN]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    hidden = ("PYTHONPATH", "JPY_SESSION_NAME")
    env = {name: value for name, value in os.environ.items() if name not in hidden} | OFFLINE
    NotebookClient(
        notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(folder)}}
    ).execute(env=env)
    ours = [cell for cell in notebook.cells if cell.source in (*before, KEEP, AGAIN)]
    assert [
        cell.outputs for cell in ours if any(output.output_type == "error" for output in cell.outputs)
    ] == []
    return dict(zip(OTHERS, [cell.outputs for cell in notebook.cells[len(before) + 2 :: 2]], strict=True))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Run each cell where not even the setup cell was run."""
    folder = tmp_path_factory.mktemp("fresh")
    return run_each([], folder), sorted(folder.rglob("*"))


@pytest.fixture(scope="module")
def after_setup(tmp_path_factory):
    """Run each cell after the setup cell, in a folder of its own for what a cell writes."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("helpers", "notebooks"):
        (folder / name).symlink_to(ROOT / name)
    return run_each([SETUP], folder)


def errors(outputs):
    return [output for output in outputs if output.output_type == "error"]


@pytest.mark.parametrize(("stem", "name"), OTHERS)
def test_in_a_fresh_kernel_a_cell_works_or_python_names_what_is_missing(fresh, stem, name):
    """Nothing of the course is loaded. Another kind of error would mislead: a file not found, an attribute of
    None.
    """
    for error in errors(fresh[0][stem, name]):
        missing = error.ename == "ModuleNotFoundError" and error.evalue == "No module named 'helpers'"
        assert missing or error.ename == "NameError", error.evalue
        assert len("\n".join(error.traceback).splitlines()) <= 25


def test_in_a_fresh_kernel_no_cell_leaves_anything_behind(fresh):
    assert fresh[1] == []


def place(stem, section, begins):
    """Find the cells of this notebook that the sentence may mean."""
    found = []
    heading = ""
    for cell in read(NOTEBOOKS[[path.stem for path in NOTEBOOKS].index(stem)]).cells:
        if cell.cell_type == "markdown":
            heading = ([line for line in cell.source.splitlines() if line.startswith("#")] or [heading])[-1]
        elif heading.lstrip("# ").replace("`", "") == section and cell.source.splitlines()[0] == begins:
            found.append((cell.id, cell.source))
    return found


@pytest.mark.parametrize(("stem", "name"), OTHERS)
def test_after_setup_a_cell_works_or_one_sentence_says_what_to_run_before(after_setup, stem, name):
    """As in Colab, the kernel does not know which notebook is open. The sentence must mean this one, and a
    cell above.
    """
    outputs = after_setup[stem, name]
    if not errors(outputs):
        return
    assert [output.output_type for output in outputs] == ["error"], "nothing but the sentence"
    (sentence,) = outputs[0].traceback
    missing, section, begins = SENTENCE.fullmatch(sentence).groups()
    ((maker, source),) = place(stem, section, begins)
    order = [cell for notebook, cell in CELLS if notebook == stem]
    assert order.index(maker) < order.index(name) and re.search(rf"\b{missing}\b", source)


def test_most_cells_need_another_before(fresh, after_setup):
    """If the names were not taken away in between, all cells would work."""
    assert all(
        sum(bool(errors(outputs)) for outputs in results.values()) > len(OTHERS) / 2
        for results in (fresh[0], after_setup)
    )
