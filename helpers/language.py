"""The language in which the course speaks to the learner: English, or one that has a catalogue in `locale`.

A sentence with values is `_("{n} texts").format(n=…)`, and one with a number that decides its form
`ngettext("{n} text", "{n} texts", n).format(n=n)`. A constant is made before the language is chosen: mark it
with `N_("…")`, and translate it with `_` where it is shown. The catalogues are GNU gettext's.
"""

from __future__ import annotations

import gettext
import re
from pathlib import Path

ENGLISH = "en"
LOCALE = Path(__file__).with_name("locale")
_DOMAIN = "helpers"
_catalogue = gettext.NullTranslations()
_language = ENGLISH


def choose(language: str) -> None:
    """Speak `language` from now on. Raises ValueError if it is not English and has no catalogue."""
    global _catalogue, _language
    if language not in languages():
        raise ValueError(f"Expected a language, one of {', '.join(languages())}, got {language!r}.")
    _catalogue = (
        gettext.NullTranslations()
        if language == ENGLISH
        else gettext.translation(_DOMAIN, LOCALE, languages=[language])
    )
    _language = language


def chosen() -> str:
    """Return the language that was chosen: "en", "ko", …"""
    return _language


def languages() -> list[str]:
    """Return all languages that the course speaks, English first."""
    catalogues = LOCALE.glob(f"*/LC_MESSAGES/{_DOMAIN}.mo")
    return [ENGLISH, *sorted(path.parent.parent.name for path in catalogues)]


def _(text: str) -> str:
    """Return `text` in the chosen language, or as it is where the catalogue lacks it."""
    return _catalogue.gettext(text) if text else text  # gettext keeps its own header under ""


def ngettext(one: str, many: str, n: int) -> str:
    """Return `one` or `many`, as `n` needs it, in the chosen language."""
    return _catalogue.ngettext(one, many, n)


def N_(text: str) -> str:
    """Mark a constant for the catalogue, and return it as it is."""
    return text


def padded(text: str, width: int) -> str:
    """Return `text` with spaces up to `width` columns of the screen, of which a Hangul syllable takes two."""
    import wcwidth  # comes with IPython; `setup` may have to install that first

    return text + " " * max(0, width - wcwidth.wcswidth(text))


def wrapped(text: str, width: int) -> list[str]:
    """Break `text` between its words into lines of at most `width` columns of the screen."""
    import wcwidth

    lines = []
    for word in re.findall(r"\S+\s*", text):
        if lines and wcwidth.wcswidth((lines[-1] + word).rstrip()) <= width:
            lines[-1] += word
        else:
            lines.append(word)
    return [line.rstrip() for line in lines]
