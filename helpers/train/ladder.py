"""Measure how fast each recipe trains on this machine, with a few steps on batches of real lengths."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from helpers.data.padding import batch_lengths
from helpers.language import N_, _
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
    hidden_dropout: bool = True
    token_budget: bool = False  # batches of about as many tokens, in place of as many texts


TUTORIAL = Rung(
    "tutorial",
    N_("every text is padded to the limit"),
    "max_length",
    half=False,
    attention_dropout=True,
    fused=False,
)
FAST = Rung("fused AdamW", N_("one routine of the processor moves all weights"))  # notebook 2's recipe
_NO_DROPOUT = Rung(
    "no dropout at all", N_("no random numbers to draw, one for each output of a layer"), hidden_dropout=False
)
LAST = Rung(
    "token budget",
    N_("each step has about as much to do, and hardly a batch is padded"),
    hidden_dropout=False,
    token_budget=True,
)
_RUNGS = (
    TUTORIAL,
    Rung(
        "dynamic padding",
        N_("a batch is only as long as its longest text"),
        "longest",
        half=False,
        attention_dropout=True,
        fused=False,
    ),
    Rung(
        "grouped by length",
        N_("texts of similar length share a batch: hardly any padding"),
        half=False,
        attention_dropout=True,
        fused=False,
    ),
    Rung(
        "half precision",
        N_("numbers of 16 bits: half the memory to move, and faster units to multiply them"),
        attention_dropout=True,
        fused=False,
    ),
    Rung(
        "no attention dropout", N_("attention is computed in one go, without storing its matrix"), fused=False
    ),
    FAST,
    _NO_DROPOUT,
    LAST,
)


def rungs(machine: Machine) -> list[Rung]:
    """Return the recipes from the tutorial's to the fastest one, each with its `why` in the chosen language.

    Half precision is left out on a machine where it does not pay.
    """
    return [
        replace(rung, why=_(rung.why))
        for rung in _RUNGS
        if rung.name != "half precision" or machine.half_precision is not None
    ]


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
    epochs = {rung: epoch(rung, np.asarray(lengths), size, max_length) for rung in recipes or rungs(machine)}

    # Rounds, while there is time
    end = time.perf_counter() + budget
    measured = []
    for speeds in islice(timed_rounds(config, epochs, machine, max_length, batches), rounds):
        measured.append(speeds)
        if time.perf_counter() > end:
            break
    return {name: statistics.median(speeds[name] for speeds in measured) for name in measured[0]}


def epoch(rung: Rung, lengths: np.ndarray, size: int, max_length: int = 512) -> list[np.ndarray]:
    """Return the lengths of the reviews in each batch of an epoch, less a last batch that is not full.

    A batch has `size` reviews. With a token budget, it has as many tokens as `size` reviews have on average,
    or as the longest review has.
    """
    from helpers.train.token_budget import TokenBatches

    if not rung.token_budget:
        batches = batch_lengths(lengths, size, rung.padding, max_length)
        return [batch for batch in batches if len(batch) == len(batches[0])]
    lengths = np.minimum(lengths, max_length)
    tokens = max(round(size * lengths.mean()), -(-int(lengths.max()) // 8) * 8)  # it rounds up to eights
    return [lengths[rows] for rows in TokenBatches(lengths, tokens)]


def timed_rounds(
    config,
    epochs: Mapping[Rung, Sequence[np.ndarray]],
    machine: Machine,
    max_length: int = 512,
    batches: int = 4,
) -> Iterator[dict[str, float]]:
    """Yield the reviews per second by rung's name, one dict per round, without end.

    Each round trains a model with random weights on some `batches` of each rung's epoch. The rungs take
    turns, so other work of the machine slows all of them alike.
    """
    # The models and their steps
    models = {
        dropouts: _model(config, *dropouts).to(machine.device)
        for dropouts in {(rung.attention_dropout, rung.hidden_dropout) for rung in epochs}
    }
    steps = {
        rung: _training_step(models[rung.attention_dropout, rung.hidden_dropout], machine, rung, max_length)
        for rung in epochs
    }

    # Batches that are padded to the limit have one shape, so one of them is enough
    timed = {
        rung: spread(every, 1 if rung.padding == "max_length" else batches) for rung, every in epochs.items()
    }

    # With a token budget, the few batches that are timed may hold more or fewer reviews than most
    reviews = {rung: sum(map(len, every)) / len(every) for rung, every in epochs.items()}

    # The first step is slower: PyTorch asks for memory and chooses kernels
    for rung, step in steps.items():
        step(timed[rung][0])

    while True:
        yield {
            rung.name: reviews[rung] * len(timed[rung]) / sum(map(step, timed[rung]))
            for rung, step in steps.items()
        }


def spread(batches: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Return `count` of the batches, evenly spaced when they are sorted by length."""
    ordered = sorted(batches, key=max)
    count = min(count, len(ordered))
    return [ordered[int((i + 0.5) / count * len(ordered))] for i in range(count)]


def _model(config, attention_dropout: bool, hidden_dropout: bool = True):
    """Build the model of `config` with random weights, in training mode."""
    from transformers import AutoModelForSequenceClassification

    config = copy.deepcopy(config)
    config.vocab_size = VOCABULARY
    config.pad_token_id = 0
    config.attention_probs_dropout_prob = 0.1 if attention_dropout else 0.0  # 0.1 is BERT's own
    config.hidden_dropout_prob = 0.1 if hidden_dropout else 0.0
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
