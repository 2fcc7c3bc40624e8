"""Cells run out of order: one sentence that says which cell makes the missing name, in place of a traceback."""

from __future__ import annotations

import ast
import difflib
import json
import linecache
import os
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Cell:
    """A code cell: its source, the heading above it, and the names that it makes and deletes."""

    source: str
    section: str
    makes: frozenset[str]
    deletes: frozenset[str]

    @property
    def named(self) -> str:
        return f"the cell that begins `{self.source.partition(chr(10))[0]}`"


def install() -> None:
    """In a notebook, show `explain`'s sentence for a NameError that has one. Other errors look as always. May be called again.

    Not by `set_custom_exc`: IPython keeps one such handler, and that is `errors`'.
    """
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None or shell.showtraceback.__module__ == __name__:
        return
    show = shell.showtraceback

    def showtraceback(exc_tuple=None, *args, **kwargs):
        error = exc_tuple[1] if exc_tuple else sys.exc_info()[1]
        if (sentence := explain(error, shell.user_ns)) is not None:
            error._render_traceback_ = lambda: [sentence]  # IPython's protocol for errors that render themselves
        show(exc_tuple, *args, **kwargs)

    shell.showtraceback = showtraceback


def explain(error: BaseException | None, names: dict) -> str | None:
    """Which cell to run before, for a name that the notebook's own code misses and one of its cells makes; else None.

    `names` is the notebook's namespace.
    """
    if type(error) is not NameError or error.name is None or error.name in names:
        return None
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not frames or frames[-1].f_globals is not names:  # a library's own mistake
        return None
    running = _source(next(frame for frame in frames if frame.f_globals is names))
    ran = {source.strip() for source in names.get("In", [])[:-1]}
    cells = _notebook(names, error.name, running, ran)
    maker = _maker(cells, error.name, running)
    return maker and _sentence(error.name, maker, _deleter(cells, error.name, ran) if maker.source in ran else None)


def read(path: Path) -> list[Cell]:
    """The code cells of a notebook, in order; none where the file is not one, or is just being written."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    found, section = [], ""
    for cell in cells:
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            section = _last_heading(source) or section
        elif cell["cell_type"] == "code":
            found.append(_cell(source, section))
    return found


def _sentence(name: str, maker: Cell, deleter: Cell | None) -> str:
    section = f"in the section '{maker.section}', " if maker.section else ""
    if deleter is not None:
        return f"`{name}` was deleted by {deleter.named}: to have it back, {section}run {maker.named} again."
    above = "Runtime → Run before" if "COLAB_RELEASE_TAG" in os.environ else "Run → Run All Above Selected Cell"
    return f"`{name}` is made {section}by {maker.named}: run that cell first, or all above with {above}."


def _source(frame) -> str:
    """The cell that is running, as IPython keeps it for its tracebacks."""
    return "".join(linecache.getlines(frame.f_code.co_filename)).strip()


def _notebook(names: dict, name: str, running: str, ran: set[str]) -> list[Cell]:
    """The notebook that is open, where JupyterLab or VS Code say it; else the course's that fits best what is and was run."""
    told = Path(os.environ.get("JPY_SESSION_NAME", "")), Path(names.get("__vsc_ipynb_file__", ""))
    for path in told:
        if path.is_file():
            return read(path)

    def fit(cells: list[Cell]) -> tuple[float, int, bool]:
        likeness = max((_likeness(cell, running) for cell in cells), default=0.0)
        return likeness, sum(cell.source in ran for cell in cells), any(name in cell.makes for cell in cells)

    return max(map(read, sorted(_NOTEBOOKS.glob("*.ipynb"))), key=fit, default=[])


def _maker(cells: list[Cell], name: str, running: str) -> Cell | None:
    """The last cell above the running one that makes `name`; where there is none, the first of all others."""
    here = _position(cells, running)
    makers = [position for position, cell in enumerate(cells) if name in cell.makes and position != here]
    above = [position for position in makers if here is not None and position < here]
    return cells[above[-1] if above else makers[0]] if makers else None


def _deleter(cells: list[Cell], name: str, ran: set[str]) -> Cell | None:
    return next((cell for cell in cells if name in cell.deletes and cell.source in ran), None)


def _position(cells: list[Cell], source: str) -> int | None:
    """Where the cell of this source stands."""
    best = max(range(len(cells)), key=lambda position: _likeness(cells[position], source), default=None)
    return best if best is not None and _likeness(cells[best], source) else None


def _likeness(cell: Cell, source: str) -> float:
    """0 to 1, by lines: a learner may have changed the cell since the notebook was saved. Less than half is chance, and counts as 0."""
    ratio = difflib.SequenceMatcher(None, cell.source.splitlines(), source.splitlines()).ratio()
    return ratio if ratio >= 0.5 else 0.0


def _last_heading(markdown: str) -> str | None:
    without_code = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)  # a comment in an example is no heading
    headings = re.findall(r"^#{1,6} +(.+)$", without_code, re.MULTILINE)
    return headings[-1].replace("`", "") if headings else None


def _cell(source: str, section: str) -> Cell:
    try:
        nodes = list(_at_top_level(ast.parse(source)))
    except SyntaxError:  # a cell that IPython understands and Python does not, or nobody
        nodes = []
    deleted = (node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del))
    return Cell(source, section, frozenset(filter(None, map(_bound, nodes))), frozenset(deleted))


def _at_top_level(node: ast.AST) -> Iterator[ast.AST]:
    """What is in `node`, but not inside functions, classes and comprehensions, which have names of their own."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.AugAssign) or _sets_to_none(child):
            continue  # needs the name, or takes away what it stood for
        yield child
        if not isinstance(child, (*_FUNCTIONS, *_COMPREHENSIONS, ast.Lambda)):
            yield from _at_top_level(child)


def _sets_to_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is None


def _bound(node: ast.AST) -> str | None:
    """The name that this one node binds."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.alias):
        return node.asname or node.name.partition(".")[0]
    return node.name if isinstance(node, _FUNCTIONS) else None
