"""Protects a learner who brings data from sentences that are only true of stars."""

import pytest
from own_sets import check, executed, saved

from helpers.start.places import choose_runs_folder


@pytest.fixture(scope="module")
def seven(tmp_path_factory):
    """Save a set of seven classes without an order."""
    runs = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINETUNE_RUNS", str(runs))
        choose_runs_folder()
        yield saved("seven"), runs
    choose_runs_folder()


@pytest.mark.parametrize("number", [1, 2])
def test_a_notebook_is_true_of_seven_classes_without_an_order(seven, number):
    """Notebook 6 runs on this set in test_execute.py, notebook 3 in own_sets.py."""
    mine, runs = seven
    check(number, executed(number, "seven", runs), mine, "seven")
