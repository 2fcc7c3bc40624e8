"""Protects a learner from odd data: it is refused in one sentence, or trained on like any other."""

import dataclasses
from html.parser import HTMLParser

import pandas
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Value, load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding

from helpers.data.columns import check_dataset, text_and_label
from helpers.profiles import PROFILES
from helpers.show.review import ReviewTester
from helpers.show.tokens import TokenExplorer

pytestmark = pytest.mark.faults

OFFLINE = dataclasses.replace(PROFILES["offline"], train_size=2, eval_size=2)
NAMES = ("bad", "good")
SURVIVABLE = {
    "100,000 characters": "The lasagna was good. " * 4546,
    "100,000 characters without a space": "good" * 25_000,
    "emoji": "😀👩‍👩‍👧‍👦🏳️‍🌈🇩🇪 1️⃣ great 👍🏽",
    "right to left": "الطعام كان ممتازا وسنعود قريبا. האוכל היה מצוין",
    "mixed scripts": "Good טוב 很好 добре καλό ดี अच्छा \u202egnitirw\u202c e\u0301",
    "NUL characters": "good\x00food\x00",
    "only a NUL character": "\x00",
    "control characters": "a\x01\x02\x1b[31m\x7f\x85\u2028\ufeff\uffff\ufffd",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)> & 'single' \"double\"",
    "one character": "x",
    "only signs": "!?!?",
    "special tokens": "[CLS] [PAD] [MASK] [SEP]",
    "thousand combining signs": "e" + "\u0301" * 1000,
}


class Text(HTMLParser):
    """Read what a browser shows of some markup."""

    def __init__(self, markup):
        super().__init__()
        self.text = ""
        self.feed(markup)

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(OFFLINE.model, model_max_length=OFFLINE.max_length)


@pytest.fixture
def model():
    return AutoModelForSequenceClassification.from_pretrained(
        OFFLINE.model, num_labels=2, id2label=dict(enumerate(NAMES))
    )


def splits(texts=("good", "bad", "fine", "poor"), labels=("good", "bad", "good", "bad")):
    train = Dataset.from_dict({"text": list(texts), "label": list(labels)})
    return DatasetDict(train=train, test=train.select(range(min(2, len(train)))))


def one_step(model, tokenizer, dataset):
    """Let the model take a step on one batch, as in notebook 3, and return the batch's loss."""
    tokenized = dataset.map(
        lambda batch: tokenizer(batch["text"], truncation=True), batched=True, remove_columns="text"
    )
    batch = DataCollatorWithPadding(tokenizer)([tokenized[i] for i in range(len(tokenized))])
    loss = model(**batch).loss
    loss.backward()
    torch.optim.AdamW(model.parameters(), lr=OFFLINE.learning_rate).step()
    return loss.item()


@pytest.mark.parametrize("kind", ["memory", "csv", "jsonl", "parquet"])
def test_odd_texts_arrive_whole_from_every_kind_of_file_and_can_be_trained_on(
    tmp_path, tokenizer, model, kind
):
    """A reader may stop at a NUL. A tokenizer may make a row without tokens. The learner would only see a
    model that learns badly.
    """
    # pandas 2 ends a field of a CSV file at a NUL
    keeps_nul = kind != "csv" or int(pandas.__version__.partition(".")[0]) >= 3
    texts = [text for text in SURVIVABLE.values() if keeps_nul or "\0" not in text]
    data = splits(texts, [NAMES[i % 2] for i in range(len(texts))])
    if kind != "memory":
        for split, rows in data.items():
            getattr(rows, {"csv": "to_csv", "parquet": "to_parquet", "jsonl": "to_json"}[kind])(
                tmp_path / f"{split}.{kind}"
            )
        data = load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    prepared = text_and_label(data, OFFLINE)["train"]
    assert check_dataset(prepared, num_labels=2) is None
    assert prepared["text"][:] == texts
    before = model.classifier.weight.clone()
    loss = one_step(model, tokenizer, prepared)
    after = [parameter.isfinite().all() for parameter in model.parameters()]
    assert 0 < loss < 10 and all(after) and not torch.equal(before, model.classifier.weight)


@pytest.mark.parametrize("text", SURVIVABLE.values(), ids=SURVIVABLE)
def test_odd_texts_are_shown_whole(tokenizer, model, text):
    tester = ReviewTester(model, tokenizer, text)
    explorer = TokenExplorer(tokenizer, text)
    for panel in (tester, explorer):
        assert panel.text.value == text and panel.sentence() and panel.picture()
    if tester.marked.value:
        assert Text(tester.marked.value).text.startswith(text), "the review is there, cut or not"
    else:
        assert "Write a text" in tester.sentence(), "what has no word gets the hint"
    assert "[CLS]" in Text(explorer.tokens.value).text


WHEN_LOADED = {
    "missing label": (
        splits(labels=("good", None, "bad", "good")),
        {},
        r"'train' have no label \(None\).*row\['label'\] is not None",
    ),
    "no label at all": (splits(labels=(None,) * 4), {}, r"have no label \(None\)"),
    "one class": (
        splits(labels=("good",) * 4),
        {},
        r"Every row has the same label, 'good'.*at least two classes",
    ),
    "float labels": (
        splits(labels=(0.0, 1.0, 0.0, 1.0)),
        {"label_names": NAMES},
        r"cast_column\('label', datasets.Value\(\"int64\"\)\)",
    ),
    "float labels, one missing": (
        splits(labels=(0.0, None, 0.0, 1.0)),
        {"label_names": NAMES},
        r"no label \(None\)",
    ),
    "labels from 1": (splits(labels=(1, 2, 1, 2)), {"label_names": NAMES}, r"start at 0.*row\['label'\] - 1"),
    "out of range": (
        splits(labels=(0, 1, 7, 1)),
        {"label_names": NAMES},
        r"integers from 0 to 1; found 0, 1, 7.*label_names",
    ),
    "negative": (splits(labels=(-1, 1, 0, 1)), {"label_names": NAMES}, r"found -1, 0, 1"),
    "unnamed text": (
        splits(labels=("good", "bad", "meh", "bad")),
        {"label_names": NAMES},
        r"one of \['bad', 'good'\].*'meh'",
    ),
    "lists": (
        splits(labels=([0], [1], [0], [1])),
        {"label_names": NAMES},
        r"'label' holds List\(Value\('int64'\)\).*columns=",
    ),
    "dicts": (splits(labels=({"a": 1},) * 4), {"label_names": NAMES}, r"'label' holds .*columns="),
    "bools": (splits(labels=(True, False) * 2), {"label_names": NAMES}, r"found False, True"),
    "one row": (splits(["good"], ["good"]), {}, r"'train' has 1. Lower train_size or eval_size"),
}


@pytest.mark.parametrize(("data", "change", "message"), WHEN_LOADED.values(), ids=WHEN_LOADED)
def test_labels_that_cannot_be_used_are_refused_when_the_dataset_is_loaded(data, change, message):
    with pytest.raises(ValueError, match=message):
        text_and_label(data, dataclasses.replace(OFFLINE, **change))


BEFORE_TRAINING = {
    "empty text": (["good", ""], [0, 1], r"1 of 2 texts are empty.*row 1.*filter"),
    "only spaces": ([" \t\n\u3000", "good"], [0, 1], r"1 of 2 texts are empty.*row 0"),
    "missing text": (["good", None], [0, 1], r"1 of 2 texts are empty or not text.*filter"),
    "no text at all": ([None, None], [0, 1], r"2 of 2 texts"),
    "numbers as texts": ([3, 4], [0, 1], r"2 of 2 texts are empty or not text"),
    "missing label": (
        ["a", "b", "c"],
        [0, None, 1],
        r"1 of 3 rows have no label: found None \(1 times\)\. Remove.*filter",
    ),
    "hidden labels": (["a", "b"], [-1, -1], r"2 of 2 rows have no label: found -1.*another split"),
    "out of range": (["a", "b"], [0, 2], r"from 0 to 1, because num_labels is 2; found 2 \(1 times\)"),
    "texts": (["a", "b"], ["0", "1"], r"found '0' \(1 times\), '1'.*Map them"),
    "floats": (["a", "b"], [0.0, 1.0], r"found 0.0 \(1 times\).*Map them"),
    "one class": (["a", "b"], [1, 1], r"same label, 1\..*shuffle before you select"),
    "no row": ([], [], r"zero rows"),
}


@pytest.mark.parametrize(("texts", "labels", "message"), BEFORE_TRAINING.values(), ids=BEFORE_TRAINING)
def test_rows_that_cannot_be_used_are_refused_before_training(texts, labels, message):
    with pytest.raises(ValueError, match=message):
        check_dataset(Dataset.from_dict({"text": texts, "label": labels}), num_labels=2)


def test_num_labels_1_is_refused():
    """To transformers, 1 means regression: an integer label's loss would fail with an error about dtypes."""
    with pytest.raises(ValueError, match="Every row has the same label"):
        check_dataset(Dataset.from_dict({"text": ["a"], "label": [0]}), num_labels=1)


def test_a_class_label_with_hidden_labels_is_refused():
    """The test splits of competitions have a ClassLabel, and all their rows are -1."""
    data = splits(labels=(0, 1, 0, 1)).cast_column("label", ClassLabel(names=list(NAMES)))
    data["test"] = Dataset.from_dict({"text": ["a", "b"], "label": [-1, -1]}, features=data["train"].features)
    with pytest.raises(ValueError, match="2 of 2 rows have no label: found -1"):
        check_dataset(text_and_label(data, OFFLINE)["test"], num_labels=2)


def test_the_advice_helps():
    """If a learner follows each message's own line, the next attempt must go through."""
    labels = dataclasses.replace(OFFLINE, label_names=NAMES, train_size=2, eval_size=1)
    missing = splits(labels=("good", None, "bad", "good")).filter(lambda row: row["label"] is not None)
    cast = (
        splits(labels=(0.0, None, 0.0, 1.0))
        .filter(lambda row: row["label"] is not None)
        .cast_column("label", Value("int64"))
    )
    shifted = splits(labels=(1, 2, 1, 2)).map(lambda row: {"label": row["label"] - 1})
    for data, expected in ((missing, [1, 0, 1]), (cast, [0, 0, 1]), (shifted, [0, 1, 0, 1])):
        prepared = text_and_label(data, labels)["train"]
        assert check_dataset(prepared, num_labels=2) is None and prepared["label"][:] == expected


def test_one_row_and_train_size_1_can_be_trained_on(tokenizer, model):
    """Overfitting one review is the first thing to try with a model that does not learn."""
    data = load_dataset(OFFLINE.dataset)
    prepared = text_and_label(data, dataclasses.replace(OFFLINE, train_size=1, eval_size=1))
    row = prepared["train"].select([0]).map(lambda row: {"label": 1})
    assert check_dataset(row, num_labels=5) is None
    assert 0 < one_step(model, tokenizer, row) < 10
