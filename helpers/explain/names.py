"""Cells ran out of order: say in one sentence which cell makes the missing name."""

from __future__ import annotations

import ast
import difflib
import json
import linecache
import os
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers.language import ENGLISH, _, chosen

_NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
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
        """Return what to call the cell in a sentence."""
        return _("the cell that begins `{line}`").format(line=self.first_line)

    @property
    def placed(self) -> str:
        """Return what to call the cell, and where it stands."""
        if not self.section:
            return self.named
        return _("the cell that begins `{line}` in the section '{section}'").format(
            line=self.first_line, section=self.section
        )

    @property
    def first_line(self) -> str:
        """Return the line by which a learner finds the cell."""
        return self.source.partition("\n")[0]


def missing_name(error: BaseException) -> str | None:
    """Say which cell to run first, if the notebook's own code misses a name that one of its cells makes.

    Return None for other errors.
    """
    from IPython import get_ipython

    # Python's own message stays if the mistake is a library's, or if the name exists after all
    shell = get_ipython()
    if type(error) is not NameError or error.name is None or shell is None:
        return None
    variables = shell.user_ns
    frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__)]
    if not frames or frames[-1].f_globals is not variables or error.name in variables:
        return None

    # The cell that makes the name
    running = _source(next(frame for frame in frames if frame.f_globals is variables))
    ran = {source.strip() for source in variables.get("In", [])[:-1]}
    cells = _notebook(variables, error.name, running, ran)
    maker = _maker(cells, error.name, running)
    if maker is None:
        return None

    # If that cell has run, another one may have deleted the name
    deleter = None
    if maker.source in ran:
        deleters = (cell for cell in cells if error.name in cell.deletes and cell.source in ran)
        deleter = next(deleters, None)
    return _sentence(error.name, maker, deleter, running)


def read(path: Path) -> list[Cell]:
    """Read the code cells of a notebook, in order.

    Return none if the file is not a notebook, or if another program is writing it at this moment.
    """
    # The cells as the file holds them
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return []

    # The code cells, each with the last heading above it
    found = []
    section = ""
    for cell in cells:
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            section = _last_heading(source) or section
        elif cell["cell_type"] == "code":
            found.append(_cell(source, section))
    return found


def _sentence(name: str, maker: Cell, deleter: Cell | None, running: str) -> str:
    if deleter is not None and deleter.source == running:
        return _(
            "`{name}` was deleted by this cell itself when it ran before. If the cell only frees memory, it "
            "has done so. To get `{name}` back, run {cell} again."
        ).format(name=name, cell=maker.placed)
    if deleter is not None:
        return _("`{name}` was deleted by {deleter}. To get it back, run {cell} again.").format(
            name=name, deleter=deleter.named, cell=maker.placed
        )
    if maker.section:
        sentence = _(
            "`{name}` is made in the section '{section}' by {cell}: "
            "run that cell first, or run all cells above this one with {above}."
        )
    else:
        sentence = _(
            "`{name}` is made by {cell}: run that cell first, or run all cells above this one with {above}."
        )
    on_colab = "COLAB_RELEASE_TAG" in os.environ
    above = "Runtime → Run before" if on_colab else "Run → Run All Above Selected Cell"
    return sentence.format(name=name, section=maker.section, cell=maker.named, above=above)


def _source(frame) -> str:
    """Return the source of the running cell, which IPython keeps for its tracebacks."""
    return "".join(linecache.getlines(frame.f_code.co_filename)).strip()


def _notebook(names: dict, name: str, running: str, ran: set[str]) -> list[Cell]:
    """Return the cells of the open notebook.

    JupyterLab and VS Code say which file is open. Without them, return the notebook of the course that fits
    best: that has the cell that is running, the cells that have run, and a cell that makes `name`.
    """
    # The notebook that JupyterLab or VS Code names
    for told in (os.environ.get("JPY_SESSION_NAME", ""), names.get("__vsc_ipynb_file__", "")):
        path = Path(told)
        if path.is_file():
            return read(path)

    # The notebook of the course that fits best
    def fit(cells: list[Cell]) -> tuple[float, int, bool]:
        likeness = max((_likeness(cell, running) for cell in cells), default=0.0)
        return likeness, sum(cell.source in ran for cell in cells), any(name in cell.makes for cell in cells)

    edition = _NOTEBOOKS if chosen() == ENGLISH else _NOTEBOOKS / chosen()
    return max(map(read, sorted(edition.glob("*.ipynb"))), key=fit, default=[])


def _maker(cells: list[Cell], name: str, running: str) -> Cell | None:
    """Return the last cell above the running one that makes `name`; without one, the first of all others."""
    # The position of the running cell; None if no cell resembles it
    here = max(range(len(cells)), key=lambda position: _likeness(cells[position], running), default=None)
    if here is not None and not _likeness(cells[here], running):
        here = None

    makers = [position for position, cell in enumerate(cells) if name in cell.makes and position != here]
    above = [position for position in makers if here is not None and position < here]
    if above:
        return cells[above[-1]]
    return cells[makers[0]] if makers else None


def _likeness(cell: Cell, source: str) -> float:
    """Compare line by line, 0 to 1: a learner may have changed the cell since the notebook was saved.

    A likeness below one half is chance and counts as 0.
    """
    ratio = difflib.SequenceMatcher(None, cell.source.splitlines(), source.splitlines()).ratio()
    return ratio if ratio >= 0.5 else 0.0


def _last_heading(markdown: str) -> str | None:
    # A comment in an example looks like a heading
    without_code = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)
    headings = re.findall(r"^#{1,6} +(.+)$", without_code, re.MULTILINE)
    return headings[-1].replace("`", "") if headings else None


def _cell(source: str, section: str) -> Cell:
    try:
        nodes = list(_at_top_level(ast.parse(source)))
    except SyntaxError:  # only IPython understands the cell, or nobody does
        nodes = []
    deleted = (node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del))
    return Cell(source, section, frozenset(filter(None, map(_bound, nodes))), frozenset(deleted))


def _at_top_level(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is in `node`, except the insides of functions, classes and comprehensions.

    Those have names of their own.
    """
    for child in ast.iter_child_nodes(node):
        # `x += 1` needs the name, and `x = None` takes away what it stood for: neither makes it
        if isinstance(child, ast.AugAssign):
            continue
        if (
            isinstance(child, ast.Assign)
            and isinstance(child.value, ast.Constant)
            and child.value.value is None
        ):
            continue
        yield child
        if not isinstance(child, (*_FUNCTIONS, *_COMPREHENSIONS, ast.Lambda)):
            yield from _at_top_level(child)


def _bound(node: ast.AST) -> str | None:
    """Return the name that this one node binds, if any."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.alias):
        return node.asname or node.name.partition(".")[0]
    return node.name if isinstance(node, _FUNCTIONS) else None
