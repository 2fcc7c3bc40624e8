"""Two trainings at once on the same cores, as two notebooks or two people on one server do, against one alone.

Each process trains the bundled model on one batch, with a thread for each core. By default, OpenMP's threads spin while they wait for work,
and take the core from the other training; with OMP_WAIT_POLICY=PASSIVE (of OpenMP's standard) they sleep, and wake later. Medians
of three rounds, which take turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from report import Table

ROOT = Path(__file__).resolve().parents[2]
POLICIES = {"default": {}, "`OMP_WAIT_POLICY=PASSIVE`": {"OMP_WAIT_POLICY": "PASSIVE"}, "`OMP_NUM_THREADS=1`": {"OMP_NUM_THREADS": "1"}}
ROUNDS, SECONDS = 3, 8.0


def measure(machine) -> list[Table]:
    alone, together = ({policy: [] for policy in POLICIES} for _ in range(2))
    for _ in range(ROUNDS):
        for policy, variables in POLICIES.items():
            alone[policy] += step_times(1, variables)
            together[policy].append(statistics.mean(step_times(2, variables)))
    rows = []
    for policy in POLICIES:
        one, two = statistics.median(alone[policy]), statistics.median(together[policy])
        rows.append([policy, one, two, f"{min(together[policy]):.0f} to {max(together[policy]):.0f}", two / one])
    return [Table("Two trainings at once", ["threads", "ms a step, alone", "ms a step, beside another", "range", "times as long"], rows)]


def step_times(count: int, variables: dict[str, str]) -> list[float]:
    """Milliseconds a step in each of `count` trainings, which begin together."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")} | variables | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, str(SECONDS)]
    processes = [subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    for process in processes:
        process.stdout.readline()  # it is ready
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return [float(process.communicate()[0]) for process in processes]


def train(seconds: float) -> float:
    import time

    import torch
    from transformers import AutoModelForSequenceClassification

    from helpers.profiles import PROFILES

    model = AutoModelForSequenceClassification.from_pretrained(PROFILES["offline"].model, num_labels=5).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    batch = {"input_ids": torch.randint(100, 2000, (8, 150)), "labels": torch.randint(0, 5, (8,))}

    def step():
        model(**batch).loss.backward()
        optimizer.step(), optimizer.zero_grad()

    for _ in range(5):
        step()
    print("ready", flush=True)
    sys.stdin.readline()
    began, steps = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - began) < seconds:
        step()
        steps += 1
    return 1_000 * elapsed / steps


if __name__ == "__main__":
    print(train(float(sys.argv[1])))
