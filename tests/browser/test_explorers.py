"""Protects a learner from explorers in notebook 1 that do not follow the mouse and the keyboard."""

import pytest
from alternatives import says_too_little
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def opened(lab):
    lab.open("01_prepare_dataset.ipynb")
    lab.run_all()
    return lab


def test_pieces_follow_while_one_types(opened):
    cell = opened.cell("TokenExplorer(")
    cell.scroll_into_view_if_needed()
    field = cell.locator("input[type=text], textarea").first
    field.fill("")
    field.press_sequentially("unbelievable <marquee>pizza</marquee> 🍕")
    expect(cell.get_by_text("pizza").first).to_be_visible()
    assert cell.locator("marquee").count() == 0, "what is typed stays text"
    opened.picture("token-explorer")


def test_a_slider_redraws_the_batches(opened):
    cell = opened.cell("PaddingExplorer(")
    cell.scroll_into_view_if_needed()
    picture = cell.locator("img").first.get_attribute("src")
    words = cell.inner_text()
    handle = cell.locator(".noUi-handle, .ui-slider-handle").first
    handle.focus()
    for _ in range(4):
        opened.page.keyboard.press("ArrowLeft")
    expect(cell.locator("img").first).not_to_have_attribute("src", picture)
    assert cell.inner_text() != words
    opened.picture("padding-explorer")


def test_every_picture_says_what_it_shows(opened):
    """JupyterLab drops the alternative text of a PNG, and `widgets.Image` has none."""
    alts = opened.alternative_texts()
    assert len(alts) == 4 and [alt for alt in alts if says_too_little(alt)] == []
