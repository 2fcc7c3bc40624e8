"""The plan of the house: imports run upwards only, `import helpers` is cheap, the bundled files stay small."""

import ast
import subprocess
import sys

import pytest
from notebook_files import ROOT

HELPERS = ROOT / "helpers"
FLOORS = {
    "profiles": 1, "environment": 1, "files": 1, "packages": 1, "links": 1,
    "runs": 2, "data": 2, "metrics": 2, "models": 2, "subset": 2, "learning_rates": 2, "errors": 2, "cell_order": 2,
    "training": 3, "checkpoints": 3, "plots": 3, "hub": 3, "recipes": 3, "ladder": 3, "attribution": 3,
    "widgets": 4, "estimate": 4, "session": 5, "fetch": 5,
}


def floor_of(path):
    return FLOORS[path.relative_to(HELPERS).parts[0].removesuffix(".py")]


def imported_helpers(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "helpers":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers."):
            yield node.module.split(".")[1]


@pytest.mark.parametrize(
    "path", [p for p in HELPERS.rglob("*.py") if p != HELPERS / "__init__.py" and "offline" not in p.parts], ids=lambda p: p.stem
)
def test_a_file_imports_only_from_floors_below(path):
    """A circle of imports makes every file need every other. Files of one package may import each other."""
    for name in imported_helpers(path):
        same_package = path.parent.name == name
        assert same_package or FLOORS[name] < floor_of(path), f"{path.name} imports {name}"


def test_import_helpers_loads_nothing_heavy_and_takes_under_a_fifth_of_a_second():
    code = (
        "import sys, time; began = time.perf_counter(); import helpers; took = time.perf_counter() - began;"
        "heavy = {'torch', 'transformers', 'datasets', 'matplotlib', 'numpy', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy; assert took < 0.2, took"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_an_old_python_is_told_what_to_choose():
    """Studio Lab's default kernel is older than the course: a syntax error somewhere inside would tell a learner nothing."""
    code = "import sys; sys.version_info = (3, 9, 18); import helpers"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "needs Python 3.11 or newer; this kernel is" in done.stderr and "environment.yml" in done.stderr


def test_bundled_files_stay_below_ten_megabytes():
    size = sum(path.stat().st_size for path in (HELPERS / "offline").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert size < 10e6, f"{size / 1e6:.1f} MB"
