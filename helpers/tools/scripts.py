"""Show each script of `examples/` folded at the end of its notebook.

After you change a script, this command puts it into its notebook again:

    python -m helpers.tools.scripts
"""

from __future__ import annotations

from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = {
    "01_prepare_dataset": "prepare",
    "02_train_with_trainer": "trainer",
    "03_native_pytorch_loop": "loop",
}


def folded(name: str, root: Path = ROOT) -> str:
    """Return the Markdown that shows the script `name` folded."""
    script = (root / "examples" / f"{name}.py").read_text(encoding="utf-8").strip()
    return (
        f"<details><summary>The main line of this notebook as a script without helpers: "
        f"<code>examples/{name}.py</code></summary>\n\n```python\n{script}\n```\n\n</details>"
    )


def insert(path: Path, text: str) -> bool:
    """Put `text` into the cell `script` of the notebook, before its last cell. Return whether it changed."""
    # Find the cell, or make it
    notebook = nbformat.read(path, as_version=4)
    cell = next((cell for cell in notebook.cells if cell.id == "script"), None)
    if cell is None:
        cell = nbformat.v4.new_markdown_cell(id="script")
        notebook.cells.insert(len(notebook.cells) - 1, cell)

    # Write only what changed
    if cell.source == text:
        return False
    cell.source = text
    nbformat.write(notebook, path)
    return True


if __name__ == "__main__":
    for stem, name in SCRIPTS.items():
        if insert(ROOT / "notebooks" / f"{stem}.ipynb", folded(name)):
            print(f"rewritten: notebooks/{stem}.ipynb")
