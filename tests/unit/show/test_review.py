"""Protects a learner from an answer, a bar or a marked word that is not the model's."""

import re
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure
from seen import HOSTILE, LABELS, Read

from helpers.judge.attribution import Attribution
from helpers.show import review
from helpers.show.review import ReviewTester


def test_typing_changes_the_answer(tester):
    before = tester.bars.value, tester.marked.value, tester.words.value
    tester.text.value = "The lasagna was bad and we left."
    assert all(
        old != new for old, new in zip(before, (tester.bars.value, tester.marked.value, tester.words.value))
    )
    assert Read(tester.marked.value).text.startswith("The lasagna was bad and we left.")


def test_every_class_has_its_bar_and_probability(tester):
    read = Read(tester.bars.value)
    for label, probability in zip(LABELS, tester._answer.probabilities):
        assert f"{label}{probability:.1%}" in read.text and f"width:{probability:.1%}" in tester.bars.value
    assert tester.bars.value.count("bold") == 2, "the answer's name and number"


def test_the_strongest_words_are_named_with_their_direction(tester):
    tester.text.value = "The lasagna was bad and we left early ."
    answer = tester._answer
    sentence = tester.sentence()
    towards, against = re.fullmatch(r"(.*); against: (.*)\.", sentence).groups()
    assert f"{LABELS[answer.predicted]} ({answer.probabilities.max():.0%})" in sentence
    most = answer.scores.argmax()
    least = answer.scores.argmin()
    assert answer.scores[most] > 0 > answer.scores[least]
    assert f": “{answer.words[most]}” (+" in towards and against.startswith(f"“{answer.words[least]}” (−")


def test_words_are_marked_by_direction_and_strength(tester):
    tester.text.value = "The lasagna was bad and we left early ."
    strongest = np.abs(tester._answer.scores).argmax()
    for word, score in zip(tester._answer.words, tester._answer.scores):
        style = re.search(rf'style="([^"]*)">{re.escape(word)}<', tester.marked.value).group(1)
        assert ("rgba(0,114,178" in style) == (score > 0)
        assert ("dashed" if score > 0 else "solid") not in style
    style = re.search(
        rf'style="([^"]*)">{re.escape(tester._answer.words[strongest])}<', tester.marked.value
    ).group(1)
    assert "0.65)" in style and "border-bottom" in style


@pytest.mark.parametrize("text", ["", "  \n", "\u200b"])
def test_an_empty_review_gives_a_hint_and_typing_goes_on(tester, text):
    tester.text.value = text
    assert (tester.bars.value, tester.marked.value) == ("", "") and "Write a text" in tester.words.value
    assert isinstance(tester.picture(), Figure) and tester.picture()._repr_png_()
    tester.text.value = "bad"
    assert "“bad”" in tester.sentence()


def test_it_can_start_empty(model, tokenizer):
    assert "Write a text" in ReviewTester(model, tokenizer, "").sentence()


@pytest.mark.parametrize(
    ("seconds", "live", "says"), [(0.01, True, "as you type"), (0.3, False, "when you leave the field")]
)
def test_it_follows_every_key_only_where_the_model_is_fast(
    model, tokenizer, monkeypatch, seconds, live, says
):
    monkeypatch.setattr(ReviewTester, "_seconds", lambda self: seconds)
    panel = ReviewTester(model, tokenizer)
    assert panel.text.continuous_update is live and says in panel.when.value


def test_the_second_answer_is_what_is_measured(tester, monkeypatch):
    times = iter([0.0, 9.0, 9.5])  # began, began again, ended
    monkeypatch.setattr(review.time, "perf_counter", lambda: next(times))
    assert tester._seconds() == 0.5


def test_what_lies_beyond_the_models_limit_is_shown_faded_and_said(tester):
    """Nothing distinguished the words that the model had read from those that it had not."""
    tester.text.value = "good " * 600 + "unread"
    assert "The text is too long for the model: it read 2,549 of 3,006 characters." in tester.sentence()
    assert (
        tester.marked.value.count(">good<") == 510
        and "unread" in tester.marked.value
        and ">unread<" not in tester.marked.value
    )


def test_the_picture_holds_probabilities_and_words(tester):
    tester.text.value = HOSTILE
    left, right = tester.picture().axes
    np.testing.assert_allclose(
        [bar.get_width() for bar in left.patches], tester._answer.probabilities, rtol=1e-6
    )
    assert len(right.patches) == 6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tester.picture()._repr_png_()


@pytest.mark.parametrize("word", ["<b>", "<script>", "x", "</b>"])
def test_the_marked_review_is_text_whatever_counts_as_a_word(word):
    text = "<b> <script> x </b> <u>"
    read = Read(review._marked(text, Attribution([word], np.array([1.0]), np.array([1.0]), 0)))
    assert read.text.startswith(text) and set(read.tags) == {"div", "span"}
