"""Protects a learner's environment: the setup cell installs what is missing and replaces nothing."""

import os
import re
import shutil
import subprocess
import venv
import zipfile
from pathlib import Path

import packaging
import pytest
from notebook_files import ROOT, code_cells

from helpers.start import packages
from helpers.start.packages import Package


def wheel(folder, name, version, needs=()):
    """Write the smallest wheel there is: a module that knows its version."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", f"version = {version!r}\n")
        requires = "".join(f"Requires-Dist: {need}\n" for need in needs)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            f"{info}/RECORD", "".join(f"{file},,\n" for file in [*archive.namelist(), f"{info}/RECORD"])
        )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Write wheels to install from: a host's torch, old and new, and two that need it."""
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("2.6", "2.9"):
        wheel(folder, "torch", version)
    for version in ("1.0", "2.0"):
        wheel(folder, "trainer", version, needs=["torch"])
    wheel(folder, "metric", "0.4", needs=["torch", "trainer"])
    wheel(folder, "greedy", "1.0", needs=["torch>=2.9"])
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Make a fresh virtual environment. Returns its Python and its site-packages."""
    folder = tmp_path_factory.mktemp("host")
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    site = next(folder.rglob("site-packages"))
    shutil.copytree(Path(packaging.__file__).parent, site / "packaging")
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python", site


@pytest.fixture
def host(environment, shelf, tmp_path):
    """Return a function that runs the setup cell's code on a host.

    It takes the wheels that the host has, the requirements, and code to run first. It returns the exit
    status, what was printed, and the versions installed.
    """
    python, site = environment
    before = set(site.iterdir())

    def versions():
        return dict(
            path.name.removesuffix(".dist-info").split("-")
            for path in site.glob("*.dist-info")
            if path not in before
        )

    def run(has, requirements, first=""):
        for name in has:
            zipfile.ZipFile(shelf / f"{name}-py3-none-any.whl").extractall(site)
        (tmp_path / "requirements.txt").write_text(requirements)
        code = (
            f"{first}\nfrom pathlib import Path; from helpers.start.packages import"
            " *\nprint(*report(ensure(Path('requirements.txt'))), sep='\\n')"
        )
        env = os.environ | {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(shelf),
            "PIP_CONFIG_FILE": os.devnull,
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [python, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr, versions()

    yield run
    for path in set(site.iterdir()) - before:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_what_is_missing_is_installed_and_what_the_host_has_stays(host):
    """On Colab, pip's "--upgrade" replaced torch. That took minutes, and what was built for the old one
    crashed.
    """
    status, said, installed = host(
        ["torch-2.6", "trainer-1.0"], "torch>=2.6,<3\ntrainer>=1\nmetric>=0.4  # the metric\n"
    )
    assert status == 0, said
    assert said.splitlines() == ["Installing metric (missing) …", "torch 2.6, trainer 1.0, metric 0.4: OK"]
    assert installed == {"torch": "2.6", "trainer": "1.0", "metric": "0.4"}


def test_what_is_too_old_is_replaced_but_never_the_hosts_own(host):
    status, said, installed = host(["torch-2.6", "trainer-1.0"], "torch>=2.8\ntrainer>=2\n")
    assert status == 0 and "Installing trainer (too old) …" in said
    assert "torch 2.6: too old, tested with >=2.8; it is the host's own" in said
    assert installed == {"torch": "2.6", "trainer": "2.0"}


def test_a_package_that_would_replace_torch_is_refused_with_pips_words(host):
    status, said, installed = host(["torch-2.6"], "torch>=2.6\ngreedy>=1\n")
    assert status == 1 and installed == {"torch": "2.6"}
    assert "greedy 1.0 depends on torch>=2.9" in said and "pip could not install greedy>=1 into" in said


def test_what_was_loaded_before_it_was_replaced_asks_for_a_restart(host):
    """With half of a package from the old version and half from the new, something else fails later."""
    status, said, _ = host(["torch-2.6", "trainer-1.0"], "trainer>=2\n", first="import trainer")
    assert status == 1 and "trainer had been loaded before in an older version.\nRestart the kernel" in said
    status, said, _ = host([], "trainer>=2\n")
    assert status == 0 and "Restart" not in said, "after which it goes on"


def test_without_a_network_it_says_what_is_missing_and_pips_reason(host):
    status, said, _ = host([], "surely-not-there>=1\n")
    assert (
        status == 1
        and "No matching distribution found for surely-not-there>=1" in said
        and "Without a network, install it beforehand" in said
    )


def test_a_notebook_asks_for_one_package_more_by_its_line():
    """Most notebooks do not need Keras, so it does not stand in requirements.txt."""
    here, missing = packages.check("pytest>=1\nsurely-not-there>=0.4,<2")
    assert (here.state, missing.name, missing.state) == ("ok", "surely-not-there", "missing")
    assert packages.ensure("pytest>=1")[0].installed == here.installed


def test_the_notebook_asks_for_the_keras_that_is_tested():
    """Colab has 3.13, and a fresh installation takes the newest."""
    cells = {cell.id: cell.source for cell in code_cells(ROOT / "notebooks" / "09_keras.ipynb")}
    asked = re.search(r'ensure\("(keras.*?)"\)', cells["keras"]).group(1)
    tested = (ROOT / "tests" / "requirements.txt").read_text(encoding="utf-8")
    assert f"\n{asked}  #" in tested


@pytest.mark.faults
def test_without_pip_it_says_how_to_get_it(tmp_path):
    """uv makes environments without pip. "No module named pip" was followed by advice about the network."""
    venv.create(tmp_path / "host", with_pip=False, symlinks=os.name != "nt")
    site = next((tmp_path / "host").rglob("site-packages"))
    shutil.copytree(Path(packaging.__file__).parent, site / "packaging")
    python = tmp_path / "host" / ("Scripts" if os.name == "nt" else "bin") / "python"
    (tmp_path / "requirements.txt").write_text("metric>=0.4,<2\n")
    code = "from pathlib import Path; from helpers.start.packages import *; ensure(Path('requirements.txt'))"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert "This Python has no pip, and the course needs to install metric" in done.stderr
    assert f'"{python}" -m ensurepip\n' in done.stderr
    needed = Package("metric", str(packages.read(tmp_path / "requirements.txt")[0].specifier), None)
    assert f'uv pip install --python "{python}" "{needed}"\n' in done.stderr
    assert "network" not in done.stderr and "Installing" not in done.stdout


@pytest.mark.parametrize(
    ("needed", "installed", "state"),
    [
        (">=2,<3", None, "missing"),
        (">=2,<3", "1.9", "too old"),
        (">=2,<3", "2.0", "ok"),
        (">=2,<3", "3.0", "newer than tested"),
        (">=2.6,<2.14", "2.11.0+cu128", "ok"),
        (">=2,<3", "3.0.dev1", "newer than tested"),
        (">=24", "26", "ok"),
    ],
)
def test_states(needed, installed, state):
    assert Package("trainer", needed, installed).state == state


def test_what_is_newer_than_tested_stops_nobody():
    """Hosts move ahead of this repository. A ceiling that refuses to start would end the course that day."""
    newer = Package("trainer", ">=2,<3", "3.1")
    assert not newer.to_install
    assert packages.report([newer]) == [
        'trainer 3.1: newer than tested. If a cell fails, run %pip install "trainer>=2,<3", '
        "then restart the kernel"
    ]
    assert "pip install" not in packages.report([Package("torch", ">=2,<3", "3.1")])[0], "not even by hand"


def test_this_environment_has_what_the_course_needs():
    assert [package for package in packages.check() if package.state != "ok"] == []


def test_a_notebook_shows_the_message_and_no_traceback():
    assert packages.SetupError("Installed.\nRestart.")._render_traceback_() == ["Installed.", "Restart."]


@pytest.mark.parametrize("name", ["datasets.py", "evaluate.py", "sklearn.py", "torch/__init__.py"])
def test_a_file_beside_the_notebook_with_a_librarys_name_is_named(tmp_path, name):
    """Python loads it in the library's place, and the error speaks of names that "datasets" does not have."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(packages.SetupError, match=r"has the name of a library.*\nRename it") as raised:
        packages.check_own_files(tmp_path)
    assert str(tmp_path / name) in str(raised.value)


def test_other_files_beside_the_notebook_are_the_learners_own(tmp_path):
    for name in ("train.py", "helpers.py", "random.py", "datasets.csv"):
        (tmp_path / name).touch()
    (tmp_path / "datasets").mkdir()  # without __init__.py, the library comes first
    packages.check_own_files(tmp_path)
