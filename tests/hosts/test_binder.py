"""Protects a learner on Binder from an image that is not built, not pinned, or slow."""

import subprocess
import sys

import pytest
from notebook_files import ROOT
from packaging.utils import canonicalize_name

from helpers.start import packages

PINS = dict(
    line.split("==")
    for line in (ROOT / "binder" / "pins.txt").read_text().splitlines()
    if not line.startswith("#")
)


@pytest.mark.parametrize("requirement", packages.read(), ids=lambda requirement: requirement.name)
def test_each_requirement_has_a_pin_that_satisfies_it(requirement):
    """After a change of requirements.txt, `python binder/pin.py` writes the pins anew."""
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_what_the_requirements_need_is_pinned_as_well():
    """An image that worked in spring breaks in autumn if a dependency of a dependency is not pinned."""
    assert (
        len(PINS) > 100
        and {"tokenizers", "huggingface-hub", "pyarrow", "jupyterlab-widgets", "tornado"} <= PINS.keys()
    )


def test_the_builder_accepts_the_folder_and_takes_the_expected_steps(monkeypatch):
    buildpacks = pytest.importorskip("repo2docker.buildpacks", reason="repo2docker knows no Windows")
    monkeypatch.chdir(ROOT)
    pack = buildpacks.PythonBuildPack("docker.io/library/buildpack-deps:24.04")
    assert pack.detect(), "requirements.txt and runtime.txt make it a Python repository"
    assert pack.binder_dir == "binder" and pack.python_version == "3.11"
    assert any(
        'pip install --no-cache-dir -r "binder/requirements.txt"' in step
        for _, step in pack.get_preassemble_scripts()
    )
    assert (
        pack.get_post_build_scripts() == ["binder/postBuild"]
        and pack.get_start_script() == "${REPO_DIR}/binder/start"
    )


def test_start_gives_each_program_as_many_threads_as_cores_are_granted():
    from helpers.machine import cores

    code = "import os; print(os.environ['OMP_NUM_THREADS'], os.getcwd())"
    done = subprocess.run(
        [ROOT / "binder" / "start", sys.executable, "-c", code],
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [str(cores()), "/"]
