"""Protects a learner from a padding picture whose words, numbers and areas disagree."""

import numpy as np
import pytest
from seen import LENGTHS, Read

from helpers.data.padding import PADDING_STRATEGIES, padding_cost
from helpers.show.padding import PaddingExplorer

CUT = 0.2  # share of LENGTHS that reached 512


def test_it_opens_on_the_tutorials_recipe(padding):
    assert (padding.max_length.value, padding.batch_size.value, padding.padding.value) == (
        512,
        8,
        "max_length",
    )
    share = 1 - LENGTHS.sum() / (512 * len(LENGTHS))
    assert (
        f"{share:.1%} of the computed tokens" in padding.sentence()
        and "100.0% of the 15,360" in padding.sentence()
    )
    assert f"{CUT:.1%} of the texts are cut" in padding.sentence(), "those that reached the limit were"


@pytest.mark.parametrize("strategy", PADDING_STRATEGIES)
def test_every_control_changes_words_and_picture_at_once(padding, strategy):
    padding.padding.value = strategy
    for control, value in ((padding.max_length, 128), (padding.batch_size, 2)):
        words = padding.words.value
        picture = padding.image.value
        control.value = value
        assert padding.image.value != picture
        assert (padding.words.value != words) or (strategy == "max_length" and control is padding.batch_size)
    cost = padding_cost(LENGTHS, 2, strategy, 128)
    text = Read(padding.words.value).text
    assert f"{cost.padding_share:.1%} of the computed" in text and "40.0% of the texts are cut" in text
    assert (
        f"computes {cost.computed_tokens:,} tokens, {cost.computed_tokens / 15_360:.1%} of the 15,360" in text
    )


def test_a_review_of_just_max_length_is_not_cut(padding):
    padding.max_length.value = 64
    assert "50.0% of the texts are cut" in padding.sentence(), "five of ten are longer than 64, one is 64"


def test_the_meaning_of_the_chosen_padding_is_explained(padding):
    seen = set()
    for strategy in PADDING_STRATEGIES:
        padding.padding.value = strategy
        seen.add(Read(padding.meaning.value).text)
    assert len(seen) == 3


def test_the_controls_bear_the_libraries_names_whole(padding):
    controls = (padding.max_length, padding.batch_size, padding.padding)
    assert [control.description for control in controls] == [
        "max_length",
        "per_device_train_batch_size",
        "padding",
    ]
    assert all(control.style.description_width == "initial" for control in controls)


def test_no_batch_is_larger_than_the_data():
    panel = PaddingExplorer(np.array([5, 9, 12]))
    assert panel.batch_size.options == (1, 2) and panel.batch_size.value == 2


def test_the_picture_shows_real_tokens_below_computed_ones(padding):
    padding.padding.value = "longest"
    padding.max_length.value = 256
    figure = padding.picture()
    computed, real = (
        collection.get_paths()[0].vertices[:, 1].max() for collection in figure.axes[0].collections
    )
    assert computed == real == 256 and "first 4 batches" in figure.axes[0].get_xlabel()
