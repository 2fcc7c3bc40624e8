"""Make the sliders of a training, one per argument. Each is labelled with the library's own full name."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

import ipywidgets as widgets

from helpers.language import N_, _
from helpers.show.shown import faded

SCHEDULES = ("linear", "cosine", "polynomial", "constant", "constant_with_warmup", "inverse_sqrt")
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
STARTS = ("pretrained", "frozen body", "random weights")
MODEL_SETTINGS = ("start", "freeze")
OWN = ("train_size", *MODEL_SETTINGS, "guess")  # settings of the panel; all others are `TrainingArguments`
NO_GUESS = -1.0  # the value of the guess until somebody chooses one
_GUESS = N_("my guess: accuracy")  # the only control that is not named as the library names it
EXPLANATIONS = {
    "learning_rate": N_("how far each step goes; the slider is logarithmic"),
    "num_train_epochs": N_("how many times the training texts are seen"),
    "per_device_train_batch_size": N_(
        "texts per step; larger batches give steadier steps, but fewer of them"
    ),
    "warmup_steps": N_("share of the steps in which the learning rate grows from zero"),
    "weight_decay": N_("how strongly weights are pulled towards zero"),
    "train_size": N_("how many texts of the shuffled sample to train on"),
    "lr_scheduler_type": N_("how the learning rate changes over the steps"),
    "seed": N_("decides what is random: the new classifier, dropout, the order of the texts"),
    "start": N_("the weights before the first step; in a frozen body, only the new classifier learns"),
    "freeze": N_("so many of the first layers, and the embeddings before them, keep their weights"),
    _GUESS: N_("the accuracy that you expect of the next run; each start of a run sets it to none"),
}


class Controls:
    """Widgets for the settings of `args`, and for `train_size` up to `train_rows`. `values()` reads them.

    With `layers`, the number of the model's layers, there are also `start` and `freeze`.
    """

    def __init__(self, args, train_rows: int, layers: int | None = None):
        self.widgets = _widgets(args, train_rows)
        if layers is not None:
            self.widgets["start"] = widgets.Dropdown(value=STARTS[0], options=STARTS)
            self.widgets["freeze"] = widgets.IntSlider(value=0, min=0, max=layers)
        self.defaults = self.values()
        # The guess is no setting of the training
        accuracies = [percent / 100 for percent in range(0, 101, 5)]
        options = [(_("none"), NO_GUESS), *((f"{accuracy:.2f}", accuracy) for accuracy in accuracies)]
        self.guess = widgets.Dropdown(options=options, value=NO_GUESS)

        # Each with its name and its tooltip; below them, a line says what the last one that moved does
        self._named = self.widgets | {_GUESS: self.guess}
        self._help = widgets.HTML(faded(_("Each control says here what it does when you move it.")))
        for name, widget in self._named.items():
            _label(widget, name)
            widget.observe(lambda change, name=name: self._explain(name), names="value")
        self.box = widgets.VBox([*self._named.values(), self._help])

    def values(self) -> dict:
        """Return the settings by name. All but those in `OWN` are arguments of `TrainingArguments`.

        The learning rate and the shares have two digits.
        """
        values = {name: widget.value for name, widget in self.widgets.items()}
        for name in ("learning_rate", "warmup_steps", "weight_decay"):
            values[name] = float(f"{values[name]:.2g}")
        return values

    def set(self, **values) -> None:
        """Move the named sliders. Raises TypeError for an unknown name, ValueError for an unfit value."""
        if unknown := [name for name in values if name not in self.widgets]:
            text = _("No setting is called {unknown}. There are: {names}.")
            raise TypeError(text.format(unknown=", ".join(unknown), names=", ".join(self.widgets)))
        for name, value in values.items():
            _set(name, self.widgets[name], value)

    def reset(self) -> None:
        """Move the sliders back to the defaults."""
        self.set(**self.defaults)

    def explanations(self) -> str:
        """Return all explanations as HTML, for who can neither hover over a control nor wants to move it."""
        lines = [f"<div><b>{_shown(name)}</b>: {escape(_(EXPLANATIONS[name]))}</div>" for name in self._named]
        return f'<div style="line-height:1.5">{"".join(lines)}</div>'

    def _explain(self, name: str) -> None:
        self._help.value = faded(f"{_shown(name)}: {_(EXPLANATIONS[name])}")

    def observe(self, callback: Callable[[], None]) -> None:
        """Call `callback()` whenever a slider moves."""
        for widget in self.widgets.values():
            widget.observe(lambda change: callback(), names="value")


def _set(name: str, widget, value) -> None:
    # The limits; the slider of the learning rate holds their exponents
    low = getattr(widget, "min", None)
    high = getattr(widget, "max", None)
    if isinstance(widget, widgets.FloatLogSlider):
        low = widget.base**low
        high = widget.base**high
    if low is not None and not low <= value <= high:
        text = _("{name} must lie between {low:g} and {high:g}, got {value!r}.")
        raise ValueError(text.format(name=name, low=low, high=high, value=value))

    # The value; a TraitError would not name the setting
    try:
        widget.value = value
    except Exception as error:
        text = _("{name} does not take {value!r}: {error}")
        raise ValueError(text.format(name=name, value=value, error=error)) from error


def _widgets(args, train_rows: int) -> dict[str, widgets.Widget]:
    if args.warmup_steps >= 1:
        text = _("warmup_steps is a share of all steps here, below 1; got {steps}.")
        raise ValueError(text.format(steps=args.warmup_steps))

    # The limits must take in the default
    scheduler = getattr(args.lr_scheduler_type, "value", args.lr_scheduler_type)
    step = max(1, min(50, train_rows // 20))
    exponent = math.log10(args.learning_rate)

    # The widgets, in the order of the page
    return {
        "learning_rate": widgets.FloatLogSlider(
            value=args.learning_rate,
            base=10,
            min=min(-6, math.floor(exponent)),
            max=max(-1, math.ceil(exponent)),
            step=0.05,
            readout_format=".1e",
        ),
        "num_train_epochs": widgets.IntSlider(
            value=int(args.num_train_epochs), min=1, max=max(10, int(args.num_train_epochs))
        ),
        "per_device_train_batch_size": widgets.SelectionSlider(
            value=args.per_device_train_batch_size,
            options=sorted({*BATCH_SIZES, args.per_device_train_batch_size}),
        ),
        "warmup_steps": widgets.FloatSlider(
            value=args.warmup_steps, min=0, max=max(0.5, args.warmup_steps), step=0.05
        ),
        "weight_decay": widgets.FloatSlider(
            value=args.weight_decay, min=0, max=max(0.3, args.weight_decay), step=0.01
        ),
        "train_size": widgets.IntSlider(
            value=train_rows, min=min(step, train_rows), max=train_rows, step=step
        ),
        "lr_scheduler_type": widgets.Dropdown(value=scheduler, options=sorted({*SCHEDULES, scheduler})),
        "seed": widgets.BoundedIntText(value=args.seed, min=0, max=2**31 - 1),
    }


def _shown(name: str) -> str:
    """Return the name of a control as the page shows it. The library's names are the same in any language."""
    return _(name) if name == _GUESS else name


def _label(widget, name: str) -> None:
    """Write `name` before `widget`, and its explanation into its tooltip. It takes the width of its box."""
    widget.description = _shown(name)
    tooltip = "tooltip" if widget.has_trait("tooltip") else "description_tooltip"
    setattr(widget, tooltip, _(EXPLANATIONS[name]))
    widget.style.description_width = "15.2em"  # per_device_train_batch_size in full
    widget.layout.width = "auto"
