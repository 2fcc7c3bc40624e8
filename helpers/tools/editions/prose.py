"""Split Markdown into the pieces that a translator sees, and put it together again from translated ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Translate = Callable[[str], str]

_FENCE = re.compile(r"\s*```(\w*)")
# What begins a piece and is not part of it: a heading's #, a bullet, a number, a quotation's >
_OPENING = re.compile(r"(\s*(?:#{1,6} |[-*] |\d+\. |> )?)")
_BULLET = re.compile(r"\s*(?:[-*] |\d+\. |> )")
_RULE = re.compile(r"\s*\|?[-:| ]+\|?\s*")
_CELL = re.compile(r"(?<!\\)\|")
# Tags that stand between pieces. Others, like <code> or <b>, belong to a sentence.
_BLOCK_TAG = re.compile(
    r"(<!--.*?-->|</?(?:details|summary|ol|ul|li|br|p|picture|source|img|a id)\b[^>]*>)", re.S
)
_ALT = re.compile(r'(?<=\balt=")[^"]*(?=")')
_LETTER = re.compile(r"[^\W\d_]")
# Badges have no words of ours; a link alone leads somewhere and says nothing
_BADGES = re.compile(r"(?:\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)\s*)+")


def translated(markdown: str, translate: Translate, code: Translate = lambda text: text) -> str:
    """Return `markdown` with each piece given to `translate`.

    A piece is a heading, a paragraph, an item of a list, a cell of a table, the text between block tags or
    an alternative text. Its line breaks become spaces. What a Python fence holds goes to `code`.
    """
    return "\n".join(_translated_block(block, translate, code) for block in _blocks(markdown.split("\n")))


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Yield runs of lines that belong together: a fence, a paragraph, an item, or a single line."""
    block: list[str] = []
    fence = tag = False
    for line in lines:
        opens = _FENCE.match(line)
        alone = not line.strip() or line.lstrip().startswith(("#", "|"))
        starts = opens or alone or _BULLET.match(line) or _BLOCK_TAG.match(line.lstrip())
        if block and not fence and not tag and (starts or _stands_alone(block)):
            yield block
            block = []
        block.append(line)
        if opens:
            fence = not fence
            if not fence:
                yield block
                block = []
        # A tag that is open at the end of its line goes on in the next
        tag = not fence and bool(block) and _open_tag("\n".join(block))
    if block:
        yield block


def _stands_alone(block: list[str]) -> bool:
    first = block[0].lstrip()
    return not first or first.startswith(("#", "|"))


def _open_tag(text: str) -> bool:
    """Return whether a tag with an alternative text has begun and not ended."""
    begun = text.rfind("<img")
    return begun >= 0 and ">" not in text[begun:]


def _translated_block(block: list[str], translate: Translate, code: Translate) -> str:
    text = "\n".join(block)
    if fence := _FENCE.match(block[0]):
        inside = "\n".join(block[1:-1])
        return "\n".join([block[0], code(inside) if fence[1] == "python" else inside, block[-1]])
    if block[0].lstrip().startswith("|"):
        return (
            text
            if _RULE.fullmatch(text)
            else "|".join(_around(cell, translate) for cell in _CELL.split(text))
        )
    if _BLOCK_TAG.search(text):
        return "".join(
            _ALT.sub(lambda alt: translate(_joined(alt[0])), part)
            if _BLOCK_TAG.fullmatch(part)
            else _around(part, translate)
            for part in _BLOCK_TAG.split(text)
        )
    opening = _OPENING.match(text)[1]
    return opening + _around(text[len(opening) :], translate)


def _around(text: str, translate: Translate) -> str:
    """Translate `text` without the white space around it, if it has words."""
    piece = text.strip()
    if not _LETTER.search(_BADGES.sub("", piece)):
        return text
    before, after = text[: text.index(piece)], text[text.index(piece) + len(piece) :]
    return before + translate(_joined(piece)) + after


def _joined(text: str) -> str:
    """Return a piece on one line: where its lines break is no matter of the text."""
    return " ".join(text.split())
