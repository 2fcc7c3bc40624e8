"""How fast each recipe trains on this machine: a few steps of each, on batches of the lengths that it would meet."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from helpers.data import batch_lengths
from helpers.environment import Machine

VOCABULARY = 1_000  # a small embedding: building the real one takes longer than all the rest, and looking up costs the same


@dataclass(frozen=True)
class Rung:
    """A recipe: that of the rung before it, and one thing more."""

    name: str
    why: str
    padding: str = "group_by_length"  # one of data.PADDING_STRATEGIES
    half: bool = True  # bf16 or fp16, where the machine is good at it
    attention_dropout: bool = False
    fused: bool = True
    hidden_dropout: bool = True


TUTORIAL = Rung("tutorial", "every review is padded to the limit", "max_length", half=False, attention_dropout=True, fused=False)
FAST = Rung("fused AdamW", "one kernel moves all weights")
_RUNGS = (
    TUTORIAL,
    Rung("dynamic padding", "a batch is only as long as its longest review", "longest", half=False, attention_dropout=True, fused=False),
    Rung("grouped by length", "reviews of similar length share a batch: hardly any padding", half=False, attention_dropout=True, fused=False),
    Rung("half precision", "numbers of 16 bits: half the memory to move, and faster units to multiply them", attention_dropout=True, fused=False),
    Rung("no attention dropout", "attention becomes one kernel that never stores its matrix", fused=False),
    FAST,
)


def rungs(machine: Machine) -> list[Rung]:
    """The recipes from the tutorial's to the fast one; without half precision where the machine has none that pays."""
    return [rung for rung in _RUNGS if rung.name != "half precision" or machine.half_precision is not None]


def reviews_per_second(
    config, lengths: Sequence[int], machine: Machine, max_length: int = 512, recipes: Sequence[Rung] | None = None, *,
    batches: int = 4, rounds: int = 3, budget: float = 15.0,
) -> dict[str, float]:
    """Training throughput by rung's name, in reviews a second: the median of `rounds` rounds, or of those that begin within `budget` seconds.

    `config` is the model's, `lengths` are the reviews' tokens, shape (reviews,), and `max_length` is what the tutorial pads to. An epoch of
    each recipe is put into batches, of which `batches` are timed. On a CPU they are of four reviews, which is no slower and takes half the memory.
    """
    size = 4 if machine.device == "cpu" else machine.train_batch_size
    chosen = {rung: spread(batch_lengths(np.asarray(lengths), size, rung.padding, max_length), batches) for rung in recipes or rungs(machine)}
    end, measured = time.perf_counter() + budget, []
    for speeds in islice(timed_rounds(config, chosen, machine, max_length), rounds):
        measured.append(speeds)
        if time.perf_counter() > end:
            break
    return {name: statistics.median(speeds[name] for speeds in measured) for name in measured[0]}


def timed_rounds(
    config, chosen: Mapping[Rung, Sequence[np.ndarray]], machine: Machine, max_length: int = 512
) -> Iterator[dict[str, float]]:
    """Reviews a second by rung's name, again and again: each round trains a model with random weights on the `chosen` batches of each rung.

    The rungs take turns, so that what else the machine does slows all of them.
    """
    models = {kind: _model(config, *kind).to(machine.device) for kind in {(rung.attention_dropout, rung.hidden_dropout) for rung in chosen}}
    steps = {rung: _step(models[rung.attention_dropout, rung.hidden_dropout], machine, rung, max_length) for rung in chosen}
    # Padded to the limit, all batches are of one shape, and one will do.
    timed = {rung: batches[:1] if rung.padding == "max_length" else batches for rung, batches in chosen.items()}
    for rung, step in steps.items():
        step(timed[rung][0])  # the first is slower: memory is asked for, kernels are chosen
    while True:
        yield {rung.name: sum(map(len, timed[rung])) / sum(map(step, timed[rung])) for rung, step in steps.items()}


def spread(batches: list[np.ndarray], count: int) -> list[np.ndarray]:
    """`count` of the full batches, at equal distances in their length."""
    full = sorted((batch for batch in batches if len(batch) == len(batches[0])), key=max)
    places = (np.arange(min(count, len(full))) + 0.5) / min(count, len(full)) * len(full)
    return [full[int(place)] for place in places]


def _model(config, attention_dropout: bool, hidden_dropout: bool = True):
    """The configuration's model with random weights, in training mode."""
    from transformers import AutoModelForSequenceClassification

    config = copy.deepcopy(config)
    config.vocab_size, config.pad_token_id = VOCABULARY, 0
    config.attention_probs_dropout_prob = 0.1 if attention_dropout else 0.0  # BERT's own, whatever this checkpoint has
    if not hidden_dropout:
        config.hidden_dropout_prob = 0.0
    return AutoModelForSequenceClassification.from_config(config).train()


def _step(model, machine: Machine, rung: Rung, max_length: int) -> Callable[[np.ndarray], float]:
    """A function: trains on a batch of reviews of these lengths, gives the seconds it took."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, fused=rung.fused)
    half = rung.half and machine.half_precision is not None
    scaler = torch.amp.GradScaler(machine.device, enabled=half and machine.fp16)

    def step(lengths: np.ndarray) -> float:
        width = max_length if rung.padding == "max_length" else int(max(lengths))
        mask = (torch.arange(width)[None, :] < torch.tensor(lengths)[:, None]).long().to(machine.device)
        inputs = {"input_ids": torch.randint(5, VOCABULARY, mask.shape, device=machine.device), "attention_mask": mask,
                  "labels": torch.zeros(len(lengths), dtype=torch.long, device=machine.device)}
        began = time.perf_counter()
        with torch.autocast(machine.device, dtype=machine.half_precision, enabled=half):
            loss = model(**inputs).loss
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        scaler.step(optimizer), scaler.update(), optimizer.zero_grad()
        loss.item()  # waits for the device
        return time.perf_counter() - began

    return step
