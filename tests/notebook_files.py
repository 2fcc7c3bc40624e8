"""The notebooks as data, for the tests."""

from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def noise(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return what stands on stderr, but for progress bars and Transformers' report on a model's weights."""
    return [
        (cell.id, output["text"])
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.get("name") == "stderr"
        and "LOAD REPORT" not in output["text"]
        and "%|" not in output["text"]
    ]
