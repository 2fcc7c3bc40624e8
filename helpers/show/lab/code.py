"""Write the Python that repeats a training with the settings of the sliders."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from functools import cache


def training_arguments_code(args, settings: Mapping) -> str:
    """Write the `TrainingArguments(…)` call for `args` changed by `settings`, and the call that trains.

    The code names the settings, and those arguments that differ from the library's defaults. "train_size" is
    not an argument of the library.
    """
    # The arguments that differ from the library's defaults, and the settings
    default = _default(type(args), args.output_dir)
    changed = {
        field.name: getattr(args, field.name)
        for field in dataclasses.fields(args)
        if field.init and getattr(args, field.name) != getattr(default, field.name)
    }
    changed = {"output_dir": args.output_dir} | changed | dict(settings)
    del changed["train_size"]  # the panel's own setting
    changed.pop("do_eval", None)  # follows from eval_strategy

    # The code
    lines = [f"    {name}={_literal(value)}," for name, value in changed.items()]
    return "\n".join(
        [
            "args = TrainingArguments(",
            *lines,
            ")",
            'again = Run("pasted")',
            f"train(args, again, {settings['train_size']})",
        ]
    )


def assignments_code(args, settings: Mapping) -> str:
    """Write one assignment per setting, and the call that trains with them."""
    assignments = [f"{name} = {_literal(value)}" for name, value in settings.items()]
    names = ", ".join(f"{name}={name}" for name in settings if name != "train_size")
    call = [
        "import dataclasses",
        f"args = dataclasses.replace(args, {names})",
        'again = Run("pasted")',
        "train(args, again, train_size)",
    ]
    return "\n".join([*assignments, *call])


@cache
def _default(kind: type, output_dir: str):
    """Make the arguments that the library takes by default.

    They are made once, because each new `TrainingArguments` resets the state that a running `Trainer` uses.
    """
    return kind(output_dir=output_dir)


def _literal(value) -> str:
    return repr(value.value if isinstance(value, Enum) else value)
