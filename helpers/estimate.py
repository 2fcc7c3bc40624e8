"""How long a training will take on this machine, from a short measurement."""

from __future__ import annotations

import copy

from helpers.environment import Machine
from helpers.ladder import FAST, reviews_per_second
from helpers.models import load_config
from helpers.profiles import Profile

# Tokens of sixteen of the bundled reviews, from the shortest to the longest, at equal distances in rank; Yelp's are as long.
TYPICAL_LENGTHS = (28, 40, 51, 59, 70, 80, 95, 107, 121, 135, 156, 178, 205, 259, 333, 512)


def expected_minutes(profile: Profile, machine: Machine) -> float:
    """Minutes for notebook 2's training: `num_train_epochs` over `train_size` reviews, an evaluation after each.

    The model is a stack of equal layers, so the fast recipe is timed on one layer of it, with random weights, on batches of typical
    lengths, and multiplied by layers and reviews; an evaluation is a forward pass, a third of the work. Needs the model's
    config.json, not its weights.
    """
    config = copy.deepcopy(load_config(profile))
    layers, config.num_hidden_layers = config.num_hidden_layers, 1
    lengths = [min(length, profile.max_length) for length in TYPICAL_LENGTHS] * 16  # enough to be grouped
    speed = reviews_per_second(config, lengths, machine, profile.max_length, [FAST], rounds=2)[FAST.name]
    return layers * profile.num_train_epochs * (profile.train_size + profile.eval_size / 3) / speed / 60
