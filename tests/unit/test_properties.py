"""Protects a learner from the text, number or file that nobody thought of: hypothesis looks for it."""

import dataclasses
import json
import math
from html.parser import HTMLParser

import datasets
import ipywidgets as widgets
import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from helpers.data.columns import check_dataset, text_and_label
from helpers.data.padding import PADDING_STRATEGIES, batch_lengths, padding_cost
from helpers.judge.attribution import Attribution
from helpers.profiles import PROFILES, Profile
from helpers.show import review, shown
from helpers.show.lab.run_list import RunList
from helpers.show.review import ReviewTester
from helpers.show.tokens import TokenExplorer
from helpers.train.runs import Run

# The same examples every time (derandomize): a test that fails on Tuesdays teaches nobody.
settings.register_profile(
    "course",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("course")
datasets.disable_progress_bars()

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)  # what a file can hold
MARKUP = st.lists(
    st.sampled_from(
        [
            "<script>",
            "</div>",
            "<b",
            '">',
            "'>",
            "&lt;",
            "&#0;",
            "<!--",
            "-->",
            "<img src=x onerror=alert(1)>",
            "<",
            "&",
            "good ",
        ]
    )
    | TEXT,
    max_size=6,
).map("".join)
INT64 = st.integers(-(2**63), 2**63 - 1)


# Data

LABELS = st.one_of(
    *(
        st.lists(kind | st.none() if missing else kind, min_size=2, max_size=6)
        for kind in (
            st.integers(-2, 4),
            INT64,
            st.floats(),
            st.sampled_from(["a", "b", "", "1", "1 star"]),
            TEXT,
            st.booleans(),
            st.binary(max_size=3),
            st.datetimes(),
            st.lists(st.integers(0, 1), max_size=2),
            st.fixed_dictionaries({"x": st.integers(0, 1)}),
        )
        for missing in (False, True)
    )
)
NAMES = st.none() | st.lists(TEXT.filter(str.strip), min_size=2, max_size=5, unique=True).map(tuple)


@given(LABELS, NAMES, st.booleans())
def test_labels_become_integers_in_range_or_a_value_error(labels, names, cast):
    data = Dataset.from_dict({"text": ["good"] * len(labels), "label": labels})
    if cast:
        assume(all(type(label) is int and -1 <= label < 5 for label in labels))
        data = data.cast_column("label", ClassLabel(num_classes=5))
    profile = Profile(model="m", dataset="d", label_names=names, train_size=1, eval_size=1)
    try:
        prepared = text_and_label(DatasetDict(train=data, test=data), profile)["train"]
        count = prepared.features["label"].num_classes
        check_dataset(prepared, count)
    except ValueError as error:
        assert len(str(error)) > 40 and type(error) is ValueError, "the course's own, with advice"
        return
    assert len(set(prepared["label"])) > 1 and all(
        type(label) is int and 0 <= label < count for label in prepared["label"]
    )


@given(st.lists(TEXT | st.none(), min_size=1, max_size=6), LABELS, st.integers(1, 5))
def test_a_checked_dataset_has_texts_and_labels_only(texts, labels, num_labels):
    rows = min(len(texts), len(labels))
    data = Dataset.from_dict({"text": texts[:rows], "label": labels[:rows]})
    try:
        check_dataset(data, num_labels)
    except ValueError as error:
        assert len(str(error)) > 40 and type(error) is ValueError
        return
    assert all(text.strip() for text in data["text"])
    assert all(type(label) is int and 0 <= label < num_labels for label in data["label"])


# Padding

LENGTHS = st.lists(st.integers(0, 700), min_size=1, max_size=80).map(np.array)


@given(LENGTHS, st.integers(1, 90), st.integers(1, 512), st.integers(0, 2**32))
def test_each_row_is_batched_once_and_padding_only_adds(lengths, batch_size, max_length, seed):
    costs = {}
    for strategy in PADDING_STRATEGIES:
        batches = batch_lengths(lengths, batch_size, strategy, max_length, seed)
        assert sorted(np.concatenate(batches)) == sorted(lengths.clip(max=max_length))
        assert {len(batch) for batch in batches[:-1]} <= {batch_size} and 1 <= len(batches[-1]) <= batch_size
        cost = costs[strategy] = padding_cost(lengths, batch_size, strategy, max_length, seed)
        assert (
            cost.computed_tokens >= cost.real_tokens == lengths.clip(max=max_length).sum()
            and 0 <= cost.padding_share <= 1
        )
    assert costs["max_length"].computed_tokens == max_length * len(lengths)
    for strategy in ("longest", "group_by_length"):
        assert costs[strategy].computed_tokens <= costs["max_length"].computed_tokens


# Run

NUMBERS = st.floats() | st.none() | st.integers(-(2**53), 2**53)
ANY_TEXT = st.text(max_size=30)  # also halves of an emoji, as a browser can send them
POINT = st.fixed_dictionaries(
    {"step": st.integers(0, 10**9), "loss": NUMBERS, "epoch": NUMBERS, "learning_rate": NUMBERS}
)
EVALUATION = st.fixed_dictionaries({"step": st.integers(0, 10**9), "eval_loss": NUMBERS, "accuracy": NUMBERS})
# A Run writes these words for the numbers that JSON lacks.
WORD = ANY_TEXT.filter(lambda text: text not in ("nan", "inf", "-inf"))
SETTINGS = st.dictionaries(
    ANY_TEXT, WORD | NUMBERS | st.booleans() | st.lists(NUMBERS, max_size=2), max_size=4
)
JSON = st.recursive(
    NUMBERS | ANY_TEXT | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


def same(one, other):
    """Compare two values. A NaN equals a NaN, too."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return both_nan or (type(one) is type(other) and one == other)


@given(
    st.builds(
        Run,
        name=ANY_TEXT,
        settings=SETTINGS,
        history=st.lists(POINT, max_size=3),
        evaluations=st.lists(EVALUATION, max_size=2),
        status=st.sampled_from(["new", "running", "finished", "stopped", "failed"]),
        message=ANY_TEXT,
        seconds=st.floats(0, 1e6),
    )
)
@example(
    Run(
        "x",
        {"max_grad_norm": math.inf, "betas": [math.nan]},
        [{"step": 1, "loss": math.nan}],
        [{"step": 1, "eval_loss": math.inf}],
    )
)
@settings(max_examples=200)
def test_a_run_comes_back_as_it_was_saved(tmp_path, run):
    path = run.save(tmp_path / "run.json")
    json.loads(
        path.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(f"{name} is not JSON")
    )
    assert same(dataclasses.asdict(Run.load(path)), dataclasses.asdict(run))


def load(path, content):
    """Return a Run or None. Any error fails the test, but for a ValueError that names the file."""
    path.write_bytes(content)
    try:
        return Run.load(path)
    except ValueError as error:
        assert str(path) in str(error)
        return None


@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
def test_any_file_is_a_run_or_a_value_error_that_names_it(tmp_path, content):
    assert load(tmp_path / "run.json", content) is None


@given(
    st.fixed_dictionaries(
        {"name": JSON, "history": JSON, "evaluations": JSON},
        optional={
            "settings": JSON,
            "status": JSON,
            "message": JSON,
            "seconds": JSON,
            "more": JSON,
        },
    )
    | st.fixed_dictionaries(
        {"name": JSON, "history": st.lists(JSON, max_size=2), "evaluations": st.lists(JSON, max_size=2)}
    )
)
@example({"name": "x", "history": ["a"], "evaluations": []})
def test_any_json_of_a_runs_shape_is_a_run_or_a_value_error(tmp_path, fields):
    run = load(tmp_path / "run.json", json.dumps(fields).encode())
    assert run is None or same(run.name, fields["name"])


# Profile

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    ANY_TEXT,
    st.lists(ANY_TEXT, max_size=3),
    st.tuples(ANY_TEXT, ANY_TEXT),
    st.dictionaries(ANY_TEXT, ANY_TEXT | st.none(), max_size=2),
    st.sampled_from(["x" * 300, "../..", "a\x00b", "/etc", "~", "."]),
)
FIELDS = [field.name for field in dataclasses.fields(Profile)]


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, min_size=1, max_size=3))
@example({"model": "x" * 300})
@example({"dataset": "a\x00b"})
@settings(max_examples=300)
def test_a_profile_is_usable_or_a_value_error_names_the_field(tmp_path, changes):
    try:
        profile = dataclasses.replace(PROFILES["offline"], **changes)
    except ValueError as error:
        assert any(f"Profile.{name} " in str(error) for name in changes), error
        return
    assert list(range(profile.train_size))[:0] == [] and math.isfinite(profile.learning_rate)
    folder = (tmp_path / profile.key).resolve()
    assert folder.parent == tmp_path.resolve() and "\x00" not in profile.key, (
        "what belongs to it stays in its folder"
    )


# HTML

ALLOWED = {"div", "span", "b"}


class Parsed(HTMLParser):
    """Read elements, their attributes' names, and the text, as a browser sees them."""

    def __init__(self, markup):
        super().__init__()
        self.elements = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, tuple(name for name, _ in attributes)))

    def handle_endtag(self, tag):
        assert tag in ALLOWED

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data!r}")

    handle_decl = handle_pi = unknown_decl = handle_comment

    def handle_data(self, data):
        self.text += data


def only_its_own(markup):
    """Check that only the widgets' own elements and attributes are there, and return the text shown."""
    parsed = Parsed(markup)
    for tag, attributes in parsed.elements:
        assert tag in ALLOWED and set(attributes) <= {"style", "title", "aria-hidden"}, (tag, attributes)
    return parsed.text


def html_of(panel):
    return "".join(child.value for child in panel.widget.children if isinstance(child, widgets.HTML))


@pytest.fixture(scope="module")
def panels(tokenizer):
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    model = BertForSequenceClassification(
        BertConfig(vocab_size=len(tokenizer), id2label=dict(enumerate(("<b>bad", "\" good & '"))), **sizes)
    )
    rule = Tokenizer(
        WordLevel(
            {word: i for i, word in enumerate(["[UNK]", "<script>", "<b", "<img", "</div>", "<!--"])},
            unk_token="[UNK]",
        )
    )
    rule.pre_tokenizer = WhitespaceSplit()  # BERT takes markup apart, and so hides what is not escaped
    whole_words = PreTrainedTokenizerFast(tokenizer_object=rule, unk_token="[UNK]")
    return [
        ReviewTester(model, tokenizer, "good"),
        TokenExplorer(tokenizer, "good"),
        TokenExplorer(whole_words, "good"),
    ]


@given(MARKUP | ANY_TEXT)
@example("<script> <b <img </div> <!-- good")
@settings(max_examples=100)
def test_what_is_typed_never_becomes_markup_and_never_stops_a_panel(panels, text):
    for panel in panels:
        panel.text.value = ""
        panel.text.value = text
        only_its_own(html_of(panel))
    assert only_its_own(panels[0].marked.value).startswith(text) or not panels[0].marked.value


@given(st.lists(MARKUP, min_size=1, max_size=4), st.data())
def test_words_and_labels_never_become_markup(words, data):
    """This tokenizer's words may be anything, like those of one that splits only at spaces."""
    scores = np.array(data.draw(st.lists(st.floats(-5, 5), min_size=len(words), max_size=len(words))))
    answer = Attribution(words, scores, np.array([0.25, 0.75]), 1)
    assert only_its_own(review._marked(" ".join(words), answer)).startswith(" ".join(words))
    assert words[0] in only_its_own(review.probability_bars(answer.probabilities, [words[0], "x"]))
    assert only_its_own(shown.faded(words[0])) == words[0]


@given(
    MARKUP, st.dictionaries(st.sampled_from(["learning_rate", "seed"]), MARKUP | NUMBERS, min_size=1), MARKUP
)
def test_a_saved_runs_words_never_become_markup(name, changed, status):
    rows = RunList(["learning_rate", "seed"], lambda: None, lambda run: None)
    for run in (Run(name, changed, status=status), Run("other", {"learning_rate": 1, "seed": "2"})):
        rows.add(run)
    texts = [only_its_own(row.children[1].value) for row in rows.box.children]
    assert status == "finished" or status in texts[0]
