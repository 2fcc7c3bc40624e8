"""Protects a Korean learner: each file is built from its English source, in the glossary's words."""

import ast
import json
import re
from pathlib import Path

import pytest
from notebook_files import NOTEBOOKS, ROOT, read
from translations import HANGUL, problems

from helpers.tools import korean
from helpers.tools.editions import catalogue
from helpers.tools.editions.edition import Edition, messages, sources, twin

LANGUAGE = "ko"


@pytest.fixture(scope="module")
def built():
    return korean.built(LANGUAGE)


def test_every_file_is_what_the_catalogue_makes_of_its_english_source(built):
    """A translation that is edited by hand, or an English sentence that has changed since, drifts away."""
    files, _ = built
    old = [str(path.relative_to(ROOT)) for path, text in files.items() if not same(path, text)]
    assert not old, f"Run `python -m helpers.tools.korean`: {old}"


def same(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def test_everything_is_translated(built):
    """What is fuzzy was translated from another sentence."""
    _, catalogues = built
    open_ones = [korean.state(domain, one) for domain, one in catalogues.items() if unfinished(one)]
    assert not open_ones, "\n".join(open_ones)


def unfinished(one) -> bool:
    return bool(catalogue.missing(one) or catalogue.fuzzy(one) or one.obsolete)


def test_no_translation_breaks_a_rule(built):
    """A lost field is an error, another number is false, and two words for one thing confuse."""
    _, catalogues = built
    found = [
        f"{problem}\n  {english}\n  {own}"
        for one in catalogues.values()
        for english, own in catalogue.lookup(one).items()
        for problem in problems(english, own)
    ]
    assert not found, "\n".join(found)


def without_words(source: str) -> str:
    """Return the code with each sentence blanked. Comments go by themselves."""
    python = re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M)
    tree = ast.parse(python)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            node.values = [value for value in node.values if isinstance(value, ast.FormattedValue)]
            node.values.sort(key=ast.dump)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            node.value = ""
    return ast.dump(tree)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_and_code_are_those_of_the_english_notebook(path):
    """The same cells, ids and order, and code that computes the same."""
    english, own = read(path).cells, read(path.parent / LANGUAGE / path.name).cells
    assert [(cell.id, cell.cell_type) for cell in own] == [(cell.id, cell.cell_type) for cell in english]
    for one, other in zip(english, own):
        if one.id == "setup":
            assert other.source == one.source.replace('language="en"', f'language="{LANGUAGE}"') != one.source
        elif one.cell_type == "code":
            assert without_words(other.source) == without_words(one.source), one.id
            longest = max(other.source.splitlines(), key=len)
            assert len(longest) <= 110, longest


def headings(text: str) -> list[int]:
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return [len(marks) for marks in re.findall(r"^(#+) ", text, re.M)]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_headings_folds_and_links_are_those_of_the_english_file(path):
    own = (ROOT / twin(path.relative_to(ROOT), LANGUAGE)).read_text(encoding="utf-8")
    english = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        english, own = (
            "\n\n".join(
                "".join(cell["source"])
                for cell in json.loads(text)["cells"]
                if cell["cell_type"] == "markdown"
            )
            for text in (english, own)
        )
    assert headings(own) == headings(english)
    for mark in ("<details>", "](", "```", "\n|"):
        assert own.count(mark) == english.count(mark), mark


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_links_between_our_files_lead_to_files(path):
    """From a folder deeper down, `../docs` is another place."""
    own = ROOT / twin(path.relative_to(ROOT), LANGUAGE)
    text = own.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (own.parent / target).exists(), target


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_links_its_twin_in_its_first_cell(path):
    own = path.parent / LANGUAGE / path.name
    assert f"[한국어]({LANGUAGE}/{path.name})" in read(path).cells[0].source
    assert f"[English](../{path.name})" in read(own).cells[0].source
    assert f"/notebooks/{LANGUAGE}/{path.name}" in read(own).cells[0].source, "the badges open the Korean one"


def test_a_command_of_the_readme_opens_the_notebook_in_its_language():
    own = (ROOT / twin(Path("README.md"), LANGUAGE)).read_text(encoding="utf-8")
    assert f"root_dir=. notebooks/{LANGUAGE}/01_" in own


def test_korean_pages_take_the_place_of_english_ones():
    """A link that leads to a page in Korean says so in its address; nobody asks the network here."""
    links = Edition(LANGUAGE, str, str).links
    assert links
    for english, own in links.items():
        assert re.search(r"/ko/|[?&]hl=ko", own) and own.split("/")[2] == english.split("/")[2], own


def test_a_third_language_needs_a_catalogue_and_nothing_else(tmp_path):
    """Made up: every sentence in capitals. A sentence that stays small is one that no translator sees."""

    def shout(text: str) -> str:
        return re.sub(r"\{[^{}]*\}|`[^`]*`|\]\([^)]*\)|[a-z]+", loud, text)

    shouted = Edition("sv", shout, shout).files()
    assert len(shouted) == len(sources()) == len({path.parent / path.name for path in shouted})
    for path, text in shouted.items():
        if path.suffix == ".ipynb":
            for cell in json.loads(text)["cells"]:
                source = "".join(cell["source"])
                if cell["cell_type"] == "markdown" and cell["id"] != "script":
                    plain = re.sub(
                        r"```.*?```|`[^`]*`|\(http[^)]*\)|\]\([^)]*\)|\[!\[.*|<[^>]*>|&\w+;",
                        "",
                        source,
                        flags=re.S,
                    )
                    assert not re.search(r"\b[a-z]{3,} [a-z]{3,}\b", plain), (path.name, cell["id"])


def loud(found: re.Match) -> str:
    return found[0] if found[0][0] in "{`]" else found[0].upper()


def test_a_changed_sentence_is_fuzzy_and_a_new_one_missing():
    """Whoever changes an English sentence must hear that its Korean is old."""
    old = catalogue.updated(catalogue.read(Path("nowhere"), LANGUAGE), [("The model reads the text.", "a")])
    next(message for message in old if message.id).string = "모델이 텍스트를 읽습니다."
    new = catalogue.updated(old, [("The model reads the texts.", "a"), ("A wholly new one", "b")])
    assert [message.id for message in catalogue.fuzzy(new)] == ["The model reads the texts."]
    assert [message.id for message in catalogue.missing(new)] == ["A wholly new one"]
    assert catalogue.lookup(new) == {}


def test_the_catalogue_holds_korean(built):
    """Nearly every message has a Hangul syllable; the others are names and code."""
    _, catalogues = built
    texts = [own for one in catalogues.values() for own in catalogue.lookup(one).values()]
    assert sum(bool(HANGUL.search(own)) for own in texts) > 0.9 * len(texts) > 0


def test_each_piece_of_a_source_is_in_the_catalogue(built):
    _, catalogues = built
    known = {message.id for domain in ("notebooks", "pages") for message in catalogues[domain]}
    assert {piece for path in sources() for piece, _ in messages(path)} <= known


def test_babel_sees_each_sentence_that_the_helpers_mark():
    """Babel passes over an f-string with fields, and a mark in a file that it cannot read."""
    known = {message[0] if isinstance(message, tuple) else message for message, _ in catalogue.in_helpers()}
    marked = [
        (path.name, argument)
        for path in sorted((ROOT / "helpers").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in ("_", "N_", "ngettext")
        for argument in node.args[:1]
    ]
    assert [where for where, argument in marked if isinstance(argument, ast.JoinedStr)] == []
    sentences = [(where, one.value) for where, one in marked if isinstance(one, ast.Constant)]
    assert [(where, text) for where, text in sentences if text not in known] == [] and len(sentences) > 1_000
