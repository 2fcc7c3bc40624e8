"""Protects a learner who chooses a file with the button, in Colab's ipywidgets 7 and in version 8."""

from types import SimpleNamespace

import pytest

from helpers.show import uploaded_file

SEVEN = {"a.csv": {"content": b"old"}, "b.csv": {"metadata": {"name": "b.csv"}, "content": b"text,label\n"}}
EIGHT = (
    {"name": "a.csv", "content": memoryview(b"old")},
    {"name": "b.csv", "content": memoryview(b"text,label\n")},
)


@pytest.mark.parametrize("value", [SEVEN, EIGHT], ids=["ipywidgets 7", "ipywidgets 8"])
def test_the_last_file_is_written(value, tmp_path):
    path = uploaded_file(SimpleNamespace(value=value), tmp_path / "new")
    assert path == tmp_path / "new" / "b.csv" and path.read_bytes() == b"text,label\n"


@pytest.mark.parametrize("value", [{}, ()])
def test_without_a_file_there_is_none(value, tmp_path):
    """Run All presses no button."""
    assert uploaded_file(SimpleNamespace(value=value), tmp_path) is None


def test_a_name_leads_to_no_other_folder(tmp_path):
    value = ({"name": "../../evil.csv", "content": b"x"},)
    path = uploaded_file(SimpleNamespace(value=value), tmp_path / "in")
    assert path == tmp_path / "in" / "evil.csv" and not (tmp_path.parent / "evil.csv").exists()
