"""Train with examples/loop_accelerate.py several times, in processes forked from this one.

The libraries are imported once for all, which takes longer than all trainings. Standard input holds a list of
trainings in JSON: the number of processes, the options, and a file for what goes wrong.
"""

import json
import sys
from pathlib import Path

from accelerate import Accelerator, notebook_launcher
from torch.multiprocessing import start_processes

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import loop_accelerate


def train(options: list[str], failure: str) -> None:
    """Train, and write an error into the file `failure`: only the processes themselves see it."""
    try:
        loop_accelerate.main(options)
    except (RuntimeError, ValueError) as error:
        Path(failure).write_text(str(error), encoding="utf-8")


def train_first(index: int, *arguments) -> None:
    train(*arguments)


def train_alone(*arguments) -> None:
    """Train as if the script made Accelerator() without cpu=True."""
    loop_accelerate.Accelerator = lambda cpu, **named: Accelerator(**named)
    train(*arguments)


for training in json.load(sys.stdin):
    arguments = (training["options"], training["failure"])
    if training["processes"] == 1:
        # Forked, too: after a training in this process, autograd's threads would be missing in all forks
        start_processes(train_first, arguments, nprocs=1, start_method="fork")
    else:
        notebook_launcher(train_alone if training["alone"] else train, arguments, training["processes"])
    print("The end", flush=True)
