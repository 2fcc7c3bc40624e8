"""One edition: the notebooks, the README and the documents in another language, and what each is made of."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from helpers.language import ENGLISH, LOCALE
from helpers.tools.editions import code, prose
from helpers.tools.editions.catalogue import ROOT, Found
from helpers.tools.questions import folded, questions_of

Translate = Callable[[str], str]

QUESTIONS = "questions"  # the cell that helpers.tools.questions makes
_DOCUMENTS = ("glossary", "hosts", "teaching")
# A Markdown link's or an HTML attribute's target
_TARGET = re.compile(r'(?<=\]\()[^)\s]+|(?<=href=")[^"]+|(?<=src=")[^"]+|(?<=srcset=")[^"]+')
# The address of a notebook in a badge, as Colab and Studio Lab write it and as Binder does, or in a command
_NOTEBOOK = re.compile(r"(?<=[/= ])notebooks(/|%2F)(?=[\d*])")
_HEADING = re.compile(r"^(#+) (.*)$", re.M)
_FENCED = re.compile(r"^```.*?^```", re.M | re.S)
_LANGUAGE = re.compile(rf'language="{ENGLISH}"')


def sources(root: Path = ROOT) -> list[Path]:
    """Return the English files that an edition translates."""
    documents = [root / "docs" / f"{name}.md" for name in _DOCUMENTS]
    return [*sorted((root / "notebooks").glob("*.ipynb")), root / "README.md", *documents]


def twin(source: PurePosixPath, language: str) -> PurePosixPath:
    """Return the file that translates `source`; both are relative to the root."""
    if source.parent == PurePosixPath("."):
        return source.with_suffix(f".{language}{source.suffix}")
    return source.parent / language / source.name


def messages(path: Path) -> Iterator[Found]:
    """Yield each piece of an English file with the place where it stands."""
    found: list[Found] = []

    def look(where: str) -> Translate:
        return lambda text: found.append((text, where)) or text

    if path.suffix == ".ipynb":
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["id"] != QUESTIONS:
                _cell_text(cell, look(f"{path.name}#{cell['id']}"))
    else:
        prose.translated(path.read_text(encoding="utf-8"), look(path.name))
    yield from found


class Edition:
    """The files of one language.

    `in_notebooks` and `in_pages` give the translation of a piece, or the piece itself.
    """

    def __init__(self, language: str, in_notebooks: Translate, in_pages: Translate, root: Path = ROOT):
        self.language = language
        self.in_notebooks = in_notebooks
        self.in_pages = in_pages
        self.root = root
        links = LOCALE / language / "links.toml"
        self.links = tomllib.loads(links.read_text(encoding="utf-8")) if links.is_file() else {}
        self.twins = {
            PurePosixPath(path.relative_to(root)): twin(PurePosixPath(path.relative_to(root)), language)
            for path in sources(root)
        }

    def files(self) -> dict[Path, str]:
        """Return the text of each file of this edition, by its path."""
        return {
            self.root / twin: self.notebook(source) if source.suffix == ".ipynb" else self.page(source)
            for source, twin in self.twins.items()
        }

    def page(self, source: PurePosixPath) -> str:
        """Return the translation of a Markdown file."""
        text = prose.translated((self.root / source).read_text(encoding="utf-8"), self.in_pages)
        return self._with_links(text, source)

    def notebook(self, source: PurePosixPath) -> str:
        """Return the translation of a notebook: the same cells, with the same ids, in the same order."""
        notebook = json.loads((self.root / source).read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["id"] == QUESTIONS:  # made from what the helpers say
                text = folded(questions_of(source), self.in_notebooks)
            else:
                text = _LANGUAGE.sub(f'language="{self.language}"', _cell_text(cell, self.in_notebooks))
            if cell["cell_type"] == "markdown":
                text = self._with_links(text, source)
            cell["source"] = text.splitlines(keepends=True)
        return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"

    def _with_links(self, text: str, source: PurePosixPath) -> str:
        text = _TARGET.sub(lambda found: self._target(found[0], source), text)
        return _NOTEBOOK.sub(rf"\g<0>{self.language}\g<1>", text)  # in badges and commands

    def _target(self, target: str, source: PurePosixPath) -> str:
        """Return where a link of the file `source` leads in this edition."""
        address, mark, anchor = target.partition("#")
        if "://" in target:
            return self.links.get(address, address) + mark + anchor
        # A file of ours: its twin, if it has one, seen from the twin of this file
        here = self.twins[source]
        file = PurePosixPath(os.path.normpath(source.parent / address)) if address else source
        if here == file:  # the English file links its twin, and the twin links back
            return os.path.relpath(source, here.parent).replace(os.sep, "/")
        anchor = self._anchor(file, anchor) if anchor else ""
        there = self.twins.get(file, file)
        relative = os.path.relpath(there, here.parent).replace(os.sep, "/") if address else ""
        return relative + mark + anchor

    def _anchor(self, file: PurePosixPath, anchor: str) -> str:
        """Return the anchor of the translated heading that `anchor` names in a page of ours."""
        if file not in self.twins or file.suffix == ".ipynb":
            return anchor
        english = _FENCED.sub("", (self.root / file).read_text(encoding="utf-8"))
        for _, heading in _HEADING.findall(english):
            if slug(heading) == anchor:
                return slug(self.in_pages(heading.strip()))
        return anchor


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    plain = re.sub(r"[*`]|\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _cell_text(cell: dict, translate: Translate) -> str:
    """Return the text of a cell, translated. The setup cell is the same in all languages."""
    text = "".join(cell["source"])
    if cell["id"] == "setup":
        return text
    if cell["cell_type"] == "code":
        return code.translated(text, translate)
    return prose.translated(text, translate, lambda inside: code.translated(inside, translate))
