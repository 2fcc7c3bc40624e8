"""Protects a learner without a mouse from questions that the keyboard cannot answer."""

import pytest
from playwright.sync_api import expect

QUIZ = """
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd().parent))
from helpers.learn.check import Check
from helpers.learn.exercise import Value
from helpers.learn.notebook_07 import QUESTIONS

one = Value(name="one", minutes=1, hint="", solution="", right=lambda _: 1, because=lambda *_: "So.")
check = Check([one], QUESTIONS, globals())
quiz = check.quiz()
quiz
"""
WHY = ".quiz-why:visible"


@pytest.fixture(scope="module")
def opened(lab):
    lab.put("quiz.ipynb", [QUIZ, "after = 1"])
    lab.open("quiz.ipynb", width=600)
    lab.run_all()
    lab.page.locator(".quiz-question").first.wait_for()
    return lab


def test_a_question_is_answered_by_keyboard_only(opened):
    """ipywidgets' own radio buttons know no arrow keys, and JupyterLab takes these for its cells."""
    page = opened.page
    first = page.locator(".quiz-question").first
    radios = first.get_by_role("radio")
    opened.cell("quiz = check.quiz()").locator(".cm-content").click()
    page.keyboard.press("Escape")  # what comes now is the keyboard's
    for _ in range(10):
        page.keyboard.press("Tab")
        if radios.first.evaluate("radio => radio === document.activeElement"):
            break
    page.keyboard.press("Space")
    expect(radios.nth(0)).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(radios.nth(1)).to_be_checked()
    assert first.locator(WHY).count() == 0, "walking through the options gives nothing away"

    # Check the wrong one, then the right one
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(first.locator(WHY)).to_contain_text("Not so.")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(first.locator(WHY)).to_contain_text("Right.")
    expect(page.get_by_text("0 of 1 exercises solved here. 1 of 3 questions answered right.")).to_be_visible()
    opened.picture("quiz")


def test_a_screen_reader_hears_question_options_and_reason(opened):
    """A radio button without a name in a group without a name says nothing but "not checked"."""
    page = opened.page
    group = page.get_by_role("group", name="three times the model's size")
    expect(group.get_by_role("radio", name="AdamW has two numbers for each weight.")).to_have_count(1)
    expect(page.locator(".quiz-question").nth(1).get_by_role("button", name="Check")).to_have_count(1)
    region = page.locator(".quiz-question").first.get_by_role("status")
    assert region.get_attribute("aria-live") == "polite" and "You said" in region.inner_text()


def test_nothing_is_cut_off_in_a_narrow_window(opened):
    """At 600 pixels, a long option has to go on in the next line."""
    wide = "() => Array.from(document.querySelectorAll('.quiz-question, .quiz-question label'))"
    assert opened.page.evaluate(f"{wide}.every(box => box.scrollWidth <= box.clientWidth + 1)") is True
    box = opened.page.locator(".quiz-question").first.bounding_box()
    assert box["x"] + box["width"] <= 600


def test_the_progress_follows_and_stays_when_the_page_is_loaded_again(opened):
    """The kernel keeps the answers: reloading must not bring back "0 of 3"."""
    page = opened.page
    opened.ask("check.one(1)")
    line = page.get_by_text("1 of 1 exercises solved here. 1 of 3 questions answered right.")
    expect(line).to_be_visible()
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    expect(line).to_be_visible(timeout=30_000)
    expect(page.locator(".quiz-question").first.locator(WHY)).to_contain_text("Right.")
