"""Measure the experiments of notebook 4: what the notebook says that we found.

    python tests/benchmarks/experiments.py [--profile offline] [--seeds 5] [--folder FOLDER]

It runs the notebook's own cells up to `train`, so it trains exactly as the lab does, with both settings of
each of the `EXPERIMENTS` and with the seeds 0, 1, 2, … Settings that stand in several experiments are trained
once. One more setting is no experiment: a frozen body at sixteen times the rate.

As many trainings run at once as there are cores, with one thread each. FOLDER keeps each run, and a
measurement that was stopped goes on where it was. Writes `experiments.json` into FOLDER; with `--folder
helpers/offline/experiments`, that is the file that the notebook reads. Prints Markdown.
"""

import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import platform
import re
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from report import Table

from helpers.learn.experiments import EXPERIMENTS, Arm
from helpers.machine import cores

NOTEBOOK = ROOT / "notebooks" / "04_lab.ipynb"
LAST = "train"  # the cell that makes the function
MORE = Arm(
    "frozen body, 16 times the rate",
    lambda base: {"start": "frozen body", "learning_rate": 16 * base["learning_rate"]},
)


def prepare(notebook: Path) -> None:
    """Run the notebook's cells up to `train`, once in each process."""
    global LAB
    import torch

    torch.set_num_threads(1)
    LAB = {}
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        for cell in nbformat.read(notebook, as_version=4).cells:
            if cell.cell_type == "code":
                exec(cell.source, LAB)
                if cell.id == LAST:
                    return
    raise ValueError(f"{notebook.name} has no cell {LAST!r}.")


def lab_settings() -> dict:
    """Return the settings of the lab before anybody moves a slider."""
    args = LAB["args"]
    return {
        "learning_rate": args.learning_rate,
        "num_train_epochs": args.num_train_epochs,
        "weight_decay": args.weight_decay,
        "train_size": len(LAB["reviews"]["train"]),
        "start": "pretrained",
    }


def trainings() -> dict[str, dict]:
    """List the settings to train with, each once, by the name of the first arm that has them."""
    arms = [arm for experiment in EXPERIMENTS for arm in (experiment.first, experiment.second)]
    named = {}
    for arm in (*arms, MORE):
        settings = arm.settings(lab_settings())
        if settings not in named.values():
            named[arm.name] = settings
    return named


def measure(file: Path, name: str, seed: int) -> dict:
    """Train once, and write what came out to `file`."""
    from helpers.train import Run

    began = time.perf_counter()
    settings = trainings()[name]
    of_args = {key: settings[key] for key in ("learning_rate", "num_train_epochs", "weight_decay")}
    run = Run(name, settings=settings)
    args = dataclasses.replace(LAB["args"], seed=seed, output_dir=f"{file}.trainer", **of_args)
    LAB["train"](args, run, settings["train_size"], start=settings["start"])
    found = {
        "settings": settings,
        "accuracy": run.evaluations[-1]["accuracy"],
        "eval_loss": run.evaluations[-1]["eval_loss"],
        "training_loss": run.training_losses()[1],
        "steps": run.step,
        "seconds": time.perf_counter() - began,
    }
    file.write_text(json.dumps(found), encoding="utf-8")
    return found


def about(seeds: int) -> dict:
    """Say how the figures were made."""
    return {
        "command": "python tests/benchmarks/experiments.py",
        "made": datetime.date.today().isoformat(),
        "versions": {name: version(name) for name in ("torch", "transformers", "datasets")},
        "machine": f"{LAB['machine'].device}, {platform.machine()}, {LAB['machine'].precision}",
        "profile": LAB["profile"].name,
        "seeds": seeds,
        "eval_size": len(LAB["reviews"]["validation"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="offline")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "experiments")
    parser.add_argument("--notebook", type=Path, default=NOTEBOOK)
    options = parser.parse_args()
    os.environ["FINETUNE_PROFILE"] = options.profile
    parts = options.folder / "parts"
    parts.mkdir(parents=True, exist_ok=True)

    # Seed by seed, so that what else the machine does slows all settings alike
    prepare(options.notebook)
    names = list(trainings())
    files = {
        (name, seed): parts / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{seed}.json"
        for seed in range(options.seeds)
        for name in names
    }
    with ProcessPoolExecutor(
        cores(), get_context("spawn"), initializer=prepare, initargs=(options.notebook,)
    ) as pool:
        todo = {pool.submit(measure, file, *key): key for key, file in files.items() if not file.exists()}
        for done in as_completed(todo):
            name, seed = todo[done]
            said = f"seed {seed}, {name}: {done.result()['accuracy']:.3f}, {done.result()['seconds']:.0f} s"
            print(said, file=sys.stderr, flush=True)

    # All in one file, and a table
    found = {
        name: [json.loads(files[name, seed].read_text("utf-8")) for seed in range(options.seeds)]
        for name in names
    }
    result = about(options.seeds) | {"experiments": by_experiment(found), "trainings": in_short(found)}
    (options.folder / "experiments.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(found, options.seeds).markdown())


def by_experiment(found: dict[str, list[dict]]) -> dict[str, list[str]]:
    """Return the names of the two settings of each experiment."""
    settings = {name: runs[0]["settings"] for name, runs in found.items()}

    def name_of(arm: Arm) -> str:
        return next(name for name, given in settings.items() if given == arm.settings(lab_settings()))

    return {each.name: [name_of(each.first), name_of(each.second)] for each in EXPERIMENTS}


def in_short(found: dict[str, list[dict]]) -> dict[str, dict]:
    """Return for each setting what its trainings gave, seed by seed."""
    figures = ("accuracy", "eval_loss", "training_loss")
    return {
        name: {"settings": runs[0]["settings"], "steps": runs[0]["steps"]}
        | {figure: [round(run[figure], 4) for run in runs] for figure in figures}
        for name, runs in found.items()
    }


def table(found: dict[str, list[dict]], seeds: int) -> Table:
    """Return a row for each setting."""
    rows = []
    for name, runs in found.items():
        accuracies = [one["accuracy"] for one in runs]
        error = statistics.stdev(accuracies) / seeds**0.5
        rows.append(
            [
                name,
                f"{statistics.mean(accuracies):.3f} ± {error:.3f}",
                f"{min(accuracies):.3f} to {max(accuracies):.3f}",
                statistics.mean(one["eval_loss"] for one in runs),
                statistics.mean(one["training_loss"] for one in runs),
                runs[0]["steps"],
            ]
        )
    columns = [
        "setting",
        "accuracy ± its standard error",
        "range",
        "validation loss",
        "training loss",
        "steps",
    ]
    return Table(f"The experiments of notebook 4, {seeds} seeds", columns, rows)


if __name__ == "__main__":
    main()
