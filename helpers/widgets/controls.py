"""The sliders of a training: one per argument, labelled with the library's own name, unabridged."""

from __future__ import annotations

import math
from collections.abc import Callable

import ipywidgets as widgets

from helpers.widgets.shown import faded

SCHEDULES = ("linear", "cosine", "polynomial", "constant", "constant_with_warmup", "inverse_sqrt")
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
EXPLANATIONS = {
    "learning_rate": "how far each step goes; the slider is logarithmic",
    "num_train_epochs": "how many times the training reviews are seen",
    "per_device_train_batch_size": "reviews per step; more of them make a steadier but rarer step",
    "warmup_steps": "share of the steps in which the learning rate grows from zero",
    "weight_decay": "how strongly weights are pulled towards zero",
    "train_size": "training reviews, from the start of the shuffled sample",
    "lr_scheduler_type": "how the learning rate changes over the steps",
    "seed": "the random classifier, dropout and the order of the reviews",
}


class Controls:
    """Widgets for the settings of `args`, and of `train_size` up to `train_rows`. `values()` is what they say."""

    def __init__(self, args, train_rows: int):
        self.widgets = _widgets(args, train_rows)
        self._defaults = {name: widget.value for name, widget in self.widgets.items()}
        self.box = widgets.VBox([_explained(name, widget) for name, widget in self.widgets.items()])

    def values(self) -> dict:
        """Settings by name, ready for `TrainingArguments`, "train_size" apart. The learning rate has two digits."""
        values = {name: widget.value for name, widget in self.widgets.items()}
        return values | {name: float(f"{values[name]:.2g}") for name in ("learning_rate", "warmup_steps", "weight_decay")}

    def set(self, **values) -> None:
        """Move sliders. Raises TypeError for a name that is no control's, ValueError for a value that it does not take."""
        if unknown := [name for name in values if name not in self.widgets]:
            raise TypeError(f"No setting is called {', '.join(unknown)}. There are: {', '.join(self.widgets)}.")
        for name, value in values.items():
            _set(name, self.widgets[name], value)

    def reset(self) -> None:
        self.set(**self._defaults)

    def observe(self, callback: Callable[[], None]) -> None:
        for widget in self.widgets.values():
            widget.observe(lambda change: callback(), names="value")


def _set(name: str, widget, value) -> None:
    low, high = getattr(widget, "min", None), getattr(widget, "max", None)
    if isinstance(widget, widgets.FloatLogSlider):
        low, high = widget.base**low, widget.base**high
    if low is not None and not low <= value <= high:
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {value!r}.")
    try:
        widget.value = value
    except Exception as error:  # TraitError, which says nothing of the name
        raise ValueError(f"{name} does not take {value!r}: {error}") from error


def _widgets(args, train_rows: int) -> dict[str, widgets.Widget]:
    scheduler = getattr(args.lr_scheduler_type, "value", args.lr_scheduler_type)
    step = max(1, min(50, train_rows // 20))
    if args.warmup_steps >= 1:
        raise ValueError(f"warmup_steps is a share of all steps here, below 1; got {args.warmup_steps}.")
    exponent = math.log10(args.learning_rate)
    return {
        "learning_rate": widgets.FloatLogSlider(
            value=args.learning_rate, base=10, min=min(-6, math.floor(exponent)), max=max(-1, math.ceil(exponent)), step=0.05, readout_format=".1e"
        ),
        "num_train_epochs": widgets.IntSlider(value=int(args.num_train_epochs), min=1, max=max(10, int(args.num_train_epochs))),
        "per_device_train_batch_size": widgets.SelectionSlider(
            value=args.per_device_train_batch_size, options=sorted({*BATCH_SIZES, args.per_device_train_batch_size})
        ),
        "warmup_steps": widgets.FloatSlider(value=args.warmup_steps, min=0, max=max(0.5, args.warmup_steps), step=0.05),
        "weight_decay": widgets.FloatSlider(value=args.weight_decay, min=0, max=max(0.3, args.weight_decay), step=0.01),
        "train_size": widgets.IntSlider(value=train_rows, min=min(step, train_rows), max=train_rows, step=step),
        "lr_scheduler_type": widgets.Dropdown(value=scheduler, options=sorted({*SCHEDULES, scheduler})),
        "seed": widgets.BoundedIntText(value=args.seed, min=0, max=2**31 - 1),
    }


def _explained(name: str, widget) -> widgets.VBox:
    widget.description = name
    widget.style.description_width = "15.5em"  # per_device_train_batch_size in full
    widget.layout.width = "auto"
    return widgets.VBox([widget, widgets.HTML(faded(EXPLANATIONS[name]))], layout=widgets.Layout(max_width="34em"))
