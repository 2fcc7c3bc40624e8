"""Protects a learner from badges and clone addresses that lead nowhere after a repository is renamed."""

import itertools
import json
import shutil

import pytest
from notebook_files import NOTEBOOKS, ROOT, read

from helpers.tools import links

MOVED = "your-name/my.course"
ADDRESS = f"https://github.com/{links.current()}"


@pytest.fixture
def copy(tmp_path):
    """Copy what has links into a folder of its own."""
    for path in [*links.files(), ROOT / "pyproject.toml"]:
        (tmp_path / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    return tmp_path


@pytest.mark.parametrize("path", links.files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_agrees_with_the_address_and_with_the_files_path(path):
    """Dead badges are the commonest fault of such collections. If this fails, run `python -m
    helpers.tools.links` with the address of pyproject.toml.
    """
    assert links.rewritten(path, links.current()) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_has_its_badges_at_its_head_and_its_address_in_the_setup_cell(path):
    expected = links.badges(links.current(), f"notebooks/{path.name}")
    assert expected.count("](") == 6 and read(path).cells[0].source.splitlines()[2] == expected
    assert f'REPOSITORY = "{ADDRESS}"\n' in next(
        cell.source for cell in read(path).cells if cell.id == "setup"
    )


@pytest.mark.parametrize(
    ("path", "following"), list(itertools.pairwise(NOTEBOOKS)), ids=lambda path: path.stem
)
def test_the_foot_of_a_notebook_opens_the_next_one_on_the_same_host(path, following):
    """If a learner copies a notebook alone, the next one does not lie beside it."""
    assert links.badges(links.current(), f"notebooks/{following.name}") in read(path).cells[-1].source


def test_the_readme_has_the_badges_of_every_notebook_and_the_clone():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [
        path.name for path in NOTEBOOKS if links.badges(links.current(), f"notebooks/{path.name}") not in text
    ] == []
    assert f"git clone {ADDRESS}\n" in text


def test_nothing_else_names_the_address():
    """A place that the command does not know would keep the old address."""
    known = {*links.files(), ROOT / "pyproject.toml"}
    others = [
        path
        for folder in ("helpers", "binder", "tests", ".github")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    ]
    text = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in others
        if path not in known and "__pycache__" not in path.parts
    )
    assert len(text) > 100_000 and links.current() not in text


@pytest.mark.parametrize(
    "address",
    [f"https://github.com/{MOVED}", f"https://github.com/{MOVED}.git/", f"git@github.com:{MOVED}.git"],
)
def test_one_command_moves_them_all(copy, address):
    changed = links.move(address, copy)
    assert {path.relative_to(copy).as_posix() for path in changed} == {
        "README.md",
        "README.ko.md",
        "pyproject.toml",
        *(f"{folder}/{path.name}" for path in NOTEBOOKS for folder in ("notebooks", "notebooks/ko")),
    }
    for path in changed:
        text = path.read_text(encoding="utf-8")
        assert links.current() not in text and MOVED in text
    assert links.current(copy) == MOVED
    assert (
        f'REPOSITORY = "https://github.com/{MOVED}"'
        in read(copy / "notebooks" / NOTEBOOKS[0].name).cells[2].source
    )
    links.move(ADDRESS, copy)
    assert [
        path for path in links.files() if path.read_bytes() != (copy / path.relative_to(ROOT)).read_bytes()
    ] == [], "and back, to the byte"


def test_a_renamed_notebook_gets_badges_to_its_new_path(copy):
    old = copy / "notebooks" / NOTEBOOKS[0].name
    new = old.rename(old.with_name("01_renamed.ipynb"))
    links.move(ADDRESS, copy)
    head = json.loads(new.read_text(encoding="utf-8"))["cells"][0]["source"]
    assert links.badges(links.current(), "notebooks/01_renamed.ipynb") + "\n" in head


@pytest.mark.parametrize(
    "address",
    [
        "",
        "my-course",
        "https://example.org/a/b",
        "https://github.com/a",
        'https://github.com/a/b"; import os',
        "https://github.com/a/b/c",
    ],
)
def test_what_is_no_repository_on_github_is_refused(copy, address):
    """The address ends up in code that learners run."""
    with pytest.raises(ValueError, match=r"Expected https://github\.com/<owner>/<repository>, got"):
        links.move(address, copy)
