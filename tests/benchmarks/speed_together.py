"""How long OpenMP's threads should spin while they wait, so that several trainings can share the cores.

Two notebooks, or two people on one server, often train at the same time on the same cores. By default,
OpenMP's threads spin while they wait for work, and keep the core from the other training. A lower spin count
sends them to sleep sooner: they free the core, but take longer to wake. Each row of the table is one setting.

Three processes for each setting train the bundled model on one batch, with a thread for each core. They start
once; then one, two, or three of them train for some seconds, and one more time beside a Python loop that
never waits. The settings take turns in every round, because a shared machine changes its speed from minute
to minute. The first round does not count: it is often slow. Each time is the median of the other rounds.
Each ratio compares a time with the default's time alone in the same round, and is the median of those.
GOMP_SPINCOUNT is GNU's; where torch uses another OpenMP (macOS, Windows), only the settings whose names
begin with OMP_ change anything.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from report import Table

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = [
    "default",
    "GOMP_SPINCOUNT=10000",
    "GOMP_SPINCOUNT=1000",
    "GOMP_SPINCOUNT=500",
    "GOMP_SPINCOUNT=200",
    "OMP_WAIT_POLICY=PASSIVE",
    "OMP_NUM_THREADS=1",
]
SITUATIONS = {
    "alone": (1, False),
    "beside another": (2, False),
    "beside two": (3, False),
    "beside a busy process": (1, True),
}  # how many trainings; whether a Python loop runs too
PREFIXES = ("OMP_", "GOMP_", "KMP_")  # of the variables that OpenMP reads
BUSY = [sys.executable, "-c", "while True: pass"]
ROUNDS = 4
SECONDS = 2.0
WARM_UP_STEPS = 5


def measure(machine) -> list[Table]:
    trainings = {setting: start_trainings(setting, 3) for setting in SETTINGS}
    times = {setting: {situation: [] for situation in SITUATIONS} for setting in SETTINGS}
    try:
        for turn in range(1 + ROUNDS):
            for setting in SETTINGS if turn % 2 == 0 else reversed(SETTINGS):
                for situation, (count, busy) in SITUATIONS.items():
                    time = step_time(trainings[setting][:count], busy)
                    if turn > 0:
                        times[setting][situation].append(time)
    finally:
        for processes in trainings.values():
            for process in processes:
                process.kill()
                process.communicate()
    reference = times["default"]["alone"]
    rows = [table_row(setting, times[setting], reference) for setting in SETTINGS]
    columns = ["setting", "ms a step, alone", "× default alone"]
    for situation in list(SITUATIONS)[1:]:
        columns += [situation, "×"]
    note = f"Medians of {ROUNDS} rounds. In brackets: the lowest and the highest ratio of a round."
    return [Table("Several trainings at once", columns, rows, note)]


def table_row(setting: str, times: dict[str, list[float]], reference: list[float]) -> list:
    row = [setting if setting == "default" else f"`{setting}`"]
    for measured in times.values():
        ratios = [time / alone for time, alone in zip(measured, reference)]
        row += [
            statistics.median(measured),
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        ]
    return row


def start_trainings(setting: str, count: int) -> list[subprocess.Popen]:
    """Processes that are ready to train, with `setting` as OpenMP's only variable."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    env["PYTHONPATH"] = str(ROOT)
    if setting != "default":
        name, value = setting.split("=")
        env[name] = value
    processes = [
        subprocess.Popen(
            [sys.executable, __file__], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    for process in processes:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"A training with {setting} did not start.")
    return processes


def step_time(processes: list[subprocess.Popen], busy: bool) -> float:
    """Milliseconds a step, the mean of `processes`, which train at the same time."""
    loop = subprocess.Popen(BUSY) if busy else None
    try:
        for process in processes:
            process.stdin.write(f"{SECONDS}\n")
            process.stdin.flush()
        return statistics.mean(float(process.stdout.readline()) for process in processes)
    finally:
        if loop:
            loop.kill()
            loop.wait()


def train() -> None:
    """For each number of seconds read, train that long and print the milliseconds a step."""
    import time

    import torch
    from transformers import AutoModelForSequenceClassification, logging

    from helpers.profiles import PROFILES

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    name = PROFILES["offline"].model
    model = AutoModelForSequenceClassification.from_pretrained(name, num_labels=5).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    batch = {"input_ids": torch.randint(100, 2000, (8, 150)), "labels": torch.randint(0, 5, (8,))}

    def step() -> None:
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    for _ in range(WARM_UP_STEPS):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        seconds = float(line)
        steps = 0
        elapsed = 0.0
        began = time.perf_counter()
        while elapsed < seconds:
            step()
            steps += 1
            elapsed = time.perf_counter() - began
        print(1_000 * elapsed / steps, flush=True)


if __name__ == "__main__":
    train()
