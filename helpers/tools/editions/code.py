"""Translate comments and sentences inside Python code, and leave the code as it is."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator

import wcwidth

Translate = Callable[[str], str]

_WIDTH = 110
# A literal: its prefix, its quotes, what stands between
_LITERAL = re.compile(r'([rRbBfFuU]*)("""|\'\'\'|"|\')((?:\\.|(?!\2).)*)\2', re.S)
_MAGIC = re.compile(r"^(\s*)([%!].*)$", re.M)
_LETTERS = re.compile(r"[^\W\d_]{2}")
# Comments for a program, and marks that a test reads
_FOR_PROGRAMS = re.compile(r"#\s*(?:noqa|fmt:|type:|!)")
_MARK = re.compile(r"#( New:)?\s*")


def translated(source: str, translate: Translate) -> str:
    """Return `source` with each comment and each sentence of a string given to `translate`.

    A sentence is a string with a space and letters, wherever it stands: `{fields}` of an f-string stay in
    it as they are written. Lines that begin with % or ! are IPython's, and stay.
    """
    python = _MAGIC.sub(lambda found: f"{found[1]}pass  # {found[2]}", source)
    changes = [*_strings(python, translate), *_comments(python, translate)]
    lines = [len(line.encode()) for line in python.splitlines(keepends=True)]
    starts = [sum(lines[:number]) for number in range(len(lines) + 1)]
    # From the end to the start, so that earlier places stay right
    raw = python.encode()
    for (first, column), (last, end), text in sorted(changes, reverse=True):
        raw = raw[: starts[first - 1] + column] + text.encode() + raw[starts[last - 1] + end :]
    magics = iter(_MAGIC.findall(source))
    return re.sub(r"pass  # [%!].*", lambda _: next(magics)[1], raw.decode())


Change = tuple[tuple[int, int], tuple[int, int], str]  # (line, byte) of start and end, and the new text


def _strings(python: str, translate: Translate) -> Iterator[Change]:
    """Yield a change for each string that is a sentence. Python's `ast` gives lines and bytes."""
    inside: set[ast.AST] = set()
    for node in ast.walk(ast.parse(python)):
        if node in inside or not isinstance(node, (ast.JoinedStr, ast.Constant)):
            continue
        inside |= set(ast.walk(node)) if isinstance(node, ast.JoinedStr) else set()
        if isinstance(node, ast.Constant) and not isinstance(node.value, str):
            continue
        segment = ast.get_source_segment(python, node)
        pieces = _LITERAL.findall(segment)
        text = "".join(piece[2] for piece in pieces)
        if is_sentence(text) and (new := translate(text)) != text:
            start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
            yield start, end, _literal(pieces, new, segment, node.col_offset)


def is_sentence(text: str) -> bool:
    """Return whether a learner might read `text`: it has a space and, outside its fields, a word."""
    plain = re.sub(r"\{[^{}]*\}", "", text)
    return " " in text.strip() and bool(_LETTERS.search(plain))


def _literal(pieces: list[tuple[str, str, str]], text: str, segment: str, column: int) -> str:
    """Write `text` as a literal with the old one's prefix and quotes, on as many lines as it needs."""
    prefix = max((piece[0] for piece in pieces), key=len)
    quotes = pieces[0][1]
    if len(quotes) == 3 or "\n" not in segment:
        return f"{prefix}{quotes}{text}{quotes}"
    room = _WIDTH - column - len(prefix) - 4
    return f"\n{' ' * column}".join(f"{prefix}{quotes}{part}{quotes}" for part in _wrapped(text, room))


def _wrapped(text: str, room: int) -> list[str]:
    """Break `text` after spaces outside {fields}, so that each part is at most `room` columns wide."""
    parts = [""]
    for word in re.findall(r"(?:\{[^{}]*\}|[^\s{}])*\s*", text):
        if parts[-1] and wcwidth.wcswidth(parts[-1] + word) > room:
            parts.append("")
        parts[-1] += word
    return parts


def _comments(python: str, translate: Translate) -> Iterator[Change]:
    """Yield a change for each comment. Neighbouring lines of comment alone are one text."""
    tokens = list(tokenize.generate_tokens(io.StringIO(python).readline))
    lines = python.splitlines()
    between = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT)
    group: list[tokenize.TokenInfo] = []
    for token in [*tokens, None]:
        if token and token.type in between and token.line.strip():
            continue
        goes_on = token and token.type == tokenize.COMMENT and group and _follows(group[-1], token, lines)
        if group and not goes_on:
            yield from _comment(group, translate, lines)
            group = []
        if token and token.type == tokenize.COMMENT and not _FOR_PROGRAMS.match(token.string):
            if re.match(r"# [%!]", token.string):
                continue
            group.append(token)


def _follows(before: tokenize.TokenInfo, token: tokenize.TokenInfo, lines: list[str]) -> bool:
    """Return whether two comments stand alone on neighbouring lines, one under the other."""
    alone = all(not lines[one.start[0] - 1][: one.start[1]].strip() for one in (before, token))
    return (
        alone
        and token.start == (before.start[0] + 1, before.start[1])
        and not token.string.startswith("# New:")
    )


def _comment(group: list[tokenize.TokenInfo], translate: Translate, lines: list[str]) -> Iterator[Change]:
    mark = _MARK.match(group[0].string)
    text = " ".join([group[0].string[mark.end() :], *(one.string.lstrip("# ") for one in group[1:])])
    if not _LETTERS.search(text) or (new := translate(text)) == text:
        return
    (first, column), (last, end) = group[0].start, group[-1].end
    opening = f"#{mark[1] or ''} "
    alone = not lines[first - 1][:column].strip()
    parts = _wrapped(new, _WIDTH - column - len(opening)) if alone else [new]
    rest = f"\n{' ' * column}# "
    as_bytes = [len(lines[row - 1][:place].encode()) for row, place in ((first, column), (last, end))]
    yield (first, as_bytes[0]), (last, as_bytes[1]), opening + rest.join(part.rstrip() for part in parts)
