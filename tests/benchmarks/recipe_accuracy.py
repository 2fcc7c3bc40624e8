"""Measure whether the fast recipe costs accuracy.

    python tests/benchmarks/recipe_accuracy.py [--seeds 5] [--json FILE]

Each change to the tutorial's recipe is measured by itself, paired over seeds, on the bundled data. With FILE,
a run that was stopped goes on where it was.

The script fine-tunes as in notebook 2 (1,000 reviews, 3 epochs, batches of 8) and measures on all 2,000 test
reviews. A seed sets the classifier's start, the order and dropout. "Difference" is the mean over the seeds of
(this recipe - the tutorial's) with its standard error. As many trainings run at once as there are cores, with
one thread each, on the first GPU if there is one. bf16 is tried only where it trains faster. Prints Markdown.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import torch
from datasets import disable_progress_bars, load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    logging,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers.data.pretrained import load_config
from helpers.machine import cores, detect_machine
from helpers.profiles import PROFILES
from helpers.train.token_budget import TokenBudgetTrainer

PROFILE = PROFILES["offline"]
NO_ATTENTION_DROPOUT = {"attention_probs_dropout_prob": 0.0}
NO_DROPOUT = {"attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.0}
BERTS_OWN = {"attention_probs_dropout_prob": 0.1}  # the bundled model's configuration has none
GROUPED = {"train_sampling_strategy": "group_by_length"}
FAST = (True, GROUPED, NO_ATTENTION_DROPOUT, None)
# name: (padding, fields of TrainingArguments, fields of the model's configuration, tokens in a batch)
RECIPES = {
    "tutorial": ("max_length", {"optim": "adamw_torch"}, BERTS_OWN, None),
    "+ dynamic padding": (True, {"optim": "adamw_torch"}, BERTS_OWN, None),
    "+ grouped by length": (True, {"optim": "adamw_torch"} | GROUPED, BERTS_OWN, None),
    "+ no attention dropout": (True, {"optim": "adamw_torch"} | GROUPED, NO_ATTENTION_DROPOUT, None),
    "+ fused AdamW: the fast recipe": FAST,
    "the fast recipe in bf16": (True, GROUPED | {"bf16": True}, NO_ATTENTION_DROPOUT, None),
    "fast, and no hidden dropout": (True, GROUPED, NO_DROPOUT, None),
    "fast, and batches of 1,200 tokens": (True, {}, NO_ATTENTION_DROPOUT, 1_200),
    "fast, and both: the last rung": (True, {}, NO_DROPOUT, 1_200),
}


def fine_tune(tokenizer, train, test, recipe, seed: int) -> tuple[float, float]:
    """Train, and return accuracy and seconds of training."""
    padding, arguments, fields, budget = recipe
    set_seed(seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        PROFILE.model, config=load_config(PROFILE, num_labels=5, **fields)
    )
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            output_dir=folder,
            learning_rate=PROFILE.learning_rate,
            num_train_epochs=PROFILE.num_train_epochs,
            per_device_train_batch_size=8,
            per_device_eval_batch_size=32,
            seed=seed,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
            **arguments,
        )
        collator = DataCollatorWithPadding(
            tokenizer, padding=padding, max_length=PROFILE.max_length if padding == "max_length" else None
        )
        given = {
            "model": model,
            "args": args,
            "train_dataset": train,
            "processing_class": tokenizer,
            "data_collator": collator,
        }
        trainer = Trainer(**given) if budget is None else TokenBudgetTrainer(tokens_per_batch=budget, **given)
        trainer.remove_callback(PrinterCallback)  # the table is all that is printed
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
        # padding does not change an answer, and this is faster
        trainer.data_collator = DataCollatorWithPadding(tokenizer)
        prediction = trainer.predict(test)
    return float((prediction.predictions.argmax(-1) == prediction.label_ids).mean()), seconds


def prepare() -> None:
    """Load data and model, once in each process."""
    global TOKENIZER, TRAIN, TEST
    torch.set_num_threads(1)
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # among several, Trainer would divide each batch
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    disable_progress_bars()
    TOKENIZER = AutoTokenizer.from_pretrained(PROFILE.model)
    dataset = load_dataset(PROFILE.dataset).map(
        lambda batch: TOKENIZER(batch["text"], truncation=True), batched=True
    )
    TRAIN = dataset["train"].shuffle(seed=42).select(range(PROFILE.train_size))
    TEST = dataset["test"]


def measure(name: str, seed: int) -> tuple[float, float]:
    return fine_tune(TOKENIZER, TRAIN, TEST, RECIPES[name], seed)


def measure_all(names: list[str], seeds: int, file: Path | None) -> dict[str, dict[str, tuple[float, float]]]:
    """Return accuracy and seconds by recipe and seed. `file` keeps them after each training."""
    results = json.loads(file.read_text(encoding="utf-8")) if file and file.exists() else {}
    with ProcessPoolExecutor(cores(), get_context("spawn"), initializer=prepare) as pool:
        # Seed by seed, so that what else the machine does slows all recipes.
        todo = {
            pool.submit(measure, name, seed): (name, str(seed))
            for seed in range(seeds)
            for name in names
            if str(seed) not in results.get(name, {})
        }
        for done in as_completed(todo):
            name, seed = todo[done]
            results.setdefault(name, {})[seed] = done.result()
            if file:
                file.write_text(json.dumps(results, indent=1), encoding="utf-8")
            print(
                f"seed {seed}: {name}: {done.result()[0]:.4f}, {done.result()[1]:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    return results


def row(name: str, measured: dict[str, tuple[float, float]], base: dict[str, tuple[float, float]]) -> str:
    accuracies = [accuracy for accuracy, _ in measured.values()]
    gaps = [100 * (measured[seed][0] - base[seed][0]) for seed in measured]
    error = statistics.stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
    relative = statistics.median(measured[seed][1] / base[seed][1] for seed in measured)
    spread = f"{statistics.mean(accuracies):.3f} ({min(accuracies):.3f} to {max(accuracies):.3f})"
    return f"| {name} | {spread} | {statistics.mean(gaps):+.1f} ± {error:.1f} | {relative:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    bf16 = detect_machine().bf16
    results = measure_all(
        [name for name in RECIPES if bf16 or "bf16" not in name], options.seeds, options.json
    )
    print(
        f"| recipe | accuracy, {options.seeds} seeds: mean (range) | difference ± its standard error, in"
        " points | training time, relative |"
    )
    print("|---|---|---|---|")
    for name in filter(results.__contains__, RECIPES):
        print(row(name, results[name], results["tutorial"]))


if __name__ == "__main__":
    main()
