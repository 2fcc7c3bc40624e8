"""Type a text and see its tokens: which words stay whole, which are split, and which are unknown."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import groupby

import ipywidgets as widgets
from wcwidth import wcswidth

from helpers.data.pretrained import check_fast_tokenizer
from helpers.language import _, ngettext
from helpers.show import plots
from helpers.show.fonts import drawable, families
from helpers.show.pictures import Picture
from helpers.show.shown import Shown

_MOST_PIECES = 200  # are drawn: a whole page of chips teaches no more than its start
_LINE = 94  # characters that fit into a line of the picture
_FONT = "DejaVu Sans Mono"  # comes with matplotlib

# The chips in HTML
_PANEL = "display:flex;flex-wrap:wrap;gap:5px;align-items:flex-start;padding:4px 0"
_WORD = "display:inline-flex;flex-wrap:wrap;gap:2px;max-width:100%;"
_SPLIT = f"border:2px solid {plots.BLUE};border-radius:6px;padding:2px;background:#FFFFFF;"
_CHIP = (
    "display:inline-flex;flex-direction:column;align-items:center;"
    "border-radius:4px;padding:1px 5px;color:#111;max-width:100%;"
)
_TOKEN = "font-family:monospace;font-size:14px;line-height:1.4;overflow-wrap:anywhere"
_BELOW = "font-size:11px;line-height:1.3;overflow-wrap:anywhere"
_STYLES = {
    "known": f"background:#D3E8F5;border:1px solid {plots.SKY};",
    "special": "background:#DDDDDD;border:1px solid #999;",
    "unknown": f"background:#FFF1E8;border:2px dashed {plots.RED};",
}

# The same for matplotlib
_BOXES = {
    "known": {"facecolor": "#D3E8F5", "edgecolor": plots.BLUE},
    "special": {"facecolor": "#DDDDDD", "edgecolor": plots.GREY},
    "unknown": {"facecolor": "#FFF1E8", "edgecolor": plots.RED, "linestyle": "--"},
}


@dataclass(frozen=True)
class _Piece:
    """One token, and where it comes from."""

    token: str  # as in the vocabulary
    id: int
    original: str  # what it stands for in the text
    kind: str  # "known", "special" or "unknown"


class TokenExplorer(Shown):
    """A field for a text, and below it at once the tokens, their ids, and a sentence that counts them.

    `tokenizer` must be a fast one, as `AutoTokenizer` loads: only fast tokenizers say which piece belongs to
    which word.
    """

    def __init__(self, tokenizer, text: str = "The lasagna wasn't good, it was unforgettable 😀"):
        check_fast_tokenizer(tokenizer)
        self.tokenizer = tokenizer
        self.text = widgets.Textarea(
            text,
            description=_("Your text:"),
            rows=2,
            continuous_update=True,
            style={"description_width": "initial"},
            layout=widgets.Layout(width="98%"),
        )
        self.tokens = widgets.HTML()
        self.words = widgets.HTML()
        self.widget = widgets.VBox([self.text, self.tokens, self.words])
        self.text.observe(self._update, "value")
        self._update()

    def _update(self, change=None) -> None:
        self._groups = _words(self.tokenizer, self.text.value)
        self.tokens.value = _chips(self._groups)
        self.words.value = f'<div style="line-height:1.5">{escape(self.sentence())}</div>'

    def sentence(self) -> str:
        """Say how many words became how many tokens, and which words were split or are unknown."""
        # The words and their pieces
        words = [group for group in self._groups if group[0].kind != "special"]
        if not words:
            return _("There is no word yet: type one.")
        pieces = [piece for group in words for piece in group]
        special = [piece.token for group in self._groups for piece in group if piece.kind == "special"]

        # How many words became how many pieces
        signs = sum(not any(map(str.isalnum, _spelled(group))) for group in words)
        others = len(words) - signs
        counted = ngettext("{n:,} word", "{n:,} words", others).format(n=others)
        if signs:
            text = _("{words} and {signs}")
            counted_signs = ngettext("{n:,} sign", "{n:,} signs", signs).format(n=signs)
            counted = text.format(words=counted, signs=counted_signs)
        text = _("{words} became {tokens}, beside {special}") if special else _("{words} became {tokens}")
        tokens = ngettext("{n:,} token", "{n:,} tokens", len(pieces)).format(n=len(pieces))
        clauses = [text.format(words=counted, tokens=tokens, special=" ".join(special))]

        # Which words were split, and which pieces are unknown
        split = [
            f"{_short(_spelled(group))} → {' '.join(piece.token for piece in group)}"
            for group in words
            if len(group) > 1
        ]
        unknown = [_short(piece.original) for piece in pieces if piece.kind == "unknown"]
        text = _("{count} split: {words}") if split else _("none was split")
        clauses.append(text.format(count=len(split), words=_first(split)))
        text = _("{count} unknown: {tokens}") if unknown else _("none is unknown")
        clauses.append(text.format(count=len(unknown), tokens=_first(unknown)))

        # What the model would not see
        limit = self.tokenizer.model_max_length
        excess = len(pieces) + len(special) - limit
        sentences = [f"{'; '.join(clauses)}."]
        if excess > 0:
            text = _("The model takes {limit} tokens: the last {excess} would be cut.")
            sentences.append(text.format(limit=limit, excess=excess))
        return " ".join(sentences)

    def picture(self) -> Picture:
        """Draw the chips as a figure, at most the first 200."""
        figure = _boxes(_shortened(self._groups))
        figure.alt = _("A box for each token, with its number.") + f" {self.sentence()}"
        return figure


def _words(tokenizer, text: str) -> list[list[_Piece]]:
    """Group the tokens of `text` by the word they come from; each special token is a group of its own."""
    encoding = tokenizer(text, return_offsets_mapping=True, verbose=False)
    tokens = encoding.tokens()
    words = encoding.word_ids()
    pieces = []
    for number, (token, word) in enumerate(zip(tokens, words)):
        token_id = encoding["input_ids"][number]
        start, end = encoding["offset_mapping"][number]

        # The kind of the piece: the unknown token is one of the special ones, too
        if token_id == tokenizer.unk_token_id:
            kind = "unknown"
        elif word is None or token_id in tokenizer.all_special_ids:
            kind = "special"
        else:
            kind = "known"

        # The word it belongs to
        group = ("special", number) if kind == "special" else ("word", word)
        pieces.append((group, _Piece(token, token_id, text[start:end].strip(), kind)))
    return [[piece for key, piece in members] for key, members in groupby(pieces, key=lambda pair: pair[0])]


def _spelled(group: list[_Piece]) -> str:
    return "".join(piece.original for piece in group)


def _short(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _first(items: list[str], most: int = 5) -> str:
    """List the first items, and say how many more there are."""
    listed = ", ".join(items[:most])
    more = len(items) - most
    return listed if more <= 0 else _("{items} and {count} more").format(items=listed, count=more)


def _shortened(groups: list[list[_Piece]]) -> list[list[_Piece]]:
    """Return the groups up to the 200th piece."""
    kept = []
    pieces = 0
    for group in groups:
        pieces += len(group)
        if pieces > _MOST_PIECES:
            break
        kept.append(group)
    return kept


def _chips(groups: list[list[_Piece]]) -> str:
    """Return HTML with a chip per token, and a frame around the pieces of each word that was split."""
    shown = _shortened(groups)
    left_out = sum(map(len, groups)) - sum(map(len, shown))
    more = ngettext("… and {n:,} more token", "… and {n:,} more tokens", left_out).format(n=left_out)
    more = f"<span>{escape(more)}</span>" if left_out else ""
    return f'<div style="{_PANEL}">{"".join(map(_group, shown))}{more}</div>'


def _group(group: list[_Piece]) -> str:
    style = _WORD
    title = _spelled(group) or _("special token")
    if len(group) > 1:
        style = _WORD + _SPLIT
        text = _("one word, {count} tokens: {word}")
        title = text.format(count=len(group), word=_spelled(group))
    chips = "".join(map(_chip, group))
    return f'<span style="{style}" title="{escape(title)}">{chips}</span>'


def _chip(piece: _Piece) -> str:
    below = [str(piece.id)]
    if piece.kind == "unknown":
        below.append(_("unknown: {text}").format(text=_short(piece.original)))
    token = f'<b style="{_TOKEN}">{escape(piece.token)}</b>'
    lines = "".join(f'<span style="{_BELOW}">{escape(line)}</span>' for line in below)
    return f'<span style="{_CHIP}{_STYLES[piece.kind]}">{token}{lines}</span>'


def _boxes(groups: list[list[_Piece]]) -> Picture:
    """Draw each token in a box, with its id below, line by line. The boxes of a split word touch."""
    # A figure as high as its lines, in inches
    lines = _lines(groups)
    height = 0.25 + 0.5 * len(lines)
    figure = Picture(figsize=(9, height), dpi=150)

    # The boxes
    style = {"ha": "center", "va": "center"}
    for row, line in enumerate(lines):
        y = 1 - (0.3 + 0.5 * row) / height
        for column, piece in line:
            x = 0.015 + 0.97 * column / _LINE
            box = {"boxstyle": "round,pad=0.25", **_BOXES[piece.kind]}
            token = drawable(_short(piece.token), _FONT)
            # The boxes are light in every style
            figure.text(
                x,
                y,
                token,
                family=families(_FONT),
                size=11,
                color="black",
                parse_math=False,
                bbox=box,
                **style,
            )
            figure.text(x, y - 0.21 / height, str(piece.id), family=_FONT, size=7, alpha=0.65, **style)
    return figure


def _lines(groups: list[list[_Piece]]) -> list[list[tuple[float, _Piece]]]:
    """Place the pieces: each line is a list of (column of the piece's middle in characters, piece).

    A word that does not fit into the rest of a line starts a new one, so its pieces stay together.
    """
    lines = [[]]
    column = 0.0
    for group in groups:
        # A new line, if the word does not fit into this one
        widths = [max(wcswidth(_short(piece.token)) + 0.9, 0.7 * len(str(piece.id))) for piece in group]
        if column and column + sum(widths) > _LINE:
            lines.append([])
            column = 0.0

        # The pieces of the word, and a space after them
        for piece, width in zip(group, widths):
            lines[-1].append((column + width / 2, piece))
            column += width
        column += 1.2
    return lines
