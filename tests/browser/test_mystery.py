"""Protects a learner from a mystery fault that cannot be solved to its end, by keyboard too."""

import re

import pytest
from playwright.sync_api import expect

from helpers.learn.faults import FAULTS

CELLS = [
    """
import sys
sys.path.insert(0, "..")
import helpers
from helpers.data import load_config, load_reviews, load_tokenizer
from helpers.learn.mystery import MysteryFault
from helpers.profiles import PROFILES
from transformers import AutoModelForSequenceClassification, logging, set_seed

logging.set_verbosity_error()
logging.disable_progress_bar()
profile = PROFILES["offline"]
reviews = load_reviews(profile)
config = load_config(profile, num_labels=5)

def new_model(seed):
    set_seed(seed)
    return AutoModelForSequenceClassification.from_pretrained(profile.model, config=config)
""",
    """
mystery = MysteryFault(
    new_model, reviews, load_tokenizer(profile), profile.learning_rate, seed=1, rows=64, epochs=2
)
mystery
""",
]
PANEL = "mystery = MysteryFault("


@pytest.fixture(scope="module")
def panel(lab):
    lab.put("mystery.ipynb", CELLS)
    lab.open("mystery.ipynb")
    lab.run_all()
    return lab.cell(PANEL)


def button(panel, name):
    return panel.get_by_role("button", name=name, exact=True)


def press(page, control, key):
    """Use a control as somebody without a mouse does."""
    control.focus()
    page.keyboard.press(key)


def test_a_fault_is_found_by_keyboard_from_start_to_end(lab, panel):
    """Start, look, ask, a wrong answer, the right one, and the next fault."""
    page = lab.page
    assert lab.ask("mystery.evidence is None") and button(panel, "Check").count() == 0
    press(page, button(panel, "Start a training with a fault"), "Enter")
    expect(panel.get_by_text("Something is wrong with this training")).to_be_visible(timeout=90_000)
    fault = lab.ask("mystery._fault")
    name = FAULTS[fault]
    expect(panel.locator('img[alt*="mystery 1"]').first).to_be_visible()

    # A question
    press(page, button(panel, "Gradient norm"), "Enter")
    expect(panel.locator('img[alt*="gradient norm over the steps"]')).to_be_visible()
    expect(panel.get_by_text("One question so far.")).to_be_visible()

    # A wrong answer gets a hint, and may be changed
    wrong = "a frozen body" if fault != "frozen" else "shuffled labels"
    press(page, panel.get_by_role("radio", name=f"{wrong}:"), " ")
    press(page, button(panel, "Check"), "Enter")
    expect(panel.get_by_text(f"It is not {wrong}.")).to_be_visible()
    assert all(name not in text for text in panel.get_by_role("status").all_inner_texts())

    # The right one is explained with the learner's own curves
    press(page, panel.get_by_role("radio", name=f"{name}:"), " ")
    press(page, button(panel, "Check"), "Enter")
    expect(panel.get_by_text(f"Right: {name}.")).to_be_visible()
    expect(panel.locator('img[alt*="An arrow points at"]')).to_be_visible()
    expect(panel.get_by_text(re.compile("Solved: 1 of 6"))).to_be_visible()
    lab.picture("mystery-solved")

    # The next one, without the healthy training
    button(panel, "Next fault").click()
    expect(panel.locator('img[alt*="mystery 2"]').first).to_be_visible(timeout=60_000)
    assert lab.ask("mystery._fault") != fault and panel.get_by_text("Right:").count() == 0


def test_a_narrow_page_cuts_nothing_off(lab, panel):
    lab.page.set_viewport_size({"width": 600, "height": 1000})
    for name in ("Rows as the model sees them", "Accuracy on rows that nothing used"):
        button(panel, name).click()
    expect(panel.get_by_role("columnheader", name="what the model reads")).to_be_visible()
    output = panel.locator(
        ".jp-OutputArea-output .widget-vbox, .jp-OutputArea-output .widget-inline-vbox"
    ).first
    wide = output.evaluate("box => [box.scrollWidth, box.clientWidth]")
    assert wide[0] <= wide[1], wide
    lab.picture("mystery-600")
    lab.page.set_viewport_size({"width": 1200, "height": 1000})
