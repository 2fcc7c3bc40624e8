"""Write the Python that repeats a training with the settings of the sliders."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from functools import cache

from helpers.language import _
from helpers.show.lab.controls import MODEL_SETTINGS, OWN


def training_arguments_code(args, settings: Mapping) -> str:
    """Write the `TrainingArguments(…)` call for `args` changed by `settings`, and the call that trains.

    The code names the settings, and those arguments that differ from the library's defaults. Settings that
    are no arguments of the library go to `train`.
    """
    # The arguments that differ from the library's defaults, and the settings
    default = _default(type(args), args.output_dir)
    changed = {
        field.name: getattr(args, field.name)
        for field in dataclasses.fields(args)
        if field.init and getattr(args, field.name) != getattr(default, field.name)
    }
    changed = {"output_dir": args.output_dir} | changed | dict(settings)
    changed = {name: value for name, value in changed.items() if name not in OWN}
    changed.pop("do_eval", None)  # follows from eval_strategy

    # The code
    given = [f"{name}={_literal(settings[name])}" for name in MODEL_SETTINGS if name in settings]
    lines = [f"    {name}={_literal(value)}," for name, value in changed.items()]
    return "\n".join(
        [
            "args = TrainingArguments(",
            *lines,
            ")",
            'again = Run("pasted")',
            *_start_lines(settings),
            f"train({', '.join(['args', 'again', repr(settings['train_size']), *given])})",
        ]
    )


def assignments_code(args, settings: Mapping) -> str:
    """Write one assignment per setting, and the call that trains with them."""
    assignments = [f"{name} = {_literal(value)}" for name, value in settings.items()]
    names = ", ".join(f"{name}={name}" for name in settings if name not in OWN)
    given = [f"{name}={name}" for name in MODEL_SETTINGS if name in settings]
    call = [
        "import dataclasses",
        f"args = dataclasses.replace(args, {names})",
        'again = Run("pasted")',
        *_start_lines(settings),
        f"train({', '.join(['args', 'again', 'train_size', *given])})",
    ]
    return "\n".join([*assignments, *call])


def _start_lines(settings: Mapping) -> list[str]:
    """Write the library's lines for `start` and `freeze`, as comments: `train` itself runs them."""
    lines = []
    if settings.get("start") == "random weights":
        comment = _("no from_pretrained")
        lines += [f"model = AutoModelForSequenceClassification.from_config(config)  # {comment}"]
    if settings.get("start") == "frozen body":
        comment = _("the classifier on top still learns")
        lines += [f"model.base_model.requires_grad_(False)  # {comment}"]
    elif settings.get("freeze"):
        lines += [
            "model.base_model.embeddings.requires_grad_(False)",
            f"model.base_model.encoder.layer[:{settings['freeze']}].requires_grad_(False)",
        ]
    lines = [_("In train, the model is made like this:"), *lines] if lines else []
    return [f"# {line}" for line in lines]


@cache
def _default(kind: type, output_dir: str):
    """Make the arguments that the library takes by default.

    They are made once, because each new `TrainingArguments` resets the state that a running `Trainer` uses.
    """
    return kind(output_dir=output_dir)


def _literal(value) -> str:
    return repr(value.value if isinstance(value, Enum) else value)
