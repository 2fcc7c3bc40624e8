"""How long a training will take on this machine, from a short measurement."""

from __future__ import annotations

import copy
import time

from helpers.environment import Machine
from helpers.models import load_config
from helpers.profiles import Profile

# Length of an average batch of eight of the bundled reviews, padded to its longest: notebook 1 prints it as tokens in an epoch.
PADDED_LENGTH = 367
_BUDGET = 0.5  # seconds of measuring; the first attempt only warms up


def expected_minutes(profile: Profile, machine: Machine) -> float:
    """Minutes for notebook 2's training: `num_train_epochs` over `train_size` reviews, an evaluation after each.

    The model is a stack of equal layers, so one layer of it, with random weights, is timed forward and backward on
    reviews of typical length, and multiplied by layers and reviews; an evaluation is a forward pass, a third of the work.
    Needs the model's config.json, not its weights.
    """
    config = load_config(profile)
    length = min(PADDED_LENGTH, profile.max_length)
    reviews = profile.num_train_epochs * (profile.train_size + profile.eval_size / 3)
    return config.num_hidden_layers * reviews * layer_seconds(config, machine, length) / 60


def layer_seconds(config, machine: Machine, length: int) -> float:
    """Seconds for one review of `length` tokens, forward and backward, through the model with a single layer."""
    import torch
    from transformers import AutoModelForSequenceClassification

    config = copy.deepcopy(config)
    config.num_hidden_layers, config.vocab_size = 1, 1_000  # a small embedding: building the real one takes longer than the rest
    model = AutoModelForSequenceClassification.from_config(config).to(machine.device).train()
    batch = 4 if machine.device == "cpu" else machine.train_batch_size
    inputs = torch.randint(5, 1_000, (batch, length), device=machine.device)
    labels = torch.zeros(batch, dtype=torch.long, device=machine.device)
    dtype = torch.float16 if machine.fp16 else torch.bfloat16

    def once() -> float:
        began = time.perf_counter()
        with torch.autocast(machine.device, dtype=dtype, enabled=machine.bf16 or machine.fp16):
            loss = model(inputs, labels=labels).loss
        loss.backward()
        loss.item()  # waits for the device
        return time.perf_counter() - began

    stop, seconds = time.perf_counter() + _BUDGET, [once(), once()]
    while time.perf_counter() < stop:
        seconds.append(once())
    return min(seconds) / batch
