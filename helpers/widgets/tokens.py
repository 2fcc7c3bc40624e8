"""Type a text and see its tokens: which words stay whole, which are split, which the vocabulary does not have."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import groupby

import ipywidgets as widgets
from matplotlib import font_manager
from matplotlib.figure import Figure

from helpers import plots
from helpers.data import check_fast_tokenizer
from helpers.widgets.shown import Shown

_MOST_PIECES = 200  # drawn; a page of chips shows no more than its start does
_LINE = 94  # characters that fit into a line of the picture
_FONT = "DejaVu Sans Mono"  # comes with matplotlib
_CHIP = "display:inline-flex;flex-direction:column;align-items:center;border-radius:4px;padding:1px 5px;color:#111;max-width:100%;"
_STYLES = {
    "known": f"background:#D3E8F5;border:1px solid {plots.SKY};",
    "special": "background:#DDDDDD;border:1px solid #999;",
    "unknown": f"background:#FFF1E8;border:2px dashed {plots.RED};",
}
_BOXES = {  # the same for matplotlib
    "known": {"boxstyle": "round,pad=0.25", "facecolor": "#D3E8F5", "edgecolor": plots.BLUE},
    "special": {"boxstyle": "round,pad=0.25", "facecolor": "#DDDDDD", "edgecolor": plots.GREY},
    "unknown": {"boxstyle": "round,pad=0.25", "facecolor": "#FFF1E8", "edgecolor": plots.RED, "linestyle": "--"},
}
_SPLIT = f"border:2px solid {plots.BLUE};border-radius:6px;padding:2px;background:#FFFFFF;"


@dataclass(frozen=True)
class _Piece:
    """One token: as in the vocabulary, its id, what it stands for in the text, and "known", "special" or "unknown"."""

    token: str
    id: int
    original: str
    kind: str


class TokenExplorer(Shown):
    """A field to type into, and below it at once the tokens, their ids, and a sentence that counts them.

    `tokenizer` is a fast one, as `AutoTokenizer` loads: only those say which piece belongs to which word.
    """

    def __init__(self, tokenizer, text: str = "The lasagna wasn't good, it was unforgettable 😀"):
        check_fast_tokenizer(tokenizer)
        self.tokenizer = tokenizer
        self.text = widgets.Textarea(
            text, description="Your text:", rows=2, continuous_update=True,
            style={"description_width": "initial"}, layout=widgets.Layout(width="98%"),
        )
        self.tokens, self.words = widgets.HTML(), widgets.HTML()
        self.widget = widgets.VBox([self.text, self.tokens, self.words])
        self.text.observe(self._update, "value")
        self._update()

    def _update(self, _=None) -> None:
        self._groups = _words(self.tokenizer, self.text.value)
        self.tokens.value = _chips(self._groups)
        self.words.value = f'<div style="line-height:1.5">{escape(self.sentence())}</div>'

    def sentence(self) -> str:
        """How many words became how many pieces, and which were split or are unknown."""
        words = [group for group in self._groups if group[0].kind != "special"]
        if not words:
            return "There is no word yet: type one."
        pieces = [piece for group in words for piece in group]
        signs = sum(not any(map(str.isalnum, _spelled(group))) for group in words)
        special = [piece.token for group in self._groups for piece in group if piece.kind == "special"]
        split = [f"{_short(_spelled(group))} → {' '.join(piece.token for piece in group)}" for group in words if len(group) > 1]
        unknown = [_short(piece.original) for piece in pieces if piece.kind == "unknown"]
        text = _count(len(words) - signs, "word") + (f" and {_count(signs, 'sign')}" if signs else "")
        text += f" became {_count(len(pieces), 'piece')}" + (f", beside {' '.join(special)}" if special else "")
        text += f"; {len(split)} split: {_first(split)}" if split else "; none was split"
        text += f"; {len(unknown)} unknown: {_first(unknown)}" if unknown else "; none is unknown"
        total, limit = len(pieces) + len(special), self.tokenizer.model_max_length
        return text + (f". The model takes {limit} pieces: the last {total - limit} would be cut." if total > limit else ".")

    def picture(self) -> Figure:
        """The chips as a figure, at most the first 200."""
        return _picture(_shortened(self._groups))


def _words(tokenizer, text: str) -> list[list[_Piece]]:
    """The tokens of `text`, grouped by the word they come from; a special token is a group of its own."""
    encoding = tokenizer(text, return_offsets_mapping=True, verbose=False)
    pieces = []
    for number, (token, word, (start, end)) in enumerate(zip(encoding.tokens(), encoding.word_ids(), encoding["offset_mapping"])):
        token_id = encoding["input_ids"][number]
        if token_id == tokenizer.unk_token_id:
            kind = "unknown"
        else:
            kind = "special" if word is None or token_id in tokenizer.all_special_ids else "known"
        group = ("special", number) if kind == "special" else ("word", word)
        pieces.append((group, _Piece(token, token_id, text[start:end].strip(), kind)))
    return [[piece for _, piece in members] for _, members in groupby(pieces, key=lambda pair: pair[0])]


def _spelled(group: list[_Piece]) -> str:
    return "".join(piece.original for piece in group)


def _short(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _first(items: list[str], most: int = 5) -> str:
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _shortened(groups: list[list[_Piece]]) -> list[list[_Piece]]:
    """The groups up to the 200th piece."""
    kept, pieces = [], 0
    for group in groups:
        pieces += len(group)
        if pieces > _MOST_PIECES:
            break
        kept.append(group)
    return kept


def _chips(groups: list[list[_Piece]]) -> str:
    """HTML: a chip per token, and a frame around the pieces of a word that was split."""
    shown = _shortened(groups)
    left_out = sum(map(len, groups)) - sum(map(len, shown))
    more = f"<span>… and {_count(left_out, 'more piece')}</span>" if left_out else ""
    return f'<div style="display:flex;flex-wrap:wrap;gap:5px;align-items:flex-start;padding:4px 0">{"".join(map(_group, shown))}{more}</div>'


def _group(group: list[_Piece]) -> str:
    frame, title = (_SPLIT, f"one word, {len(group)} pieces: {_spelled(group)}") if len(group) > 1 else ("", _spelled(group) or "special token")
    chips = "".join(map(_chip, group))
    return f'<span style="display:inline-flex;flex-wrap:wrap;gap:2px;max-width:100%;{frame}" title="{escape(title)}">{chips}</span>'


def _chip(piece: _Piece) -> str:
    below = [str(piece.id)] + ([f"unknown: {_short(piece.original)}"] if piece.kind == "unknown" else [])
    lines = "".join(f'<span style="font-size:11px;line-height:1.3;overflow-wrap:anywhere">{escape(line)}</span>' for line in below)
    token = f'<b style="font-family:monospace;font-size:14px;line-height:1.4;overflow-wrap:anywhere">{escape(piece.token)}</b>'
    return f'<span style="{_CHIP}{_STYLES[piece.kind]}">{token}{lines}</span>'


def _picture(groups: list[list[_Piece]]) -> Figure:
    """A line of text per row: each token in a box, its id below; the boxes of a split word touch."""
    lines = _lines(groups)
    height = 0.25 + 0.5 * len(lines)
    figure = plots.Picture(figsize=(9, height), dpi=150)
    for row, line in enumerate(lines):
        for column, piece in line:
            x, y = 0.015 + 0.97 * column / _LINE, 1 - (0.3 + 0.5 * row) / height
            style = {"family": _FONT, "ha": "center", "va": "center"}
            figure.text(x, y, drawable(_short(piece.token)), size=11, parse_math=False, bbox=_BOXES[piece.kind], **style)
            figure.text(x, y - 0.21 / height, str(piece.id), size=7, color=plots.GREY, **style)
    return figure


def _lines(groups: list[list[_Piece]]) -> list[list[tuple[float, _Piece]]]:
    """Where the middle of each piece goes: lines of (column in characters, piece). A split word starts a new line if it must."""
    lines, column = [[]], 0.0
    for group in groups:
        widths = [max(len(_short(piece.token)) + 0.9, 0.7 * len(str(piece.id))) for piece in group]
        if column and column + sum(widths) > _LINE:
            lines.append([])
            column = 0.0
        for piece, width in zip(group, widths):
            lines[-1].append((column + width / 2, piece))
            column += width
        column += 1.2
    return lines


def drawable(text: str) -> str:
    """`text` with a box for each character that matplotlib's own font does not have; it would warn of them one by one."""
    font = font_manager.get_font(font_manager.findfont(_FONT))
    return "".join(character if font.get_char_index(ord(character)) else "▯" for character in text)
