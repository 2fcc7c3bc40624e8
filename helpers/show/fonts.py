"""Draw words in any script. matplotlib's own font has no Hangul, Han, Arabic or Thai, and draws boxes."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager, rcParams

# These hold pictures of letters that matplotlib cannot draw, or a box for each letter
_UNUSABLE = ("emoji", "last resort", "lastresort", "adobe blank", "symbol", "icon", "awesome")
# Look into these first: they have whole scripts
_WELL_KNOWN = ("cjk", "nanum", "malgun", "gothic", "noto sans")


def drawable(text: str, first: str | None = None) -> str:
    """Return `text` with "?" in place of each character that no font of this system has.

    Fonts that have the others are added to `rcParams["font.family"]`, behind matplotlib's own, so whatever
    is drawn next finds them. `first` names the font to look into first; by default it is the usual one.
    """
    family = font_manager.FontProperties(family=[first or rcParams["font.family"][0]])
    usual = _font(font_manager.findfont(family))
    return "".join(
        one if one.isspace() or usual.get_char_index(ord(one)) or _add_font_with(one) else "?" for one in text
    )


def families(first: str) -> list[str]:
    """Return the font `first`, and behind it those that `drawable` has added."""
    return [first, *rcParams["font.family"]]


def _add_font_with(character: str) -> bool:
    name = _font_with(character)
    if name is not None and name not in rcParams["font.family"]:
        rcParams["font.family"] = [*rcParams["font.family"], name]
    return name is not None


@cache
def _font_with(character: str) -> str | None:
    """Return the name of a font of this system that has the character; None if none has."""
    for entry in _fonts():
        font = _font(entry.fname)
        if font is not None and font.get_char_index(ord(character)):
            return entry.name
    return None


@cache
def _fonts() -> list[font_manager.FontEntry]:
    usable = [
        entry
        for entry in font_manager.fontManager.ttflist
        if not any(word in entry.name.lower() for word in _UNUSABLE)
    ]
    return sorted(
        usable,
        key=lambda entry: (
            not any(word in entry.name.lower() for word in _WELL_KNOWN),
            entry.style != "normal",
            str(entry.weight) not in ("400", "normal", "regular"),
            entry.name,
        ),
    )


@cache
def _font(path: str):
    try:
        return font_manager.get_font(path)
    except (OSError, RuntimeError):
        return None  # a font file that is damaged, or gone since the list was made
