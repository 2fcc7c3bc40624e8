"""Build the Korean edition: notebooks/ko, README.ko.md and docs/ko, from the English files and a catalogue.

    python -m helpers.tools.korean

The command first brings the catalogue in `helpers/locale/ko` up to date: what is new has no translation
yet, and what has changed is marked "fuzzy". Put the translations there, remove the marks, and run the
command again. Never edit what it builds. `--language` names another language: a new catalogue is all that
it needs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from babel.messages.catalog import Catalog

from helpers.language import LOCALE
from helpers.tools.editions import catalogue
from helpers.tools.editions.edition import Edition, messages, sources


def found(domain: str) -> Iterable[catalogue.Found]:
    """Return what there is to translate in a domain."""
    if domain == "helpers":
        return catalogue.in_helpers()
    suffix = ".ipynb" if domain == "notebooks" else ".md"
    return (message for path in sources() if path.suffix == suffix for message in messages(path))


def built(language: str, locale: Path = LOCALE) -> tuple[dict[Path, bytes], dict[str, Catalog]]:
    """Return the content of each file that the edition consists of, and its catalogues by domain."""
    catalogues = {
        domain: catalogue.updated(
            catalogue.read(catalogue.po_path(language, domain, locale), language), found(domain)
        )
        for domain in catalogue.DOMAINS
    }
    files = {
        catalogue.po_path(language, domain, locale): catalogue.as_po(one)
        for domain, one in catalogues.items()
    }
    spoken = catalogue.po_path(language, "helpers", locale).with_suffix(".mo")
    files[spoken] = catalogue.as_mo(catalogues["helpers"])

    # The folded questions of a notebook are what the helpers say
    said, written, pages = (catalogue.lookup(catalogues[domain]) for domain in catalogue.DOMAINS)
    in_notebooks = said | written
    edition = Edition(language, lambda text: in_notebooks.get(text, text), lambda text: pages.get(text, text))
    files |= {path: text.encode() for path, text in edition.files().items()}
    return files, catalogues


def state(domain: str, one: Catalog) -> str:
    """Say how much of a catalogue is translated, and what is not."""
    missing, fuzzy = catalogue.missing(one), catalogue.fuzzy(one)
    done = len(one) - len(missing) - len(fuzzy)
    lines = [
        f"{domain}: {done} of {len(one)} translated, {len(missing)} missing, {len(fuzzy)} fuzzy, "
        f"{len(one.obsolete)} unused"
    ]
    for name, which in (("missing", missing), ("fuzzy", fuzzy)):
        lines += [f"  {name}: {message.locations[0][0]}: {message.id!r}" for message in which]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--language", default="ko")
    language = parser.parse_args().language

    files, catalogues = built(language)
    for path, content in files.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"written: {path}")
    print("\n".join(state(domain, one) for domain, one in catalogues.items()))
    if any(catalogue.missing(one) or catalogue.fuzzy(one) for one in catalogues.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
