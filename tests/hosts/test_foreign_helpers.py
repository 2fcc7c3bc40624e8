"""Protects a learner who typed `pip install helpers`: another package of that name does no harm."""

import os
import subprocess
import sys

import pytest
from notebook_files import NOTEBOOKS, ROOT, code_cells

pytestmark = pytest.mark.faults
SETUP = next(cell.source for cell in code_cells(NOTEBOOKS[0]) if cell.id == "setup")
IMPORTS = SETUP.partition("profile, machine =")[0]


def imported(tmp_path):
    """Run the setup cell up to its import, with a foreign `helpers` among the installed packages.

    Returns the file of the `helpers` that the cell got.
    """
    foreign = tmp_path / "site-packages"
    (foreign / "helpers").mkdir(parents=True)
    (foreign / "helpers" / "__init__.py").write_text("", encoding="utf-8")
    code = f"import sys\nsys.path.append({str(foreign)!r})\n{IMPORTS}\n"
    code += "helpers.runs_folder\nfrom helpers.profiles import PROFILES\nprint(helpers.__file__)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "notebooks",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or done.stderr


def test_an_installed_package_of_that_name_is_not_taken(tmp_path):
    assert imported(tmp_path) == str(ROOT / "helpers" / "__init__.py")


def test_the_courses_own_package_stays_loaded_when_the_cell_runs_again(tmp_path):
    """Loaded twice, a package has two of each class, and what one cell set is gone in the next."""
    before = f"sys.path.insert(0, {str(ROOT)!r})\nimport helpers\nhelpers.mark = 1"
    code = IMPORTS.replace("import helpers", "import helpers\nassert helpers.mark == 1")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{before}\n{code}"],
        cwd=ROOT / "notebooks",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
