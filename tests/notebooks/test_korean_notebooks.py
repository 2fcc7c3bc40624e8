"""Protects a Korean learner: every Korean notebook runs from top to bottom, offline, and speaks Korean."""

import os

import pytest
from nbclient import NotebookClient
from notebook_files import NOTEBOOKS, ROOT, noise, read
from spoken import english_sentences, pictures_without_words

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_ENDPOINT": "http://127.0.0.1:9",
    "FINETUNE_PROFILE": "offline",
    # The English ones show what a longer training promises
    "FINETUNE_SIZES": "num_train_epochs=1 train_size=100 eval_size=48",
}


@pytest.fixture(scope="module", params=[path.stem for path in NOTEBOOKS])
def executed(request, tmp_path_factory):
    path = ROOT / "notebooks" / "ko" / f"{request.param}.ipynb"
    notebook = read(path)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}})
    runs = {"FINETUNE_RUNS": str(tmp_path_factory.mktemp("runs"))}
    client.execute(env=os.environ | OFFLINE | runs)
    return notebook


def test_no_sentence_is_left_in_english(executed):
    """One English sentence among Korean ones is the one that a learner needed."""
    assert english_sentences(executed) == set()


def test_nothing_on_stderr_that_a_learner_would_worry_about(executed):
    """matplotlib warns of each syllable that its font lacks, and draws a box for it."""
    assert noise(executed) == []


def test_every_picture_says_in_korean_what_it_shows(executed):
    assert pictures_without_words(executed) == []
