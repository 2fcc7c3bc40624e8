"""Protects whoever reads a model card from gaps, and from figures without their uncertainty."""

import contextlib
import io

import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard

from helpers import language
from helpers.data import own_data
from helpers.judge import model_card


@pytest.fixture(scope="module")
def mine():
    rows = [
        (f"number {i} was {'good' if i % 4 else 'late'}", "fine" if i % 4 else "late") for i in range(200)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        return own_data(pd.DataFrame(rows, columns=["text", "label"]))


def made(mine, **changed):
    labels = mine.dataset["test"]["label"][:]
    logits = np.eye(2)[[0 if i == 3 else label for i, label in enumerate(labels)]]
    given = {
        "model": "google-bert/bert-base-cased", "data": mine, "settings": {"seed": 42}, "logits": logits,
        "limits": ["It knows two classes."], "baseline": [0] * len(labels),
    }  # fmt: skip
    return model_card("Late or fine", **given | changed)


def test_the_card_says_what_was_done_and_how_sure_it_is(mine):
    card = made(mine)
    assert card.data.base_model == "google-bert/bert-base-cased"
    assert "160 train, 20 validation, 20 test rows." in card.text
    assert "fine 75%" in card.text and "late 25%" in card.text and "- seed: 42" in card.text
    right = 20 - (mine.dataset["test"]["label"][3] != 0)
    assert f"| accuracy | {right / 20:.3f} | 0." in card.text and "macro-F1" in card.text
    assert "| always the commonest answer | 0.750 |" in card.text
    assert (
        f"| TF-IDF + logistic regression | {1 - 0.75 if mine.label_names[0] == 'late' else 0.75:.3f}"
        in card.text
    )
    assert "recall of late" in card.text and "(5 rows)" in card.text
    assert "{" not in card.text and "None" not in card.text


def test_it_loads_again(mine, tmp_path):
    """The Hub reads the head of the file as YAML."""
    made(mine).save(tmp_path / "README.md")
    assert ModelCard.load(tmp_path / "README.md").data.pipeline_tag == "text-classification"


def test_no_folder_of_this_machine_stands_in_it(mine, tmp_path):
    card = made(mine, model=str(tmp_path / "my-model"))
    assert str(tmp_path) not in str(card) and "`my-model`" in card.text and card.data.base_model is None


def test_a_card_without_limits_is_refused(mine):
    with pytest.raises(ValueError, match="at least one limit"):
        made(mine, limits=[])


def test_answers_of_other_rows_are_refused(mine):
    with pytest.raises(ValueError, match="each of the 20 test rows, got 3"):
        made(mine, logits=np.eye(2)[[0, 1, 0]])


@pytest.mark.parametrize("spoken", language.languages())
def test_nobodys_words_stand_in_a_card(spoken, monkeypatch):
    """The README of a model is published; a note that quotes a text would publish it, too.

    Each language leads to an example with other words, and the card must know them.
    """
    for name in ("_catalogue", "_language"):
        monkeypatch.setattr(language, name, getattr(language, name))  # put back afterwards
    language.choose(spoken)
    rows = [(f"Secret message {i // 2} of Uma", "ab"[i % 2]) for i in range(60)]
    rows += [(f"<b>{i}</b> other", "ab"[i % 2]) for i in range(60)] + [("uma@example.com", "a")]
    with contextlib.redirect_stdout(io.StringIO()):
        mine = own_data(pd.DataFrame([*rows, ("", "a")], columns=["text", "label"]))
    assert any("Secret" in note for note in mine.notes), "else this test guards against nothing"
    logits = np.eye(2)[mine.dataset["test"]["label"][:]]
    card = made(mine, logits=logits, baseline=[0] * len(logits))
    assert "Secret" not in str(card) and "<b>" not in str(card)
    assert not [word for word in ("Think before", "생각하세요", "data row", "데이터 행") if word in card.text]
    if spoken == language.ENGLISH:
        assert "With different labels: 30 texts." in card.text
        assert "Rows with no text: 1 left out." in card.text
