"""The panels without a browser: change a value as the front end would, and read what is shown."""

import io
import re
import warnings
from base64 import b64decode
from html.parser import HTMLParser
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.image import imread
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

from helpers.attribution import Attribution
from helpers.data import PADDING_STRATEGIES, padding_cost
from helpers.profiles import PROFILES
from helpers.widgets import review, shown
from helpers.widgets.padding import PaddingExplorer
from helpers.widgets.review import ReviewTester
from helpers.widgets.tokens import TokenExplorer

HOSTILE = "<script>alert(1)</script> <b>bold</b> \"double\" 'single' & $x_1$ good"
LABELS = ("1 star", "2 <b>stars</b>", "3 & more", '4 "stars"', "5 stars $x")
LENGTHS = np.array([10, 20, 30, 40, 100, 200, 400, 512, 512, 64] * 3)
CUT = 0.2  # share of LENGTHS that reached 512


class Read(HTMLParser):
    """What a browser makes of it: the tags, and the text that is seen."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.text, self.titles = [], "", []
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        assert {name for name, _ in attributes} <= {"style", "title"}
        self.tags.append(tag)
        self.titles += [value for name, value in attributes if name == "title"]

    def handle_data(self, data):
        self.text += data


def shown_html(panel):
    return "".join(child.value for child in panel.widget.children if isinstance(child, widgets.HTML))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    return AutoModelForSequenceClassification.from_pretrained(PROFILES["offline"].model, num_labels=5, id2label=dict(enumerate(LABELS)))


@pytest.fixture
def tokens(tokenizer):
    return TokenExplorer(tokenizer, "good")


@pytest.fixture
def padding():
    return PaddingExplorer(LENGTHS)


@pytest.fixture
def tester(model, tokenizer):
    return ReviewTester(model, tokenizer, "good")


# TokenExplorer


def test_each_token_is_shown_with_its_id(tokens, tokenizer):
    tokens.text.value = "The lasagna was unforgettable"
    read = Read(tokens.tokens.value)
    for token, number in zip(*(lambda e: (e.tokens(), e["input_ids"]))(tokenizer(tokens.text.value))):
        assert f"{token}{number}" in read.text
    assert tokens.sentence() == "4 words became 4 pieces, beside [CLS] [SEP]; none was split; none is unknown."
    assert tokens.sentence() in Read(tokens.words.value).text


def test_the_pieces_of_a_split_word_are_framed_and_named(tokens):
    tokens.text.value = "two zebras"
    assert "2 words became 5 pieces" in tokens.sentence() and "1 split: zebras → z ##eb ##ra ##s" in tokens.sentence()
    assert tokens.tokens.value.count("border:2px solid") == 1 and "one word, 4 pieces: zebras" in Read(tokens.tokens.value).titles


def test_an_unknown_word_shows_what_was_typed_and_stands_out_without_colour(tokens):
    assert "dashed" not in tokens.tokens.value
    tokens.text.value = "good 😀 <"
    read = Read(tokens.tokens.value)
    assert "unknown: 😀" in read.text and "unknown: <" in read.text and tokens.tokens.value.count("dashed") == 2
    assert "1 word and 2 signs became 3 pieces" in tokens.sentence() and "2 unknown: 😀, <." in tokens.sentence()


def test_special_tokens_are_no_words_also_where_they_were_typed(tokens):
    tokens.text.value = "good [SEP] food"
    assert tokens.sentence().startswith("2 words became 2 pieces, beside [CLS] [SEP] [SEP]")


def test_an_empty_field_gives_a_hint(tokens):
    tokens.text.value = " "
    assert "no word yet" in tokens.sentence() and "[CLS]" in tokens.tokens.value
    assert isinstance(tokens.picture(), Figure)


def test_a_long_text_shows_its_start_and_says_what_would_be_cut(tokens):
    tokens.text.value = "good " * 600
    assert tokens.tokens.value.count(">good<") == 199, "[CLS] is the 200th"
    assert "and 402 more pieces" in tokens.tokens.value
    assert "The model takes 512 pieces: the last 90 would be cut." in tokens.sentence()
    assert len([text for text in tokens.picture().texts if text.get_text() == "good"]) == 199


def test_the_picture_holds_tokens_and_ids_and_draws_any_character(tokens):
    tokens.text.value = "zebras 好 $x$"
    drawn = [text.get_text() for text in tokens.picture().texts]
    assert {"[CLS]", "z", "##eb", "[UNK]", "$", "[SEP]"} <= set(drawn) and str(tokens.tokenizer.convert_tokens_to_ids("##eb")) in drawn
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokens.picture()._repr_png_()


def test_tokens_need_a_fast_tokenizer():
    with pytest.raises(ValueError, match="fast tokenizer"):
        TokenExplorer(SimpleNamespace(is_fast=False))


# PaddingExplorer


def test_it_opens_on_the_tutorials_recipe(padding):
    assert (padding.max_length.value, padding.batch_size.value, padding.padding.value) == (512, 8, "max_length")
    share = 1 - LENGTHS.sum() / (512 * len(LENGTHS))
    assert f"{share:.1%} of the computed tokens" in padding.sentence() and "100.0% of the 15,360" in padding.sentence()
    assert f"{CUT:.1%} of the reviews are cut" in padding.sentence(), "those that reached the limit were"


@pytest.mark.parametrize("strategy", PADDING_STRATEGIES)
def test_every_control_changes_words_and_picture_at_once(padding, strategy):
    padding.padding.value = strategy
    for control, value in ((padding.max_length, 128), (padding.batch_size, 2)):
        words, picture = padding.words.value, padding.image.value
        control.value = value
        assert padding.image.value != picture
        assert (padding.words.value != words) or (strategy == "max_length" and control is padding.batch_size)
    cost = padding_cost(LENGTHS, 2, strategy, 128)
    text = Read(padding.words.value).text
    assert f"{cost.padding_share:.1%} of the computed" in text and "40.0% of the reviews are cut" in text
    assert f"computes {cost.computed_tokens:,} tokens, {cost.computed_tokens / 15_360:.1%} of the 15,360" in text


def test_a_review_of_just_max_length_is_not_cut(padding):
    padding.max_length.value = 64
    assert "50.0% of the reviews are cut" in padding.sentence(), "five of ten are longer than 64, one is 64"


def test_the_meaning_of_the_chosen_padding_is_explained(padding):
    seen = set()
    for strategy in PADDING_STRATEGIES:
        padding.padding.value = strategy
        seen.add(Read(padding.meaning.value).text)
    assert len(seen) == 3


def test_the_controls_bear_the_libraries_names_whole(padding):
    controls = (padding.max_length, padding.batch_size, padding.padding)
    assert [control.description for control in controls] == ["max_length", "per_device_train_batch_size", "padding"]
    assert all(control.style.description_width == "initial" for control in controls)


def test_no_batch_is_larger_than_the_data():
    panel = PaddingExplorer(np.array([5, 9, 12]))
    assert panel.batch_size.options == (1, 2) and panel.batch_size.value == 2


def test_the_picture_shows_real_tokens_below_computed_ones(padding):
    padding.padding.value, padding.max_length.value = "longest", 256
    figure = padding.picture()
    computed, real = (collection.get_paths()[0].vertices[:, 1].max() for collection in figure.axes[0].collections)
    assert computed == real == 256 and "first 4 batches" in figure.axes[0].get_xlabel()


# ReviewTester


def test_typing_changes_the_answer(tester):
    before = tester.bars.value, tester.marked.value, tester.words.value
    tester.text.value = "The lasagna was bad and we left."
    assert all(old != new for old, new in zip(before, (tester.bars.value, tester.marked.value, tester.words.value)))
    assert Read(tester.marked.value).text.startswith("The lasagna was bad and we left.")


def test_every_class_has_its_bar_and_probability(tester):
    read = Read(tester.bars.value)
    for label, probability in zip(LABELS, tester._answer.probabilities):
        assert f"{label}{probability:.1%}" in read.text and f"width:{probability:.1%}" in tester.bars.value
    assert tester.bars.value.count("bold") == 2, "the answer's name and number"


def test_the_strongest_words_are_named_with_their_direction(tester):
    tester.text.value = "The lasagna was bad and we left early ."
    answer, sentence = tester._answer, tester.sentence()
    towards, against = re.fullmatch(r"(.*); against: (.*)\.", sentence).groups()
    assert f"{LABELS[answer.predicted]} ({answer.probabilities.max():.0%})" in sentence
    most, least = answer.scores.argmax(), answer.scores.argmin()
    assert answer.scores[most] > 0 > answer.scores[least]
    assert f": “{answer.words[most]}” (+" in towards and against.startswith(f"“{answer.words[least]}” (−")


def test_words_are_marked_by_direction_and_strength(tester):
    tester.text.value = "The lasagna was bad and we left early ."
    strongest = np.abs(tester._answer.scores).argmax()
    for word, score in zip(tester._answer.words, tester._answer.scores):
        style = re.search(rf'style="([^"]*)">{re.escape(word)}<', tester.marked.value).group(1)
        assert ("rgba(0,114,178" in style) == (score > 0)
        assert ("dashed" if score > 0 else "solid") not in style
    style = re.search(rf'style="([^"]*)">{re.escape(tester._answer.words[strongest])}<', tester.marked.value).group(1)
    assert "0.65)" in style and "border-bottom" in style


@pytest.mark.parametrize("text", ["", "  \n", "\u200b"])
def test_an_empty_review_gives_a_hint_and_typing_goes_on(tester, text):
    tester.text.value = text
    assert (tester.bars.value, tester.marked.value) == ("", "") and "Write a review" in tester.words.value
    assert isinstance(tester.picture(), Figure) and tester.picture()._repr_png_()
    tester.text.value = "bad"
    assert "“bad”" in tester.sentence()


def test_it_can_start_empty(model, tokenizer):
    assert "Write a review" in ReviewTester(model, tokenizer, "").sentence()


@pytest.mark.parametrize(("seconds", "live", "says"), [(0.01, True, "as you type"), (0.3, False, "when you leave the field")])
def test_it_follows_every_key_only_where_the_model_is_fast(model, tokenizer, monkeypatch, seconds, live, says):
    monkeypatch.setattr(ReviewTester, "_seconds", lambda self: seconds)
    panel = ReviewTester(model, tokenizer)
    assert panel.text.continuous_update is live and says in panel.when.value


def test_the_second_answer_is_what_is_measured(tester, monkeypatch):
    times = iter([0.0, 9.0, 9.5])  # began, began again, ended
    monkeypatch.setattr(review.time, "perf_counter", lambda: next(times))
    assert tester._seconds() == 0.5


def test_what_lies_beyond_the_models_limit_is_shown_faded_and_said(tester):
    """Nothing told the words that the model had read from those that it had not."""
    tester.text.value = "good " * 600 + "unread"
    assert "The text is too long for the model: it read 2,549 of 3,006 characters." in tester.sentence()
    assert tester.marked.value.count(">good<") == 510 and "unread" in tester.marked.value and ">unread<" not in tester.marked.value


def test_the_picture_holds_probabilities_and_words(tester):
    tester.text.value = HOSTILE
    left, right = tester.picture().axes
    np.testing.assert_allclose([bar.get_width() for bar in left.patches], tester._answer.probabilities, rtol=1e-6)
    assert len(right.patches) == 6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tester.picture()._repr_png_()


# All of them


def test_what_is_typed_is_text_and_never_markup(tokens, tester):
    for panel in (tokens, tester):
        panel.text.value = "good"
        allowed = set(Read(shown_html(panel)).tags)
        panel.text.value = HOSTILE
        read = Read(shown_html(panel))
        assert set(read.tags) <= allowed and "script" not in read.tags
        assert "<script" not in shown_html(panel) and "<b>" not in tester.marked.value
    assert HOSTILE in Read(tester.marked.value).text
    assert "2 <b>stars</b>" in Read(tester.bars.value).text


def test_words_that_are_markup_as_a_whole_are_text_too():
    """BERT takes "<b>" apart. A tokenizer that splits at spaces only does not."""
    rule = Tokenizer(WordLevel({"[UNK]": 0, "<b>": 1}, unk_token="[UNK]"))
    rule.pre_tokenizer = WhitespaceSplit()
    panel = TokenExplorer(PreTrainedTokenizerFast(tokenizer_object=rule, unk_token="[UNK]"), "<b> <script>")
    assert {"b", "script"}.isdisjoint(Read(panel.tokens.value.replace("<b style", "<i style")).tags)
    assert "<b>1" in Read(panel.tokens.value).text and "unknown: <script>" in Read(panel.tokens.value).text


@pytest.mark.parametrize("word", ["<b>", "<script>", "x", "</b>"])
def test_the_marked_review_is_text_whatever_counts_as_a_word(word):
    text = "<b> <script> x </b> <u>"
    read = Read(review._marked(text, Attribution([word], np.array([1.0]), np.array([1.0]), 0)))
    assert read.text.startswith(text) and set(read.tags) == {"div", "span"}


@pytest.mark.parametrize("name", ["tokens", "padding", "tester"])
def test_the_bundle_holds_a_panel_a_picture_and_words(name, request, monkeypatch, capsys):
    panel, published = request.getfixturevalue(name), []
    monkeypatch.setattr(shown, "display", lambda bundle, **options: published.append((bundle, options)))
    panel._ipython_display_()
    ((bundle, options),) = published
    assert options["raw"] is True and set(bundle) == {"text/plain", "image/png", shown.WIDGET_VIEW}
    assert bundle["text/plain"] == panel.sentence() and capsys.readouterr().out == f"When this cell ran: {panel.sentence()}\n"
    assert bundle[shown.WIDGET_VIEW]["model_id"] == panel.widget.model_id
    assert imread(io.BytesIO(b64decode(bundle["image/png"]))).std() > 0, "something is drawn"
    assert isinstance(panel.picture(), Figure)
