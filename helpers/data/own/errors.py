"""What a file of yours can be refused for, and names that come close."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from helpers.language import _


class OwnDataError(ValueError):
    """A file cannot be used as it is. The message says what was expected, what was found and what to do."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.split()))  # what a library said may hold line breaks

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: the sentence, and no traceback."""
        return [f"OwnDataError: {self}"]


def nearest(name: str, names: Iterable[str]) -> str:
    """Return "Did you mean 'label'? " if one of `names` comes close to `name`; else ""."""
    by_lower = {str(other).lower(): other for other in names}
    close = get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.6)
    return _("Did you mean {name!r}? ").format(name=by_lower[close[0]]) if close else ""
