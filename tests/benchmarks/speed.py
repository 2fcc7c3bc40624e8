"""How fast each rung of notebook 2's ladder trains, and how near that comes to what the machine can compute at all.

    python tests/benchmarks/speed.py [--shapes offline small full] [--json FILE]

For models of the three profiles' shapes, with random weights, on batches with the lengths of the bundled reviews (helpers/ladder.py says how; the
rungs take turns, the median counts). "Real" rate: the arithmetic that the reviews' own tokens need, not their padding, per second:
3 * (2 * parameters in matrices * tokens + 4 * layers * width * sum of squared lengths), forward once and backward twice, as in appendix B of
"PaLM" (Chowdhery and others, 2022, arXiv:2204.02311). "Peak" is the best rate of a plain matrix product at the layer's own shapes, in the
precision of that rung, measured before and after. Prints Markdown.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers import ladder
from helpers.environment import detect_machine
from helpers.estimate import TYPICAL_LENGTHS

SHAPES = {  # layers, width, heads
    "offline": (2, 128, 2),
    "small": (4, 256, 4),
    "full": (12, 768, 12),
}
LENGTHS = np.array(TYPICAL_LENGTHS * 64)


def configuration(layers: int, width: int, heads: int) -> BertConfig:
    return BertConfig(num_hidden_layers=layers, hidden_size=width, num_attention_heads=heads, intermediate_size=4 * width, num_labels=5)


def flops_per_review(layers: int, width: int) -> float:
    """Floating-point operations of a training step per review, on real tokens alone."""
    matrices = 12 * layers * width**2
    return 3 * float((2 * matrices * LENGTHS + 4 * layers * width * LENGTHS.astype(float) ** 2).mean())


def peak(width: int, dtype: torch.dtype, device: str) -> float:
    """Operations a second of the fastest of a layer's own matrix products, for 1,024 tokens."""
    best = 0.0
    for rows, columns in ((width, width), (width, 4 * width), (4 * width, width)):
        left, right = torch.randn(1024, rows, dtype=dtype, device=device), torch.randn(rows, columns, dtype=dtype, device=device)
        for _ in range(10):
            began = time.perf_counter()
            (left @ right).sum().item()  # waits for the device
            best = max(best, 2 * 1024 * rows * columns / (time.perf_counter() - began))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of measuring a shape, after the first round")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    machine = detect_machine()
    print(f"{machine.device} ({machine.device_name}), {machine.cores} cores, {machine.precision}, torch {torch.__version__}\n")
    results = {}
    for name in options.shapes:
        layers, width, heads = SHAPES[name]
        limits = {dtype: peak(width, dtype, machine.device) for dtype in {torch.float32, machine.half_precision or torch.float32}}
        speeds = ladder.reviews_per_second(configuration(layers, width, heads), LENGTHS, machine, rounds=5, budget=options.budget)
        limits = {dtype: max(before, peak(width, dtype, machine.device)) for dtype, before in limits.items()}
        print(f"| `{name}`: {layers} × {width} | reviews a second | × tutorial | real GFLOP/s | of peak |\n|---|---:|---:|---:|---:|")
        for rung in ladder.rungs(machine):
            speed = speeds[rung.name]
            rate = speed * flops_per_review(layers, width)
            share = rate / limits[(machine.half_precision if rung.half else None) or torch.float32]
            print(f"| {rung.name} | {speed:.3g} | {speed / speeds['tutorial']:.1f} | {rate / 1e9:.0f} | {share:.2f} |", flush=True)
        print()
        results[name] = {"reviews_per_second": speeds, "peak_flops": {str(dtype): limit for dtype, limit in limits.items()}}
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
