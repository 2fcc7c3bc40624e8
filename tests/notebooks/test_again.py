"""Protects a learner who runs a cell a second time: it does its work again, or has nothing left to do."""

import types
from unittest.mock import Mock

import pytest
from notebook_files import NOTEBOOKS, code_cells

pytestmark = pytest.mark.faults


def test_memory_can_be_freed_again_and_again(capsys):
    """A `NameError` sent the learner to the cell that trains, in order to free what a training takes."""
    (source,) = (cell.source for cell in code_cells(NOTEBOOKS[1]) if cell.id == "free")
    names = {name: Mock() for name in ("panel", "model", "trainer", "classify")}
    names["machine"] = types.SimpleNamespace(device="cpu")
    for _ in range(2):
        exec(source, names)
        assert not {"model", "trainer", "classify"} & names.keys()
    # `own` alone was run again
    names["classify"] = Mock()
    exec(source, names)
    assert "classify" not in names and capsys.readouterr().out.count("Freed the optimizer") == 3
