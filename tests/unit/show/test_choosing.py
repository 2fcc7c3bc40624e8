"""Protects a learner from a slider whose sentence and picture say different things."""

import numpy as np
import pytest

from helpers.judge import power, rows_needed
from helpers.show import ChoosingExplorer, RowsExplorer


@pytest.fixture
def choosing():
    return ChoosingExplorer(np.random.default_rng(0).random((20, 2_000)) < 0.6, "seed")


def test_it_opens_on_twenty_trainings_and_two_hundred_rows(choosing):
    assert (choosing.tries.value, choosing.rows.value) == (20, 200)
    assert "The best of 20 on 200 rows has 0.6" in choosing.sentence()
    assert "seed" in choosing.widget.children[1].value


def fall(explorer):
    return float(explorer.sentence().partition("falls by ")[2].partition(" on average")[0])


def test_more_rows_flatter_less_and_more_tries_more(choosing):
    """The text asks the learner to find this out."""
    before = fall(choosing)
    choosing.rows.value = 1_000
    assert fall(choosing) < before / 1.5
    choosing.rows.value = 200
    choosing.tries.value = 2
    assert 0 < fall(choosing) < before / 1.5


def test_every_slider_changes_words_and_picture(choosing):
    for explorer in (choosing, RowsExplorer()):
        for child in explorer.widget.children[:-2:2]:
            words, picture = explorer.words.value, explorer.image.value
            child.value = child.max if child.value != child.max else child.min
            assert explorer.words.value != words and explorer.image.value != picture


def test_at_least_half_of_the_rows_are_left_to_judge():
    explorer = ChoosingExplorer(np.ones((3, 300), dtype=bool), "seed", rows=200)
    assert explorer.rows.value == explorer.rows.max == 150 and explorer.tries.max == 3


def test_the_rows_that_it_takes_are_the_formulas():
    explorer = RowsExplorer(0.02, 0.2)
    assert f"It takes {rows_needed(0.02, 0.2):,} rows" in explorer.sentence()
    assert f"With 1,000 rows, one finds it in {power(1_000, 0.02, 0.2):.0%}" in explorer.sentence()


def test_no_place_of_the_sliders_is_impossible():
    """A difference above the disagreement would end in an error that the learner cannot see."""
    explorer = RowsExplorer()
    explorer.difference.value = explorer.difference.max
    explorer.disagreement.value = explorer.disagreement.min
    assert "It takes" in explorer.sentence()
