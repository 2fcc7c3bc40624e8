"""Measure how fast each recipe trains on this machine, with a few steps on batches of real lengths."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from helpers.data.padding import batch_lengths
from helpers.machine import Machine

# The models have a small embedding. A lookup costs the same, and building a full one would take longer than
# all the rest.
VOCABULARY = 1_000


@dataclass(frozen=True)
class Rung:
    """A recipe: that of the rung before, plus one change."""

    name: str
    why: str
    padding: str = "group_by_length"  # one of data.PADDING_STRATEGIES
    half: bool = True  # bf16 or fp16, if the machine is good at it
    attention_dropout: bool = False
    fused: bool = True


TUTORIAL = Rung(
    "tutorial",
    "every text is padded to the limit",
    "max_length",
    half=False,
    attention_dropout=True,
    fused=False,
)
FAST = Rung("fused AdamW", "one routine of the processor moves all weights")
_RUNGS = (
    TUTORIAL,
    Rung(
        "dynamic padding",
        "a batch is only as long as its longest text",
        "longest",
        half=False,
        attention_dropout=True,
        fused=False,
    ),
    Rung(
        "grouped by length",
        "texts of similar length share a batch: hardly any padding",
        half=False,
        attention_dropout=True,
        fused=False,
    ),
    Rung(
        "half precision",
        "numbers of 16 bits: half the memory to move, and faster units to multiply them",
        attention_dropout=True,
        fused=False,
    ),
    Rung("no attention dropout", "attention is computed in one go, without storing its matrix", fused=False),
    FAST,
)


def rungs(machine: Machine) -> list[Rung]:
    """Return the recipes from the tutorial's to the fast one.

    Half precision is left out on a machine where it does not pay.
    """
    return [rung for rung in _RUNGS if rung.name != "half precision" or machine.half_precision is not None]


def reviews_per_second(
    config,
    lengths: Sequence[int],
    machine: Machine,
    max_length: int = 512,
    recipes: Sequence[Rung] | None = None,
    *,
    batches: int = 4,
    rounds: int = 3,
    budget: float = 15.0,
) -> dict[str, float]:
    """Measure the training throughput of each rung by name, in reviews per second.

    The result is the median of `rounds` rounds, or of those that begin within `budget` seconds. `config`
    belongs to the model. `lengths` holds the number of tokens of each review, shape (reviews,). The tutorial
    pads to `max_length`. The function divides an epoch of each recipe into batches and times `batches` of
    them. On a CPU a batch has four reviews, which is no slower and takes half the memory.
    """
    # Batches of each recipe
    size = 4 if machine.device == "cpu" else machine.train_batch_size
    chosen = {
        rung: spread(batch_lengths(np.asarray(lengths), size, rung.padding, max_length), batches)
        for rung in recipes or rungs(machine)
    }

    # Rounds, while there is time
    end = time.perf_counter() + budget
    measured = []
    for speeds in islice(timed_rounds(config, chosen, machine, max_length), rounds):
        measured.append(speeds)
        if time.perf_counter() > end:
            break
    return {name: statistics.median(speeds[name] for speeds in measured) for name in measured[0]}


def timed_rounds(
    config, chosen: Mapping[Rung, Sequence[np.ndarray]], machine: Machine, max_length: int = 512
) -> Iterator[dict[str, float]]:
    """Yield the reviews per second by rung's name, one dict per round, without end.

    Each round trains a model with random weights on the `chosen` batches of each rung. The rungs take turns,
    so other work of the machine slows all of them alike.
    """
    # The models and their steps
    models = {
        dropout: _model(config, dropout).to(machine.device)
        for dropout in {rung.attention_dropout for rung in chosen}
    }
    steps = {
        rung: _training_step(models[rung.attention_dropout], machine, rung, max_length) for rung in chosen
    }

    # Batches that are padded to the limit have one shape, so one of them is enough
    timed = {
        rung: batches[:1] if rung.padding == "max_length" else batches for rung, batches in chosen.items()
    }

    # The first step is slower: PyTorch asks for memory and chooses kernels
    for rung, step in steps.items():
        step(timed[rung][0])

    while True:
        yield {
            rung.name: sum(map(len, timed[rung])) / sum(map(step, timed[rung]))
            for rung, step in steps.items()
        }


def spread(batches: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Return `count` of the full batches, evenly spaced when they are sorted by length."""
    full = sorted((batch for batch in batches if len(batch) == len(batches[0])), key=max)
    places = (np.arange(min(count, len(full))) + 0.5) / min(count, len(full)) * len(full)
    return [full[int(place)] for place in places]


def _model(config, attention_dropout: bool):
    """Build the model of `config` with random weights, in training mode."""
    from transformers import AutoModelForSequenceClassification

    config = copy.deepcopy(config)
    config.vocab_size = VOCABULARY
    config.pad_token_id = 0
    config.attention_probs_dropout_prob = 0.1 if attention_dropout else 0.0  # 0.1 is BERT's own
    return AutoModelForSequenceClassification.from_config(config).train()


def _training_step(model, machine: Machine, rung: Rung, max_length: int) -> Callable[[np.ndarray], float]:
    """Return a function that trains on one batch of reviews of given lengths and returns the seconds."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, fused=rung.fused)
    half = rung.half and machine.half_precision is not None
    scaler = torch.amp.GradScaler(machine.device, enabled=half and machine.fp16)

    def step(lengths: np.ndarray) -> float:
        # A batch of these lengths
        width = max_length if rung.padding == "max_length" else int(max(lengths))
        mask = (torch.arange(width)[None, :] < torch.tensor(lengths)[:, None]).long().to(machine.device)
        inputs = {
            "input_ids": torch.randint(5, VOCABULARY, mask.shape, device=machine.device),
            "attention_mask": mask,
            "labels": torch.zeros(len(lengths), dtype=torch.long, device=machine.device),
        }

        # One step
        began = time.perf_counter()
        with torch.autocast(machine.device, dtype=machine.half_precision, enabled=half):
            loss = model(**inputs).loss
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        loss.item()  # waits until the device has finished
        return time.perf_counter() - began

    return step
