"""Write what a command makes into a cell of a notebook."""

from __future__ import annotations

from pathlib import Path

import nbformat


def rewrite(path: Path, cell_id: str, text: str) -> bool:
    """Put `text` into the cell `cell_id` of the notebook at `path`. Return whether that changed it.

    Raises `StopIteration` if the notebook has no such cell.
    """
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == cell_id)
    if cell.source == text:
        return False
    cell.source = text
    nbformat.write(notebook, path)
    return True
