"""Settings → the Python that reproduces them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from functools import cache


def training_arguments_code(args, settings: Mapping) -> str:
    """The `TrainingArguments(…)` call for `args` with `settings` in place of its own, and the training with it.

    What equals the library's default is left out, unless it is one of the settings. "train_size" is no argument of the
    library's. No `TrainingArguments` is made here: each new one resets what a `Trainer` that is running shares with it.
    """
    default = _default(type(args), args.output_dir)
    changed = {
        field.name: getattr(args, field.name) for field in dataclasses.fields(args)
        if field.init and getattr(args, field.name) != getattr(default, field.name)
    }
    changed = {"output_dir": args.output_dir} | changed | {name: value for name, value in settings.items() if name != "train_size"}
    changed.pop("do_eval", None)  # follows from eval_strategy
    lines = [f"    {name}={_literal(value)}," for name, value in changed.items()]
    return "\n".join(["args = TrainingArguments(", *lines, ")", "again = Run(\"pasted\")", f"train(args, again, {settings['train_size']})"])


def assignments_code(args, settings: Mapping) -> str:
    """One assignment per setting, and the training with them."""
    assignments = [f"{name} = {_literal(value)}" for name, value in settings.items()]
    names = ", ".join(f"{name}={name}" for name in settings if name != "train_size")
    call = ["import dataclasses", f"args = dataclasses.replace(args, {names})", 'again = Run("pasted")', "train(args, again, train_size)"]
    return "\n".join([*assignments, *call])


@cache
def _default(kind: type, output_dir: str):
    return kind(output_dir=output_dir)


def _literal(value) -> str:
    return repr(value.value if isinstance(value, Enum) else value)
