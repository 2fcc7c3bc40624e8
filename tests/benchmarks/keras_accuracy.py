"""Measure whether Keras reaches the accuracy of `Trainer`: what notebook 9 says of notebook 2.

    pip install "keras>=3.13,<4"
    python tests/benchmarks/keras_accuracy.py [--seeds 5]

Both train on the same rows of the bundled data as their notebooks do, in 32-bit numbers, once with each seed,
and are judged on the same 1,000 validation rows. A seed sets the classifier's start, the order and dropout.
The Keras side runs the cells of notebook 9 themselves. "Difference" is the mean over the seeds of
(Keras - Trainer) with its standard error. As many trainings run at once as there are cores, with one thread
each. Prints Markdown.
"""

import argparse
import contextlib
import functools
import io
import statistics
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import answers
from notebook_files import NOTEBOOKS, code_cells
from report import Table

from helpers.judge import predict_in_order
from helpers.machine import cores
from helpers.profiles import PROFILES

PROFILE = PROFILES["offline"]
CELLS = (
    "keras",
    "data",
    "loaders",
    "new-model",
    "first-try",
    "classifier",
    "compile",
    "callbacks",
    "fit",
    "accuracy",
)


def by_trainer(seed: int) -> float:
    """Train as notebook 2 does, and return the accuracy on the validation rows."""
    rows = answers.POOL.select(range(PROFILE.train_size))
    trainer = answers.fine_tune(rows, {"method": "fine-tuned", "seed": seed})
    logits, labels = predict_in_order(trainer, answers.VALIDATION)
    return float((logits.argmax(axis=-1) == labels).mean())


def by_keras(seed: int) -> float:
    """Run the cells of notebook 9 up to its accuracy, with another seed."""
    path = next(path for path in NOTEBOOKS if path.stem == "09_keras")
    sources = {cell.id: cell.source for cell in code_cells(path)}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        names = {
            "sys": sys,
            "profile": PROFILE,
            "machine": answers.MACHINE,
            "helpers": SimpleNamespace(runs_folder=lambda: Path(folder)),
        }
        for cell in CELLS:
            exec(sources[cell], names)
            if cell == "new-model":
                names["new_model"] = functools.partial(names["new_model"], seed)
    return names["accuracy"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    seeds = range(parser.parse_args().seeds)
    ways = {"Trainer (notebook 2)": by_trainer, "Keras (notebook 9)": by_keras}
    accuracies = {name: {} for name in ways}
    with ProcessPoolExecutor(
        cores(), get_context("spawn"), initializer=answers.prepare, initargs=(PROFILE,)
    ) as pool:
        # Seed by seed, so that what else the machine does slows both
        todo = {pool.submit(ways[name], seed): (name, seed) for seed in seeds for name in ways}
        for done in as_completed(todo):
            name, seed = todo[done]
            accuracies[name][seed] = done.result()
            print(f"seed {seed}: {name}: {done.result():.3f}", file=sys.stderr, flush=True)
    accuracies = {name: [of_seed[seed] for seed in seeds] for name, of_seed in accuracies.items()}
    trainer, keras = accuracies.values()
    gaps = [100 * (one - other) for one, other in zip(keras, trainer)]
    rows = [
        [name, f"{statistics.mean(values):.3f}", ", ".join(f"{value:.3f}" for value in values)]
        for name, values in accuracies.items()
    ]
    note = (
        f"Difference: {statistics.mean(gaps):+.1f} ± {statistics.stdev(gaps) / len(gaps) ** 0.5:.1f} points "
        f"over {len(gaps)} seeds."
    )
    print(Table("Keras and Trainer", ["trained by", "mean accuracy", "each seed"], rows, note).markdown())


if __name__ == "__main__":
    main()
