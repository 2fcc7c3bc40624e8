"""Protects a learner from a notebook that a host cannot read, that is out of order, or that is not clean.

Needs neither torch nor a kernel.
"""

import ast
import json
import re
import subprocess

import nbformat
import pytest
from notebook_files import NOTEBOOKS, ROOT, code_cells, read

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_notebooks_are_numbered_in_reading_order():
    """Two notebooks of one number would leave the reader to guess."""
    assert [int(path.name[:2]) for path in NOTEBOOKS] == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@each_notebook
def test_notebook_is_valid(path):
    nbformat.validate(json.loads(path.read_text(encoding="utf-8")))


@each_notebook
def test_committed_without_outputs(path):
    """One machine's outputs show another's versions and figures, and make every diff unreadable."""
    for cell in code_cells(path):
        assert cell.outputs == [] and cell.execution_count is None, cell.id


@each_notebook
def test_no_widget_state_in_metadata(path):
    """GitHub shows "Invalid Notebook" for `metadata.widgets` without `state`."""
    assert "widgets" not in read(path).metadata


@each_notebook
def test_cell_ids_are_names_and_unique(path):
    """Generated ids change with every save. These stay, so that a diff shows what changed."""
    ids = [cell.id for cell in read(path).cells]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not re.fullmatch(r"[a-z]+(-[a-z]+)*", name)] == []


def test_setup_cell_is_the_same_in_all():
    """A fix made in one notebook's setup must not be missing from the next."""
    cells = {next(cell.source for cell in code_cells(path) if cell.id == "setup") for path in NOTEBOOKS}
    assert len(cells) == 1


def test_setup_cell_is_short():
    """A learner reads it first, and it should need no explaining."""
    assert len([line for line in code_cells(NOTEBOOKS[0])[0].source.splitlines() if line]) <= 20


@each_notebook
def test_setup_comes_first(path):
    assert code_cells(path)[0].id == "setup"


@each_notebook
def test_colab_gives_a_gpu_and_a_table_of_contents(path):
    """Without it, Colab starts on a CPU, and BERT-base takes hours."""
    metadata = read(path).metadata
    assert metadata.accelerator == "GPU" and metadata.colab.toc_visible is True


def test_widgets_are_those_that_every_host_can_show():
    """Colab loads no other package's widgets unless somebody switches on its custom widget manager."""
    sources = [*(ROOT / "helpers").rglob("*.py"), *NOTEBOOKS]
    foreign = re.compile(
        r"\b(ipympl|bqplot|plotly|ipyvuetify|anywidget|ipycanvas|itables|enable_custom_widget_manager|%matplotlib"
        r" widget)\b"
    )
    assert [path.name for path in sources if foreign.search(path.read_text(encoding="utf-8"))] == []


def test_file_names_are_legal_everywhere():
    """Windows refuses some characters and names, and takes two names that differ in case for one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    names = [name for name in listed.split("\0") if name]
    assert len(names) > 80 and len({name.lower() for name in names}) == len(names)
    reserved = re.compile(
        r"(^|/)(con|prn|aux|nul|com\d|lpt\d)(\.[^/]*)?(/|$)|[<>:\"|?*\\]|[. ](/|$)", re.IGNORECASE
    )
    assert [name for name in names if reserved.search(name)] == []


@each_notebook
def test_code_cells_parse_and_are_short(path):
    """Nobody can read more than 15 lines, or 110 characters, on a projector. Magics are not Python and parse
    nowhere else. A cell that repeats the one before with `# New:` lines may have 30.
    """
    for cell in code_cells(path):
        ast.parse(cell.source)
        lines = cell.source.splitlines()
        code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        most = 20 if cell.id == "setup" else 30 if "# New:" in cell.source else 15
        assert len(code) <= most and max(map(len, lines)) <= 110, cell.id


@each_notebook
def test_one_statement_a_line(path):
    """A row of assignments or of calls hides the second of them."""
    for cell in code_cells(path)[1:]:  # the setup cell has no room for it
        statements = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.stmt)]
        lines = [node.lineno for node in statements]
        rows = [
            node
            for node in statements
            if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Tuple))
            or (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Tuple)
                and isinstance(node.targets[0], ast.Tuple)
            )
        ]
        assert rows == [] and len(lines) == len(set(lines)), cell.id


@each_notebook
def test_a_notebook_is_short_enough_for_one_sitting(path):
    cells = read(path).cells
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown" and cell.id != "script")
    text = re.sub(r"!?\[!\[.*?\]\(.*?\)\]\(.*?\)|\]\([^)]*\)|<[^>]*>", " ", text)
    assert len(re.findall(r"\w+", text)) <= 2_000 and len(code_cells(path)) <= 31  # the setup cell included


@each_notebook
def test_every_picture_has_its_sentence(path):
    """Printed words and numbers tell the same to those who cannot see the picture."""
    for cell in code_cells(path):
        if re.search(r"^plots\.", cell.source, re.MULTILINE):
            assert "print(" in cell.source, cell.id


@each_notebook
def test_links_lead_to_files(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (path.parent / target).exists(), target


@each_notebook
def test_last_cell_says_where_to_go_next(path):
    last = read(path).cells[-1]
    assert last.cell_type == "markdown" and "## Where to go next" in last.source


def test_readme_links_lead_to_files():
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_code_from_the_hub_is_never_trusted():
    """`trust_remote_code` runs whatever a repository's owner has put there."""
    sources = [*(ROOT / "helpers").rglob("*.py"), *NOTEBOOKS]
    assert len(sources) > 15
    for path in sources:
        assert "trust_remote_code" not in path.read_text(encoding="utf-8"), path
