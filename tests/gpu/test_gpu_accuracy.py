"""Protects a learner from a fast recipe that costs accuracy on a GPU."""

import statistics

import pytest
from tiny_sizes import ON_CPU

FAST = "+ fused AdamW: the fast recipe"
LAST = "fast, and both: the last rung"
SEEDS = 1 if ON_CPU else 5
MOST = 1.5  # points that a recipe may lose in the mean. One seed differs from another by about as much.


@pytest.fixture(scope="module")
def accuracies(machine):
    """Return accuracy and seconds by recipe and seed, on the bundled data, as `recipe_accuracy.py` does."""
    import recipe_accuracy

    half = [name for name in recipe_accuracy.RECIPES if "bf16" in name and machine.bf16]
    return recipe_accuracy.measure_all([FAST, *half, LAST], SEEDS, None)


@pytest.mark.parametrize("change", ["bf16", "the last rung"])
def test_accuracy_keeps(accuracies, change, machine, say):
    """16 bits round away small updates, and batches by tokens weigh texts differently. Paired by seed."""
    name = next((name for name in accuracies if change in name), None)
    if name is None:
        assert not machine.bf16
        pytest.skip("This machine trains no faster in bf16, so there is nothing to compare.")
    gaps = [
        100 * (accuracies[name][seed][0] - accuracies[FAST][seed][0]) for seed in sorted(accuracies[FAST])
    ]
    error = statistics.stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
    mean = statistics.mean(gaps)
    levels = [statistics.mean(of[0] for of in accuracies[which].values()) for which in (name, FAST)]
    say(f"{name}: {levels[0]:.3f}, the fast recipe {levels[1]:.3f}: {mean:+.1f} ± {error:.1f} points")
    assert len(gaps) == SEEDS and min(levels) > 0.4
    assert ON_CPU or mean > -MOST
