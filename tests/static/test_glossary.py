"""Protects a beginner from a word that is used before anybody has said what it means."""

import re

import pytest
from notebook_files import NOTEBOOKS, ROOT, read

ROW = re.compile(r"^\| ([\w\- ]+?) \| (\d) \| (.+) \|$", re.MULTILINE)
TERMS = {
    term: int(number) for term, number, _ in ROW.findall((ROOT / "docs" / "glossary.md").read_text("utf-8"))
}
# These say what is to come; a word that they do not explain is explained further down
HEADS = {"title", "setup-text"}


def texts(path):
    """Yield the Markdown cells of a notebook as (id, text), without code, links and what is folded."""
    for cell in read(path).cells:
        if cell.cell_type == "markdown" and cell.id not in ("questions", "script"):
            text = re.sub(r"```.*?```", " ", cell.source, flags=re.DOTALL)
            yield cell.id, re.sub(r"`[^`]*`|\]\([^)]*\)|^#+ .*$", " ", text, flags=re.MULTILINE)


def uses(term, text):
    """Return whether the text has the term, in singular or plural."""
    return re.search(rf"(?<![\w-]){re.escape(term)}(e?s)?(?![\w-])", text, re.IGNORECASE)


def explained(term, text):
    """Return whether the term stands emphasized in the text, as a word does that is being explained."""
    marked = re.findall(r"\*+([^*\n]+)\*+", text)
    return any(uses(term, part) for part in marked)


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_explained_where_it_first_stands(term):
    """The notebook that the glossary names explains it, and none before uses it."""
    for path in NOTEBOOKS:
        for name, text in texts(path):
            if uses(term, text) and (explained(term, text) or name not in HEADS):
                sentence = next(part for part in re.split(r"(?<=[.:?!])\s", text) if uses(term, part))
                assert explained(term, text), f"{path.stem} {name}: {sentence}"
                assert int(path.stem[:2]) == TERMS[term]
                return
    raise AssertionError("no notebook explains it")


def test_the_glossary_is_in_order_and_complete():
    assert list(TERMS) == sorted(TERMS, key=str.lower) and len(TERMS) > 35
    needed = {
        "loss",
        "epoch",
        "batch",
        "gradient",
        "dropout",
        "optimizer",
        "overfitting",
        "checkpoint",
        "kernel",
    }
    assert needed <= TERMS.keys()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_links_the_glossary(path):
    assert "(../docs/glossary.md)" in read(path).cells[0].source
