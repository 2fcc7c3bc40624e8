"""Keep the answers to a few texts at moments of a training, so that one can see later how they formed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from transformers import TrainerCallback

from helpers.train.runs import Run

TEXTS = 50
MOMENTS = 12
SHORT = 128  # tokens: such texts cost little, and one reads them in half a minute
_BATCH = 25


class KeepMoments(TrainerCallback):
    """Keeps in `run` what a model answers to the same 50 texts at about twelve moments of its training.

    `data` is a dataset with the columns "text", "label" and "input_ids". `watched_rows` chooses the texts.
    `ordered` says whether the order of the classes means something, as with stars.

    `run.watched` holds the texts, the numbers of their true classes, the names of the classes, and `ordered`.
    `run.moments` holds a dict per moment: the step, and the probabilities, one list per text. Both are saved
    with the run. What was kept stays if the training stops early, and the last step is kept, too.

    For `Trainer`, put it behind `RunCallback`, which clears the run when a training begins. In a loop of your
    own, call `begin(model, steps)` before the first step and `look(model, step)` after each step. The
    training stays the same to the last bit: the model answers without dropout and draws no random number.
    """

    def __init__(self, run: Run, data, tokenizer, *, ordered: bool = False):
        lengths = [len(ids) for ids in data["input_ids"]]
        chosen = watched_rows(lengths, data["label"])
        rows = data.select(chosen)
        self.run = run
        self._watched = {
            "texts": list(rows["text"]),
            "labels": list(rows["label"]),
            "names": list(data.features["label"].names),
            "ordered": ordered,
        }
        # Texts of similar length share a batch, so that they need little padding
        self._order = np.argsort([lengths[row] for row in chosen], kind="stable")
        self._batches = [
            tokenizer([self._watched["texts"][i] for i in part], truncation=True, padding=True)
            for part in np.split(self._order, range(_BATCH, len(chosen), _BATCH))
        ]
        self._steps: set[int] = set()

    def begin(self, model, steps: int) -> None:
        """Plan the moments of a training of `steps` steps, and keep the first answers."""
        self.run.watched = self._watched
        self._steps = set(moment_steps(steps))
        self.look(model, 0)

    def look(self, model, step: int, last: bool = False) -> None:
        """Keep the answers after this step, if it is one of the moments or the `last` step.

        A model that has diverged gives no probabilities. Then there is nothing to keep.
        """
        if step not in self._steps and not last:
            return
        probabilities = self._probabilities(model)
        if np.isfinite(probabilities).all():
            self.run.moments.append({"step": step, "probabilities": probabilities.round(3).tolist()})

    def on_train_begin(self, args, state, control, model=None, **kwargs):
        self.begin(model, state.max_steps)

    def on_step_end(self, args, state, control, model=None, **kwargs):
        self.look(model, state.global_step, last=control.should_training_stop)

    def _probabilities(self, model) -> np.ndarray:
        """Return an array of shape (texts, classes)."""
        import torch

        device = next(model.parameters()).device
        with torch.no_grad(), _evaluating(model):
            logits = [
                model(**batch.convert_to_tensors("pt").to(device)).logits.float() for batch in self._batches
            ]
        return torch.cat(logits).softmax(-1).cpu().double().numpy()[np.argsort(self._order)]


def moment_steps(steps: int, count: int = MOMENTS) -> list[int]:
    """Return `count` step numbers from 0 to `steps`, more of them early: they grow with the square.

    A short training has fewer, because it keeps a step only once.
    """
    squares = steps * np.linspace(0, 1, count) ** 2
    return list(dict.fromkeys(squares.round().astype(int).tolist()))


def watched_rows(lengths: Sequence[int], labels: Sequence[int], count: int = TEXTS) -> list[int]:
    """Choose the rows to watch: as many of each class as possible, always the same ones of the same data.

    `lengths` are in tokens. Of each class it takes the first rows of at most 128 tokens. Where there are too
    few of these, the shortest ones follow. The rows come sorted by class.
    """
    # Of each class, the rows in the order in which they are taken
    order = np.argsort([length if length > SHORT else 0 for length in lengths], kind="stable")
    of_class = [order[np.asarray(labels)[order] == label] for label in np.unique(labels)]

    # In turns, one of each class
    turns = [(turn, row) for rows in of_class for turn, row in enumerate(rows.tolist())]
    chosen = [row for _, row in sorted(turns, key=lambda pair: pair[0])[:count]]
    return sorted(chosen, key=lambda row: labels[row])


@contextmanager
def _evaluating(model) -> Iterator[None]:
    """Switch dropout off. Afterwards each module is as it was: a frozen one may have been off before."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
