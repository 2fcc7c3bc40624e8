"""Protects a Korean learner from words that are cut or lie on each other: Hangul is wide and high.

`KOREAN_PAGES="01 02 03 05"` in the environment adds these notebooks, which takes some minutes.
"""

import os

import pytest
from notebook_files import ROOT
from playwright.sync_api import expect

from browser import boxes

LAB = "04"
PAGES = [LAB, *os.environ.get("KOREAN_PAGES", "").split()]


@pytest.fixture(scope="module", params=PAGES)
def opened(request, lab):
    """A Korean notebook after Run All, with the first answer of each quiz question checked."""
    [path] = (ROOT / "notebooks" / "ko").glob(f"{request.param}_*.ipynb")
    lab.open(f"ko/{path.name}")
    lab.run_all()
    for question in lab.page.locator(".quiz-question").all():
        question.get_by_role("radio").first.check()
        question.get_by_role("button", name="확인").first.click()
        expect(question.locator(".quiz-why:visible")).to_have_count(1)
    return path.stem, lab


def test_nothing_is_cut_and_nothing_overlaps_at_both_widths(opened):
    """A button that is as wide as an English word cuts a Korean one."""
    stem, lab = opened
    notebook = lab.page.locator(".jp-Notebook")
    if stem.startswith(LAB):
        # The list of runs and what an experiment tells come with the first training
        lab.ask("experiments.rate.run('first')")
        expect(notebook.get_by_role("button", name="삭제")).to_have_count(2)
    for width in (1200, 600):
        lab.page.set_viewport_size({"width": width, "height": 1000})
        lab.page.wait_for_timeout(500)
        lab.picture(f"korean-{stem}-{width}")
        assert boxes.misfits(notebook) == {}, f"at {width} pixels"
