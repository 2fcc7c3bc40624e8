"""Set the arguments of `Trainer` that no lesson is about: folders, logging, saving, precision."""

from __future__ import annotations

from pathlib import Path

from helpers.language import _
from helpers.machine import Machine
from helpers.train.checkpoints import KEEP
from helpers.train.folder import own_folder


def housekeeping(machine: Machine, folder: str | Path, **changed) -> dict:
    """Return the other arguments of `TrainingArguments`, and print one line for each: its value and why.

    `machine` decides the precision and the size of the evaluation's batches. The checkpoints go to `folder`,
    or to another one beside it if a running notebook uses `folder`: see `own_folder`. `changed` are arguments
    that a notebook sets in its own way. Without checkpoints, nothing says when to save them.
    """
    half, why = {
        "bf16": ({"bf16": True}, _("16-bit numbers, because they are faster on this machine")),
        "fp16": ({"fp16": True}, _("16-bit numbers, because they are faster on this GPU")),
        "float32": ({"bf16": False}, _("32-bit numbers, because 16 bits are no faster here")),
    }[machine.precision]
    reasons = {
        "output_dir": _("the folder for checkpoints"),
        "seed": _("the same random numbers in each training"),
        "train_sampling_strategy": _("texts of similar length share a batch"),
        "per_device_eval_batch_size": _("an evaluation needs less memory for a text"),
        "bf16": why,
        "fp16": why,
        "use_cpu": _("the setup cell found: {machine.device}").format(machine=machine),
        "dataloader_pin_memory": _("True makes the way to a GPU faster"),
        "logging_steps": _("as a share of all steps: about 75 points in the curve"),
        "logging_first_step": _("the curve begins at the first step"),
        "logging_nan_inf_filter": _("show it if the loss is no number any more"),
        "save_strategy": _("save a checkpoint on the way …"),
        "save_steps": _("… after each fifth of the steps"),
        "save_total_limit": _("… and keep this many of them"),
        "report_to": _("send nothing to a logging service"),
        "disable_tqdm": _("show a bar, and a table of the evaluations"),
    }
    arguments = {
        "output_dir": str(own_folder(folder)),
        "seed": 42,
        "train_sampling_strategy": "group_by_length",
        "per_device_eval_batch_size": machine.eval_batch_size,
        **half,
        "use_cpu": machine.device == "cpu",
        "dataloader_pin_memory": machine.device == "cuda",
        # A number below 1 is a share of the planned steps. The default, 500 steps, would log nothing here.
        "logging_steps": 0.013,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps",
        "save_steps": 0.2,
        "save_total_limit": KEEP,
        "report_to": "none",
        "disable_tqdm": False,
    } | changed
    reasons |= dict.fromkeys(changed, _("as this notebook sets it"))
    if arguments["save_strategy"] == "no":
        del arguments["save_steps"], arguments["save_total_limit"]
    for name, value in arguments.items():
        shown = "…/" + "/".join(Path(value).parts[-2:]) if name == "output_dir" else repr(value)
        print(f"{name + '=' + shown:50}  {reasons[name]}")
    return arguments
