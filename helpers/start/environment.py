"""Clear away what a shell or a machine brings for training in many processes: a notebook trains in one.

All functions do something in a Jupyter kernel only. A process that `torchrun` started is left alone.
"""

from __future__ import annotations

import os
import sys

from helpers.language import _

# accelerate reads these, and then waits for other processes. MPI's and Slurm's launchers set some of them.
_OF_A_GROUP = (
    "WORLD_SIZE",
    "RANK",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "GROUP_RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
    "PMI_SIZE",
    "PMI_RANK",
    "MPI_LOCALRANKID",
    "MPI_LOCALNRANKS",
    "OMPI_COMM_WORLD_SIZE",
    "OMPI_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "OMPI_COMM_WORLD_LOCAL_RANK",
    "MV2_COMM_WORLD_SIZE",
    "MV2_COMM_WORLD_RANK",
    "MV2_COMM_WORLD_LOCAL_SIZE",
    "MV2_COMM_WORLD_LOCAL_RANK",
)


def train_in_one_process() -> str:
    """Remove the variables that make `Trainer` one of several processes, or change how it trains.

    Return a sentence that names them; "" if there are none, or if this process must keep them.
    """
    # Find them
    if not _is_notebook():
        return ""
    found = [name for name in os.environ if name in _OF_A_GROUP or name.startswith("ACCELERATE_")]
    if not found:
        return ""

    # Remove them, and say so
    for name in found:
        del os.environ[name]
    return _(
        "removed in this kernel only: {variables}. Launchers and clusters set them. With "
        "them, a training here would wait for other processes, or compute something else."
    ).format(variables=", ".join(sorted(found)))


def train_on_one_gpu() -> str:
    """Let `Trainer` use one GPU, as the notebooks' own loops do. The others stay visible.

    By default, `Trainer` divides batches among all GPUs of a machine and multiplies their size. Then the
    planned steps would be wrong. Notebook 8 shows how to use all of them. Return a sentence
    if there are several GPUs; "" otherwise.
    """
    import torch

    # Nothing to do with one GPU
    count = torch.cuda.device_count()
    if count < 2 or not _is_notebook():
        return ""

    # `Trainer` asks its arguments how many GPUs to use
    from transformers import TrainingArguments

    count_all = TrainingArguments.n_gpu.fget
    TrainingArguments.n_gpu = property(lambda args: min(count_all(args), 1))
    return _(
        "the first of {count} GPUs. To take another, set CUDA_VISIBLE_DEVICES before Jupyter starts. "
        "Notebook 8 trains on all {count}."
    ).format(count=count)


def _is_notebook() -> bool:
    """Return whether this is a Jupyter kernel that no launcher of `torch.distributed` has started."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None and "TORCHELASTIC_RUN_ID" not in os.environ
