"""Protects a reader of the code: imports between rooms run one way, and `import helpers` is cheap."""

import ast
import subprocess
import sys

import pytest
from notebook_files import ROOT

HELPERS = ROOT / "helpers"
# Each room may import from itself and from the rooms on the lines above it. Rooms of one line do not know
# each other.
ROOMS = [
    {"language"},
    {"files", "machine", "profiles"},
    {"hub"},
    {"data", "explain"},
    {"judge", "train"},
    {"show", "start"},
    {"learn"},
    {"tools"},
]


def room_of(path):
    return path.relative_to(HELPERS).parts[0].removesuffix(".py")


def line_of(room):
    return next(number for number, rooms in enumerate(ROOMS) if room in rooms)


def imported_rooms(path):
    """Yield the rooms that a file imports from, inside its functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "helpers":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("helpers."))


FILES = [
    path for path in HELPERS.rglob("*.py") if path != HELPERS / "__init__.py" and "offline" not in path.parts
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HELPERS)))
def test_imports_run_one_way(path):
    """If imports run in a circle, every file needs every other."""
    own = room_of(path)
    for room in set(imported_rooms(path)) - {own}:
        assert line_of(room) < line_of(own), f"{path.name} of {own} imports from {room}"


def test_the_offline_room_holds_data_only():
    """`accuracy.py` is the metric itself, which `evaluate.load` reads from its folder."""
    assert [path.name for path in (HELPERS / "offline").rglob("*.py")] == ["accuracy.py"]


@pytest.mark.parametrize("client", ["requests", "httpx", "urllib.request"])
def test_only_the_hub_room_talks_to_the_network(client):
    """The path of a file shows whether it asks the Hub."""
    for path in FILES:
        imported = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert client not in imported or room_of(path) == "hub", path


def test_import_helpers_loads_nothing_heavy_and_takes_under_a_fifth_of_a_second():
    code = (
        "import sys, time; began = time.perf_counter(); import helpers; took = time.perf_counter() - began;"
        "heavy = {'torch', 'transformers', 'datasets', 'matplotlib', 'numpy', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy; assert took < 0.2, took"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_an_old_python_is_told_what_to_choose():
    """Studio Lab's default kernel is older than the course. A syntax error somewhere inside would tell a
    learner nothing.
    """
    code = "import sys; sys.version_info = (3, 9, 18); import helpers"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "needs Python 3.11 or newer; this kernel is" in done.stderr and "environment.yml" in done.stderr


def test_bundled_files_stay_below_ten_megabytes():
    size = sum(
        path.stat().st_size
        for path in (HELPERS / "offline").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    assert size < 10e6, f"{size / 1e6:.1f} MB"
