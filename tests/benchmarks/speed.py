"""Measure how fast the course is, and where the time goes: one command for all of it.

    python tests/benchmarks/speed.py [--parts ladder overhead growth start together estimate] [--json FILE]

    ladder     each recipe's throughput, its share of what the machine can compute, the time of a training
    overhead   what Trainer, the native loop, the record and the live curve add to a training step
    growth     time against the number of reviews; tokenization with 1 and 2 processes; memory of streaming
    start      import helpers, the setup cell, a notebook until its first loss, all notebooks
    together   two trainings at once on the same cores, against one alone
    estimate   the minutes that the setup cell promises, against those that the training takes

Each part's file says how it measures. On a shared machine, compare only figures of one run. Prints Markdown.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

import torch
import transformers

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from report import write_json

from helpers.machine import detect_machine

PARTS = ("ladder", "overhead", "growth", "start", "together", "estimate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    machine = detect_machine()
    described = (
        f"{machine.device} ({machine.device_name}), {machine.cores} cores, {machine.precision},"
        f" {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}, transformers"
        f" {transformers.__version__}"
    )
    print(described, end="\n\n", flush=True)
    tables = []
    for part in options.parts:
        for table in import_module(f"speed_{part}").measure(machine):
            tables.append(table)
            print(table.markdown(), flush=True)
            if options.json:
                write_json(options.json, described, tables)


if __name__ == "__main__":
    main()
