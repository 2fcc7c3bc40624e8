"""Protects a learner from a time slider that does not follow the mouse and the keyboard."""

import pytest
from playwright.sync_api import expect

# A made-up training of 50 texts, read from its file: no model, no data
CELLS = (
    """
import sys
from pathlib import Path
sys.path.insert(0, str(Path.cwd().parent))
import numpy as np
from helpers.show import TimeSlider
from helpers.train import Run

made = Run("made up")
labels = np.arange(50) % 5
made.watched = {"texts": [f"text {i} <b>bold</b> " * 9 for i in range(50)], "labels": labels.tolist(),
                "names": [f"{i} stars" for i in range(1, 6)], "ordered": True}
for step, sure in zip((0, 3, 12, 28, 50, 77, 112, 152, 198, 251, 310, 375), np.linspace(0, 1, 12)):
    rows = (1 - sure) / 5 + sure * np.eye(5)[labels]
    made.moments.append({"step": step, "probabilities": rows.tolist()})
slider = TimeSlider([Run.load(made.save("made.json"))])
""",
    "slider",
)


@pytest.fixture(scope="module")
def opened(lab):
    lab.put("moments.ipynb", CELLS)
    lab.open("moments.ipynb")
    lab.run_all()
    lab.page.locator("button[title^='1:']").scroll_into_view_if_needed()
    return lab


def area(lab):
    return lab.page.locator(".jp-OutputArea-output", has=lab.page.locator("button[title^='1:']"))


def across(lab, number):
    """Return where the middle of a dot stands, in pixels from the left edge, once it has stopped."""
    dot = lab.page.locator(f"button[title^='{number}:']")
    before = None
    while before != (before := dot.bounding_box()["x"]):
        lab.page.wait_for_timeout(150)
    return before + dot.bounding_box()["width"] / 2


def test_dragging_to_the_start_brings_all_dots_into_the_middle(opened):
    end = across(opened, 1), across(opened, 3), across(opened, 5)
    opened.picture("time-slider-end")
    handle = area(opened).locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.page.mouse.move(*middle)
    opened.page.mouse.down()
    opened.page.mouse.move(middle[0] - 900, middle[1], steps=12)
    opened.page.mouse.up()
    expect(area(opened).get_by_text("Step 0: 10 of 50 answers are right.")).to_be_visible()
    start = [across(opened, number) for number in (1, 3, 5)]
    opened.picture("time-slider-start")
    assert end[0] < end[1] - 100 and end[1] < end[2] - 100
    assert start == pytest.approx([end[1]] * 3, abs=1)


def test_the_arrow_keys_do_the_same(opened):
    handle = area(opened).locator(".noUi-handle")
    handle.focus()
    opened.page.keyboard.press("Home")
    expect(area(opened).get_by_text("Step 0:")).to_be_visible()
    before = across(opened, 5)
    opened.page.keyboard.press("ArrowRight")
    expect(area(opened).get_by_text("Step 3: 50 of 50")).to_be_visible()
    assert before < across(opened, 5)


def test_a_click_on_a_dot_and_the_enter_key_show_its_text(opened):
    opened.page.locator("button[title^='12:']").click()
    expect(area(opened).get_by_text("Text 12: 2 stars")).to_be_visible()
    dot = opened.page.locator("button[title^='33:']")
    dot.focus()
    opened.page.keyboard.press("Enter")
    expect(area(opened).get_by_text("Text 33: 3 stars")).to_be_visible()
    assert dot.evaluate("dot => getComputedStyle(dot).outline").endswith("solid 3px"), "it is marked"
    read = area(opened).get_by_role("region", name="the text")
    assert read.inner_text().startswith("text 32 <b>bold</b> text 32"), "it stays text"


def test_nothing_is_cut_in_a_narrow_window(opened):
    opened.page.set_viewport_size({"width": 600, "height": 1000})
    opened.page.wait_for_timeout(500)
    edges = area(opened).bounding_box()
    boxes = (
        area(opened)
        .locator("button")
        .evaluate_all("all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.right])")
    )
    assert len(boxes) == 50
    assert all(edges["x"] <= left and right <= edges["x"] + edges["width"] for left, right in boxes)
    opened.picture("time-slider-600")
