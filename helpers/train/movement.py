"""Measure how far a training has moved the weights of each part of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping

from transformers import TrainerCallback

from helpers.train.runs import Run


class KeepMovement(TrainerCallback):
    """Keeps in `run.moved` how far a training has moved each part of `model`.

    It copies the weights to the main memory when you make it, so make it before the training. The copy needs
    4 bytes a weight (440 MB for BERT-base) until the training ends. Frozen weights need no copy. In a loop of
    your own, call `end()` after the last step.
    """

    def __init__(self, run: Run, model):
        self.run = run
        self._model = model
        self._before = {
            name: weights.detach().to("cpu", copy=True)
            for name, weights in model.named_parameters()
            if weights.requires_grad
        }

    def end(self) -> None:
        """Measure, and let go of the model and of the copy."""
        self.run.moved = weights_moved(self._before, self._model)
        self._model = None
        self._before = {}

    def on_train_end(self, args, state, control, **kwargs):
        self.end()


def weights_moved(before: Mapping, model) -> dict[str, float]:
    """Return for each part of `model` the relative change of its weights: ‖after − before‖ / ‖before‖.

    `before` maps the names of parameters to tensors of an earlier moment. Parameters that it lacks count as
    unchanged. The parts are "embeddings", "layer 1", "layer 2", …, what else the body has, such as "pooler",
    and "head", the new classifier. A part of zeros only has no relative change, and is left out.
    """
    change: dict[str, float] = {}
    size: dict[str, float] = {}
    for name, parameter in model.named_parameters():
        after = parameter.detach().float().cpu()
        start = before[name].float() if name in before else after
        part = _part(name, model)
        change[part] = change.get(part, 0.0) + (after - start).square().sum().item()
        size[part] = size.get(part, 0.0) + start.square().sum().item()
    return {part: (change[part] / size[part]) ** 0.5 for part in size if size[part]}


def _part(name: str, model) -> str:
    """Name the part of the model that the parameter belongs to."""
    body = getattr(model, "base_model_prefix", "") + "."
    if not name.startswith(body):
        return "head"
    if number := re.search(r"\.(\d+)\.", name):
        return f"layer {int(number[1]) + 1}"
    return "embeddings" if re.search(r"embed|\.w[tp]e\.", name) else name.removeprefix(body).split(".")[0]
