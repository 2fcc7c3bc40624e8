"""Protects a reader who cannot see from a picture that is only seen."""

import re

import pytest
from alternatives import Pictures, says_too_little
from notebook_files import NOTEBOOKS, ROOT, read

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
} | {
    path.name: "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for path in NOTEBOOKS
}


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_of_a_text_has_an_alternative_text(page):
    """A badge is named in words; a picture of ours is told in words and numbers."""
    text = PAGES[page]
    assert [alt for alt in re.findall(r"!\[(.*?)\]", text, re.DOTALL) if len(alt.split()) < 2] == []
    assert [img for img in Pictures(text).found if says_too_little(img.get("alt"))] == []


def test_the_pictures_are_found():
    """A test that finds no picture would be green whatever the pictures say."""
    assert len(Pictures(PAGES["README.md"]).found) >= 2
    assert all("![Open in Colab]" in PAGES[path.name] for path in NOTEBOOKS)
