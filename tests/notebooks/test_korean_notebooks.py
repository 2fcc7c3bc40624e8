"""Protects a Korean learner: every Korean notebook runs from top to bottom, offline, and speaks Korean."""

import html
import os
import re

import pytest
from alternatives import says_too_little
from datasets import load_dataset
from nbclient import NotebookClient
from notebook_files import NOTEBOOKS, ROOT, read

STEMS = [path.stem for path in NOTEBOOKS]
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_ENDPOINT": "http://127.0.0.1:9",
    "FINETUNE_PROFILE": "offline",
    # The English ones show what a longer training promises
    "FINETUNE_SIZES": "num_train_epochs=1 train_size=100 eval_size=100",
}
SENTENCE = re.compile(r"[A-Za-z']+(?:,? [A-Za-z']+){4,}")
# Code, and what libraries print of themselves
NOT_OURS = re.compile(r"torchrun|--|import |it/s|Dataset\(|object at|=", re.I)


@pytest.fixture(scope="module", params=STEMS)
def executed(request, tmp_path_factory):
    path = ROOT / "notebooks" / "ko" / f"{request.param}.ipynb"
    notebook = read(path)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}})
    runs = {"FINETUNE_RUNS": str(tmp_path_factory.mktemp("runs"))}
    client.execute(env=os.environ | OFFLINE | runs)
    return notebook


@pytest.fixture(scope="module")
def reviews():
    rows = load_dataset(str(ROOT / "helpers" / "offline" / "synthetic-reviews"))
    return "\n".join(text for split in rows.values() for text in split["text"])


def shown(notebook):
    """Yield the id of a cell and each text that it shows: printed, in a picture's stead, and in widgets."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            yield cell.id, output.get("text", "")
            data = output.get("data", {})
            yield cell.id, data.get("text/plain", "")
            yield cell.id, re.sub(r"<style.*?</style>|<[^>]*>", " ", data.get("text/html", ""), flags=re.S)
    states = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    for model in states.get("state", {}).values():
        for name in ("value", "description", "tooltip", "placeholder"):
            if isinstance(text := model["state"].get(name), str):
                yield "a widget", html.unescape(re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.S))


def test_no_sentence_is_left_in_english(executed, reviews):
    """One English sentence among Korean ones is the one that a learner needed."""
    # The notebook's code holds texts for an English model
    data = reviews + "\n".join(cell.source for cell in executed.cells)
    left = {
        (where, sentence)
        for where, text in shown(executed)
        if "LOAD REPORT" not in text
        for line in text.replace("\\n", "\n").splitlines()
        if not NOT_OURS.search(line)
        for sentence in SENTENCE.findall(line)
        if sentence not in data
    }
    assert not left


def test_nothing_on_stderr_that_a_learner_would_worry_about(executed):
    """matplotlib warns of each syllable that its font lacks, and draws a box for it."""
    noise = [
        (cell.id, output["text"])
        for cell in executed.cells
        for output in cell.get("outputs", ())
        if output.get("name") == "stderr"
        and "LOAD REPORT" not in output["text"]
        and "%|" not in output["text"]
    ]
    assert noise == []


def test_every_picture_says_in_korean_what_it_shows(executed):
    for cell in executed.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}) and "text/plain" in output["data"]:
                told = output["data"]["text/plain"]
                assert not says_too_little(told) and re.search("[가-힣]", told), (cell.id, told)
