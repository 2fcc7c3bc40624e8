"""Protects a learner from a script at a notebook's end that is not the one that was tested."""

import shutil

import pytest
from notebook_files import ROOT, read

from helpers.tools.cells import rewrite
from helpers.tools.scripts import SCRIPTS, folded


@pytest.mark.parametrize("stem", SCRIPTS)
def test_the_notebook_shows_the_script_as_it_is(stem):
    assert _script(ROOT / "notebooks" / f"{stem}.ipynb") == folded(SCRIPTS[stem])


def test_only_a_changed_script_is_written_again(tmp_path):
    """A command that rewrites more than its own cell spoils a notebook, and fills every diff."""
    path = tmp_path / "notebook.ipynb"
    shutil.copy(ROOT / "notebooks" / "01_prepare_dataset.ipynb", path)
    before = path.read_bytes()
    assert not rewrite(path, "script", folded("prepare")) and path.read_bytes() == before
    assert rewrite(path, "script", "another") and _script(path) == "another"
    assert rewrite(path, "script", folded("prepare")) and path.read_bytes() == before


@pytest.mark.parametrize("name", SCRIPTS.values())
def test_a_script_needs_nothing_of_the_course(name):
    """Its reader has no clone. A helper in it would be one more thing on trust."""
    text = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    assert "helpers" not in text and "google-bert/bert-base-cased" in text and "Yelp/yelp_review_full" in text


def _script(path):
    return next(cell.source for cell in read(path).cells if cell.id == "script")
