"""Make batches of about as many tokens each, in place of about as many reviews."""

import numpy as np


def token_budget_batches(lengths: np.ndarray, budget: int, random: np.random.Generator) -> list[list[int]]:
    """Return the rows of each batch, in random order: neighbours in length, at most `budget` tokens."""
    order = np.argsort(lengths + random.uniform(0, 8, len(lengths)))
    batches = [[]]
    longest = 0
    for i in order:
        longest = max(longest, lengths[i])
        if batches[-1] and (len(batches[-1]) + 1) * longest > budget:
            batches.append([])
            longest = lengths[i]
        batches[-1].append(int(i))
    return [batches[i] for i in random.permutation(len(batches))]
