"""Settings → the Python that reproduces them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum


def training_arguments_code(args, settings: Mapping) -> str:
    """The `TrainingArguments(…)` call that gives `args`, and the sample it was used on.

    What equals the library's default is left out. `settings` holds the panel's values, "train_size" among them.
    """
    default = type(args)(output_dir=args.output_dir)
    changed = {field.name: getattr(args, field.name) for field in dataclasses.fields(args) if field.init}
    changed = {name: value for name, value in changed.items() if value != getattr(default, name) or name in settings}
    changed.pop("do_eval", None)  # follows from eval_strategy
    changed.pop("disable_tqdm", None)  # whether bars are shown
    changed = {"output_dir": args.output_dir} | changed
    lines = [f"    {name}={_literal(value)}," for name, value in changed.items()]
    return "\n".join([f"train_size = {settings['train_size']}", "args = TrainingArguments(", *lines, ")"])


def assignments_code(args, settings: Mapping) -> str:
    """One assignment per setting, for a training loop of one's own."""
    return "\n".join(f"{name} = {_literal(value)}" for name, value in settings.items())


def _literal(value) -> str:
    return repr(value.value if isinstance(value, Enum) else value)
