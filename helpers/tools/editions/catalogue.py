"""The catalogue of one language: what there is to translate, and what has been translated (GNU gettext)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file

from helpers.language import LOCALE

ROOT = Path(__file__).resolve().parents[3]
DOMAINS = ("helpers", "notebooks", "pages")
_KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
_ONCE = datetime(2026, 11, 28, tzinfo=UTC)  # a date that changes would make every build differ

Found = tuple[str | tuple[str, str], str]  # a message, or one and many, and where it stands


def po_path(language: str, domain: str, root: Path = LOCALE) -> Path:
    """Return the file that holds one domain of a language: "helpers", "notebooks" or "pages"."""
    return root / language / "LC_MESSAGES" / f"{domain}.po"


def in_helpers() -> Iterator[Found]:
    """Yield what the helpers say: each argument of `_`, `N_` and `ngettext`."""
    for path in sorted((ROOT / "helpers").rglob("*.py")):
        for _, message, _, _ in extract_from_file("python", str(path), keywords=_KEYWORDS):
            yield message, path.relative_to(ROOT).as_posix()


def read(path: Path, language: str) -> Catalog:
    """Return the catalogue at `path`, or an empty one."""
    if not path.is_file():
        return _empty(language)
    with path.open("rb") as file:
        return pofile.read_po(file, locale=language)


def updated(old: Catalog, found: Iterable[Found]) -> Catalog:
    """Return the catalogue of what was found now, with the translations of `old`.

    A message that has changed a little keeps its translation as "fuzzy", for a translator to look at. What
    is found no longer stays at the end as "unused".
    """
    template = _empty(str(old.locale))
    for message, where in found:
        template.add(message, locations=[(where, None)])
    old.update(template, update_header_comment=False)
    for key in [key for key, message in old.obsolete.items() if not any(_forms(message))]:
        del old.obsolete[key]
    old.creation_date = old.revision_date = _ONCE
    return old


def missing(catalogue: Catalog) -> list[Message]:
    """Return the messages without a translation."""
    return [message for message in catalogue if message.id and not any(_forms(message))]


def fuzzy(catalogue: Catalog) -> list[Message]:
    """Return the messages whose English has changed since they were translated."""
    return [message for message in catalogue if message.id and message.fuzzy]


def lookup(catalogue: Catalog) -> dict[str, str]:
    """Return the translation of each message that has a current one, by its English."""
    return {
        _one(message.id): _forms(message)[0]
        for message in catalogue
        if message.id and not message.fuzzy and any(_forms(message))
    }


def as_po(catalogue: Catalog) -> bytes:
    """Return the catalogue as a translator edits it."""
    file = io.BytesIO()
    pofile.write_po(file, catalogue, width=0, include_lineno=False, sort_by_file=False)
    return file.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """Return the catalogue as `gettext` reads it."""
    file = io.BytesIO()
    mofile.write_mo(file, catalogue)
    return file.getvalue()


def _empty(language: str) -> Catalog:
    return Catalog(
        locale=language,
        project="finetuning-course",
        version="",
        msgid_bugs_address="",
        last_translator="",
        language_team="",
        creation_date=_ONCE,
        revision_date=_ONCE,
        fuzzy=False,
        header_comment="# Edit the translations here, then run: python -m helpers.tools.korean",
    )


def _one(message_id: str | tuple[str, str]) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]


def _forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)
