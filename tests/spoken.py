"""What an executed notebook says in another language than English."""

import html
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat
from alternatives import says_too_little
from datasets import load_dataset

OFFLINE = Path(__file__).resolve().parents[1] / "helpers" / "offline"
SENTENCE = re.compile(r"[A-Za-z][A-Za-z']+(?: [A-Za-z']+){4,}")
# Code, and what libraries print of themselves
NOT_OURS = re.compile(r"torchrun|--|import |it/s|Dataset\(|object at|=|parquet", re.I)
_TAGS = re.compile(r"<style.*?</style>|<[^>]*>", re.S)


@cache
def english_texts() -> str:
    """Return the bundled texts: they stay English, and so does what shows them."""
    rows = load_dataset(str(OFFLINE / "synthetic-reviews"))
    messages = (OFFLINE / "customer-messages" / "messages.csv").read_text(encoding="cp1252")
    return "\n".join([messages, *(text for split in rows.values() for text in split["text"])])


def shown(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield the id of a cell and each text that it shows: printed, in a picture's stead, and in widgets."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            yield cell.id, output.get("text", "")
            data = output.get("data", {})
            yield cell.id, data.get("text/plain", "")
            yield cell.id, _TAGS.sub(" ", data.get("text/html", ""))
    states = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    for model in states.get("state", {}).values():
        for name in ("value", "description", "tooltip", "placeholder"):
            if isinstance(text := model["state"].get(name), str):
                yield "a widget", html.unescape(_TAGS.sub(" ", text))


def english_sentences(notebook: nbformat.NotebookNode) -> set[tuple[str, str]]:
    """Return each English sentence that a learner sees, and where. The bundled texts may be English."""
    allowed = "\n".join([english_texts(), *(cell.source for cell in notebook.cells)])
    return {
        (where, sentence)
        for where, text in shown(notebook)
        if "LOAD REPORT" not in text
        for line in text.replace("\\n", "\n").splitlines()
        if not NOT_OURS.search(line)
        for sentence in SENTENCE.findall(line)
        if sentence.strip("'") not in allowed
    }


def pictures_without_words(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return the pictures whose alternative text says too little, or nothing in Hangul."""
    return [
        (cell.id, output["data"]["text/plain"])
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {}) and "text/plain" in output["data"]
        if says_too_little(output["data"]["text/plain"])
        or not re.search("[가-힣]", output["data"]["text/plain"])
    ]
