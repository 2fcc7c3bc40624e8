"""Train with each of the mystery's six faults, and count how often the written rule names it.

    python tests/benchmarks/faults.py [--seeds 10] [--first 0] [--profile offline]

The trainings are those of `MysteryFault`: `helpers.learn.faults.train` on the profile's rows, with one thread
each, as many at once as there are cores. For each seed there is a healthy training, too, in which the rules
must not name a fault. They compare each training with the healthy one of the next seed, as the panel compares
with a healthy training of another seed. The thresholds of the rules were chosen with the seeds 1000 and 1001.
Prints Markdown, and fails if a fault is named in fewer than nine of ten trainings.
"""

import argparse
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from datasets import disable_progress_bars
from transformers import AutoModelForSequenceClassification, logging, set_seed

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from report import Table

from helpers.data import load_config, load_reviews, load_tokenizer
from helpers.learn.faults import FAULTS, RULES, Evidence, Recipe, named, train
from helpers.machine import cores, detect_machine
from helpers.profiles import PROFILES
from helpers.train.runs import Run


def prepare(name: str) -> None:
    """Load the rows once in each process."""
    global RECIPE
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    disable_progress_bars()
    profile = PROFILES[name]
    reviews = load_reviews(profile)
    names = reviews["train"].features["label"].names
    config = load_config(profile, num_labels=len(names), attention_probs_dropout_prob=0.0)

    def new_model(seed):
        set_seed(seed)
        return AutoModelForSequenceClassification.from_pretrained(
            profile.model, revision=profile.model_revision, config=config
        )

    RECIPE = Recipe.of(
        new_model, reviews, load_tokenizer(profile), profile.learning_rate, device=detect_machine().device
    )


def evidence(fault: str | None, seed: int) -> tuple[Evidence, float]:
    """Train once, with this fault or without one. Returns the CPU's seconds, too."""
    began = time.process_time()
    return train(RECIPE, fault, seed, Run(fault or "healthy")), time.process_time() - began


def numbers(found: Evidence, healthy: Evidence) -> list[float]:
    """Return what the rules look at."""
    return [
        found.words_back,
        found.body_moved / healthy.body_moved,
        found.norm_ends[1] / found.norm_ends[0],
        found.norm_jump,
        *(found.accuracies[rows] for rows in ("judged", "training", "unused")),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--profile", default="offline", choices=PROFILES)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)

    # Train
    context = get_context("spawn")
    with ProcessPoolExecutor(cores(), context, initializer=prepare, initargs=(options.profile,)) as pool:
        tasks = {
            (fault, seed): pool.submit(evidence, fault, seed) for seed in seeds for fault in (*FAULTS, None)
        }
        found = {key: task.result()[0] for key, task in tasks.items()}
    seconds = statistics.median(task.result()[1] for task in tasks.values())

    # Name each by the rules
    others = dict(zip(seeds, [*seeds[1:], seeds[0]]))
    verdicts = {(fault, seed): named(of, found[None, others[seed]]) for (fault, seed), of in found.items()}

    # How often the rule was right
    columns = ["fault", "named rightly", "mistaken for", "the rule"]
    words = {rule.fault: rule.words for rule in RULES} | {None: "no rule holds"}
    rows = []
    for fault in (*FAULTS, None):
        given = [verdicts[fault, seed] for seed in seeds]
        wrong = sorted({FAULTS.get(other, "healthy") for other in given if other != fault})
        right = sum(other == fault for other in given)
        rows.append(
            [FAULTS.get(fault, "healthy"), f"{right} of {len(given)}", ", ".join(wrong), words[fault]]
        )
    title = f"Faults named by the rules: `{options.profile}`, seeds {seeds[0]} to {seeds[-1]}"
    print(Table(title, columns, rows).markdown())

    # The numbers behind it: lowest to highest
    columns = ["fault", "words back", "body moved, × healthy", "norm, end ÷ start", "norm, step to step",
               "accuracy, validation", "training rows", "unused rows"]  # fmt: skip
    rows = []
    for fault in (*FAULTS, None):
        of_seeds = zip(*(numbers(found[fault, seed], found[None, others[seed]]) for seed in seeds))
        rows.append(
            [FAULTS.get(fault, "healthy"), *(f"{min(some):.2g} to {max(some):.2g}" for some in of_seeds)]
        )
    note = f"CPU seconds a training, median: {seconds:.1f}."
    print(Table("What the rules look at, lowest to highest", columns, rows, note).markdown())

    # One figure for all
    if any(sum(verdicts[fault, seed] == fault for seed in seeds) < 0.9 * len(seeds) for fault in FAULTS):
        sys.exit("A fault was named in fewer than nine of ten trainings.")


if __name__ == "__main__":
    main()
