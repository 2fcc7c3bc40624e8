"""Protects a reader of the README from a picture that is broken, slow to load or too small to read.

Red? `python -m helpers.tools.pictures` takes the pictures again.
"""

import re

import pytest
from notebook_files import ROOT
from PIL import Image

PICTURES = [
    f"docs/pictures/{subject}-{theme}.png" for subject in ("lab", "result") for theme in ("dark", "light")
]


@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_is_a_small_file_and_wide_enough_to_read(name):
    path = ROOT / name
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width >= 600
    assert path.stat().st_size < 300_000


def test_the_readme_shows_exactly_these_pictures_each_in_a_light_and_a_dark_theme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    elements = re.findall(r"<picture>.*?</picture>", text, re.DOTALL)
    named = []
    for element in elements:
        [dark] = re.findall(r'<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">', element)
        [light] = re.findall(r'<img src="([^"]+)"', element)
        assert light == dark.replace("-dark.png", "-light.png")
        named += [dark, light]
    assert sorted(named) == PICTURES
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/pictures").iterdir()} == set(PICTURES)
