"""Protects a learner from a lab and a review tester that fail under a real mouse and keyboard.

The tests share one page after one Run All; each leaves the panel idle.
"""

import re

import pytest
from alternatives import says_too_little
from playwright.sync_api import expect

from browser import boxes

PANEL = "panel = HyperparameterPanel("


@pytest.fixture(scope="module")
def opened(lab):
    lab.open("02_train_with_trainer.ipynb")
    lab.run_all()
    lab.cell(PANEL).scroll_into_view_if_needed()
    return lab


@pytest.fixture
def panel(opened):
    """Find the panel on the page. It is idle, and its sliders stand at the defaults."""
    cell = opened.cell(PANEL)
    opened.ask("panel.controls.reset()")
    yield cell
    opened.ask("panel.stop()")
    opened.page.wait_for_function(
        "() => [...document.querySelectorAll('button')].some(button => button.textContent === 'Run' &&"
        " !button.disabled)",
        timeout=60_000,
    )


def button(panel, name):
    return panel.get_by_role("button", name=name, exact=True)


def code(panel):
    return panel.locator("textarea").input_value()


def images(panel):
    return panel.locator("img")


def press_and_wait(opened, panel, runs):
    """Press Run and wait until there are `runs` runs."""
    button(panel, "Run").click()
    for _ in range(600):
        if opened.ask("len(panel.runs)") >= runs and not opened.ask("panel.training"):
            return
        opened.page.wait_for_timeout(200)
    raise AssertionError("the run did not end")


def test_run_all_ends_without_an_error(opened):
    assert (
        opened.page.locator("[data-mime-type='application/vnd.jupyter.stderr'] >> text=Traceback").count()
        == 0
    )
    assert (
        opened.page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']").count() == 0
    )
    assert opened.ask("panel.runs[0].status") == "finished", (
        "the notebook's own training is the first to compare with"
    )
    opened.picture("panel-1200")


def test_every_picture_says_what_it_shows(opened):
    """Those of the cells, of the lab, and of the curve that grew while a cell trained."""
    alts = opened.alternative_texts()
    assert len(alts) >= 7 and [alt for alt in alts if says_too_little(alt)] == []


def test_a_slider_redraws_schedule_and_code(opened, panel):
    before = code(panel)
    schedule = images(panel).first.get_attribute("src")
    panel.locator(".widget-slider", has_text="num_train_epochs").locator(".noUi-handle").focus()
    opened.page.keyboard.press("ArrowRight")
    expect(images(panel).first).not_to_have_attribute("src", schedule)
    expect(panel.locator("textarea")).to_have_value(re.compile("num_train_epochs=2"))
    assert "num_train_epochs=1" in before
    expect(panel.get_by_text(re.compile(r"40 steps, about"))).to_be_visible()


def test_dragging_the_learning_rate_is_followed(opened, panel):
    before = code(panel)
    schedule = images(panel).first.get_attribute("src")
    handle = panel.locator(".widget-slider", has_text="learning_rate").locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 40, box["y"] + box["height"] / 2, steps=5)
    opened.page.mouse.up()
    expect(images(panel).first).not_to_have_attribute("src", schedule)
    assert opened.ask("panel.controls.values()['learning_rate']") > 5e-4 and code(panel) != before


def test_run_grows_a_curve_while_other_cells_run_and_stop_keeps_the_model(opened, panel):
    opened.ask("panel.controls.set(num_train_epochs=10)")
    runs = opened.ask("len(panel.runs)")
    button(panel, "Run").click()
    seen = set()
    for _ in range(100):
        seen.add(images(panel).nth(1).get_attribute("src"))
        if len(seen) >= 3:
            break
        opened.page.wait_for_timeout(200)
    assert len(seen) >= 3, "the curve grows"
    assert opened.ask("6 * 7") == 42 and opened.ask("panel.training"), "another cell ran meanwhile"
    expect(button(panel, "Run")).to_be_disabled()
    expect(panel.get_by_text(re.compile(r"running, step \d+ of 200 · loss"))).to_be_visible()
    opened.picture("panel-running")
    button(panel, "Stop").click()
    expect(button(panel, "Run")).to_be_enabled(timeout=20_000)
    assert opened.ask("[len(panel.runs), panel.runs[-1].status, panel.result.model.num_labels]") == [
        runs + 1,
        "stopped",
        5,
    ]
    assert opened.ask("panel.best_run.name")
    expect(panel.get_by_text(re.compile(r"stopped after \d+ steps")).first).to_be_visible()


def test_two_runs_are_laid_over_each_other_and_one_is_hidden(opened, panel):
    runs = opened.ask("len(panel.runs)")
    opened.ask("panel.controls.set(learning_rate=1e-5)")
    press_and_wait(opened, panel, runs + 1)
    overlaid = images(panel).nth(1).get_attribute("src")
    expect(panel.get_by_text(re.compile("learning_rate 1e-05 · ")).first).to_be_visible()
    panel.get_by_role("checkbox", name="Trainer").uncheck()
    expect(images(panel).nth(1)).not_to_have_attribute("src", overlaid)
    assert opened.ask("'Trainer' not in [run.name for run in panel._list.shown()[0]]")
    panel.get_by_role("checkbox", name="Trainer").check()
    opened.picture("panel-compared")


def test_the_finder_moves_the_slider(opened, panel):
    button(panel, "Find learning_rate").click()
    expect(panel.get_by_text(re.compile("The slider now stands at [0-9.e-]+, as near to the"))).to_be_visible(
        timeout=60_000
    )
    opened.picture("panel-finder")


def test_a_training_that_fails_leaves_a_message_and_a_working_panel(opened):
    opened.ask(
        "globals().update(healthy=panel._train) or setattr(panel, '_train', lambda args, run, n: 1 / 0)"
    )
    cell = opened.cell(PANEL)
    button(cell, "Run").click()
    expect(cell.get_by_text("ZeroDivisionError: division by zero").first).to_be_visible(timeout=20_000)
    expect(cell.locator("details summary").last).to_have_text("Details")
    opened.ask("setattr(panel, '_train', healthy)")
    runs = opened.ask("len(panel.runs)")
    press_and_wait(opened, cell, runs + 1)
    assert opened.ask("panel.runs[-1].status") == "finished"


def test_a_review_moves_the_bars_and_html_stays_text(opened):
    cell = opened.cell("ReviewTester(")
    cell.scroll_into_view_if_needed()
    area = cell.locator("textarea")
    before = cell.inner_text()
    area.fill(
        'Wonderful <marquee>staff</marquee> <img src=x onerror="window.injected=1"> and lovely food, I will'
        " be back!"
    )
    opened.page.wait_for_function(
        "([cell, old]) => cell.innerText !== old", arg=[cell.element_handle(), before]
    )
    expect(cell.get_by_text(re.compile("staff")).first).to_be_visible()
    assert cell.locator("marquee").count() == 0 and cell.locator("img[src='x']").count() == 0
    assert not opened.page.evaluate("() => window.injected")
    opened.picture("review-tester")


def test_nothing_is_cut_in_a_narrow_window(opened):
    opened.page.set_viewport_size({"width": 600, "height": 1000})
    opened.page.wait_for_timeout(1_000)
    cell = opened.cell(PANEL)
    cell.scroll_into_view_if_needed()
    opened.picture("panel-600")
    assert boxes.misfits(cell) == {}
