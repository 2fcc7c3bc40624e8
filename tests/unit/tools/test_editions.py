"""Protects a translator's work: the builder changes words only, and loses none of them."""

import ast

import pytest

from helpers.tools.editions import code, prose
from helpers.tools.editions.edition import slug

MARKDOWN = """# 1 · A title

A paragraph that goes on
in a second line, with a [link](docs/hosts.md#a-place) and `code`.

- an item
- another
  that goes on

| column | other |
|---|---:|
| a word | 1.5 |

```python
# a comment
print("some words")
```
```bash
pip install words
```
<img src="a.png" alt="What the picture
shows."> and a word
<details><summary>A question?</summary><ol><li>An <b>answer</b></li></ol></details>
[![Open in Colab](https://a/b.svg)](https://a/notebooks/01.ipynb)
"""


def pieces(text: str) -> list[str]:
    found = []
    prose.translated(text, lambda piece: found.append(piece) or piece)
    return found


def test_a_piece_is_what_a_translator_can_move_around_in():
    """Half a sentence can't be translated into a language with another order of words."""
    assert pieces(MARKDOWN) == [
        "1 · A title",
        "A paragraph that goes on in a second line, with a [link](docs/hosts.md#a-place) and `code`.",
        "an item",
        "another that goes on",
        "column",
        "other",
        "a word",
        "What the picture shows.",
        "and a word",
        "A question?",
        "An <b>answer</b>",
    ]


def test_without_translations_a_page_stays_as_it_is():
    """Only its line breaks inside a piece go."""
    assert prose.translated(MARKDOWN, str).split() == MARKDOWN.split()


def test_a_fence_of_python_is_code_and_every_other_fence_stays():
    upper = prose.translated(MARKDOWN, str.upper, lambda text: code.translated(text, str.upper))
    assert '# A COMMENT\nprint("SOME WORDS")' in upper and "pip install words" in upper


CODE = '''%pip install some words
from a import b  # why it is here

rows = len(b)
# New: a comment that goes on
# in a second line
print(f"{rows:,} rows of {b['key']!r}, {rows / 2:.1%}"
      f" and more")  # noqa: E501
name = "eval_loss"
text = """
import sys, os
"""
'''


def test_only_words_of_code_change():
    """A changed key, field or command would end in an error that the English notebook does not have."""
    assert code.translated(CODE, str) == CODE
    changed = code.translated(
        CODE, lambda text: text.replace("rows of", "ROWS OF").replace("comment", "NOTE")
    )
    assert "f\"{rows:,} ROWS OF {b['key']!r}, {rows / 2:.1%} and more\")  # noqa: E501" in changed
    assert "# New: a NOTE that goes on in a second line\n" in changed
    assert changed.startswith("%pip install some words\n")


def test_what_a_translator_of_code_sees():
    found = []
    code.translated(CODE, lambda text: found.append(text) or text)
    assert sorted(found) == sorted(
        [
            "why it is here",
            "a comment that goes on in a second line",
            "{rows:,} rows of {b['key']!r}, {rows / 2:.1%} and more",
            "\nimport sys, os\n",
        ]
    )


def test_a_longer_sentence_is_broken_where_a_field_is_not():
    """Hangul takes two columns a letter. A line break inside {a field} is no Python."""
    source = 'print(\n    f"one {rows:,}"\n    f" two"\n)\n'
    long = "가나다라마바사 {rows:,} " * 9
    built = code.translated(source, lambda text: long.rstrip())
    ast.parse(built)
    assert built.count("{rows:,}") == 9 and max(map(len, built.splitlines())) < 110
    assert ast.unparse(ast.parse(built)).count("가나다라마바사") == 9


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Google Colab", "google-colab"),
        ("Your `own` machine!", "your-own-machine"),
        ("한국어 판", "한국어-판"),
    ],
)
def test_an_anchor_is_github_s(heading, anchor):
    assert slug(heading) == anchor
