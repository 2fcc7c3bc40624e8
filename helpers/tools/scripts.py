"""Show each script of `examples/` folded in the cell `script` of its notebook.

After you change a script, this command puts it into its notebook again:

    python -m helpers.tools.scripts
"""

from __future__ import annotations

from pathlib import Path

from helpers.tools.cells import rewrite

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


if __name__ == "__main__":
    for stem, name in SCRIPTS.items():
        if rewrite(ROOT / "notebooks" / f"{stem}.ipynb", "script", folded(name)):
            print(f"rewritten: notebooks/{stem}.ipynb")
