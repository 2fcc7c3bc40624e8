"""Ask whether a tokenizer, and so its model, knows the language of some texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from helpers.language import _

_HANGUL = re.compile("[가-힣]")
# Scripts without spaces between words: pieces a word would say nothing
_WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u4e00-\u9fff]")
_MOST_UNKNOWN = 0.02
_MOST_PIECES = 2.5


@dataclass(frozen=True)
class LanguageCheck:
    """How a tokenizer reads some texts: the share of unknown pieces (0 … 1), and the pieces of a word.

    `advice` names a model that knows the language better; "" if this one knows it.
    """

    unknown: float
    pieces_a_word: float
    advice: str

    def sentence(self) -> str:
        """Say it in words and numbers."""
        numbers = _(
            "{unknown:.1%} of the pieces are unknown, and a word falls into {pieces:.1f} pieces."
        ).format(unknown=self.unknown, pieces=self.pieces_a_word)
        advice = self.advice or _("The tokenizer knows this language.")
        return f"{numbers} {advice}"


def language_check(texts: Sequence[str], tokenizer, most: int = 500) -> LanguageCheck:
    """Cut up to `most` texts into pieces, and say whether the model can read them.

    A model learns nothing of an unknown piece ([UNK]), and little of words that fall into single letters.
    Raises ValueError if there is no text.
    """
    texts = [text for text in texts[:most] if text.strip()]
    if not texts:
        raise ValueError(_("Expected at least one text that is not empty."))
    pieces = [piece for text in texts for piece in tokenizer.tokenize(text[:5_000])]
    words = sum(len(text[:5_000].split()) for text in texts)
    unknown = sum(piece == tokenizer.unk_token for piece in pieces) / max(1, len(pieces))
    ratio = len(pieces) / max(1, words)

    letters = "".join(texts)
    spaced = len(_WITHOUT_SPACES.findall(letters)) < 0.2 * len(letters)
    if unknown <= _MOST_UNKNOWN and (ratio <= _MOST_PIECES or not spaced):
        return LanguageCheck(unknown, ratio, "")
    if len(_HANGUL.findall(letters)) > 0.2 * len(letters):
        advice = _(
            'This model hardly knows the language of these texts: take the profile "korean" (klue/bert-base).'
        )
    else:
        advice = _(
            "This model hardly knows the language of these texts: "
            "take google-bert/bert-base-multilingual-cased."
        )
    return LanguageCheck(unknown, ratio, advice)
