"""Protects a learner on Binder from an image without model and reviews, and from one that is not built.

The tests also cover `python -m helpers.start.fetch`.
"""

import os
import subprocess
import sys

import pytest
from notebook_files import ROOT

from hub.conftest import environment, python
from hub.test_faults import WEIGHTS
from hub.test_notebooks import NOWHERE


@pytest.fixture
def build(tmp_path):
    """Run binder/postBuild with a `uv` that only notes what it was asked to install."""
    noted = tmp_path / "noted"
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, does in {"uv": f'echo "$@" > {noted}', "python": f'exec {sys.executable} "$@"'}.items():
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)

    def run(env):
        path = os.pathsep.join([str(programs), os.environ["PATH"]])
        done = subprocess.run(
            [ROOT / "binder" / "postBuild"],
            cwd=ROOT,
            env=env | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert "--torch-backend=cpu --requirements binder/pins.txt" in noted.read_text()
        return done.stdout + done.stderr

    return run


def test_the_image_has_model_and_reviews_when_the_hub_answers(build, hub, home):
    assert "small: fetched" in build(environment(hub.url, home))
    code = "from helpers import hub, profiles; print(hub.is_cached(profiles.PROFILES['small']))"
    assert python(code, environment(NOWHERE, home, HF_HUB_OFFLINE="1")) == "True\n"


def test_the_image_is_built_without_them_when_it_does_not(build, home):
    said = build(environment(NOWHERE, home))
    assert "does not answer: nothing was fetched" in said and "Building on without them" in said


def test_a_fault_in_the_middle_says_so_and_keeps_the_build(build, hub, home):
    hub.fault(WEIGHTS, status=503, times=99)
    said = build(environment(hub.url, home))
    assert (
        "small: not all was fetched" in said
        and "Traceback" not in said
        and "Building on without them" in said
    )
