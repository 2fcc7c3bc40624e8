"""Protects a learner from what a cluster's shell leaves behind: the training hangs, or computes otherwise."""

import json
import os

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from notebook_files import ROOT

pytestmark = pytest.mark.faults

# As in a shell of a cluster, from which somebody starts JupyterLab
LEFT = {
    "WORLD_SIZE": "2",
    "RANK": "0",
    "LOCAL_RANK": "0",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29511",
    "ACCELERATE_MIXED_PRECISION": "bf16",
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4",
}
SETUP = "import helpers\nprofile, machine = helpers.setup('offline')"
ARGUMENTS = """
import json, tempfile
from transformers import TrainingArguments
args = TrainingArguments(output_dir=tempfile.mkdtemp(), use_cpu=True, report_to="none")
print(json.dumps([args.world_size, args.mixed_precision, args.parallel_mode.name]))
"""


def test_a_kernel_from_a_clusters_shell_trains_alone(tmp_path):
    """Without the setup cell's help, the second cell waits for another process for half an hour."""
    cells = [new_code_cell(source) for source in (SETUP, ARGUMENTS)]
    environment = os.environ | LEFT | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    client = NotebookClient(
        new_notebook(cells=cells), timeout=60, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute(env=environment)
    said, counted = ("".join(output.get("text", "") for output in cell.outputs) for cell in cells)
    assert json.loads(counted) == [1, "no", "NOT_PARALLEL"]
    assert "Shell     removed in this kernel only: ACCELERATE_GRADIENT_ACCUMULATION_STEPS" in said
    assert all(name in said for name in LEFT)
