"""Whether the fast recipe costs accuracy: each change to the tutorial's recipe by itself, paired over seeds, on the bundled data.

    python tests/benchmarks/recipe_accuracy.py [--seeds 5] [--json FILE]    # with FILE, a run that was stopped goes on

Fine-tunes as in notebook 2 (1,000 reviews, 3 epochs, batches of 8) and measures on all 2,000 test reviews. A seed sets the classifier's
start, the order and dropout. "Difference" is the mean over the seeds of (this recipe - the tutorial's) with its standard error. Prints Markdown.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments, logging, set_seed
from transformers.trainer_callback import PrinterCallback

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers.models import load_config
from helpers.profiles import PROFILES

PROFILE = PROFILES["offline"]
NO_ATTENTION_DROPOUT, NO_DROPOUT = {"attention_probs_dropout_prob": 0.0}, {"attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.0}
BERTS_OWN = {"attention_probs_dropout_prob": 0.1}  # the bundled model's configuration has none
GROUPED = {"train_sampling_strategy": "group_by_length"}
RECIPES = {  # name: (padding, fields of TrainingArguments, fields of the model's configuration, tokens in a batch)
    "tutorial": ("max_length", {"optim": "adamw_torch"}, BERTS_OWN, None),
    "+ dynamic padding": (True, {"optim": "adamw_torch"}, BERTS_OWN, None),
    "+ grouped by length": (True, {"optim": "adamw_torch"} | GROUPED, BERTS_OWN, None),
    "+ no attention dropout": (True, {"optim": "adamw_torch"} | GROUPED, NO_ATTENTION_DROPOUT, None),
    "+ fused AdamW": (True, GROUPED, NO_ATTENTION_DROPOUT, None),
    "+ bf16: the fast recipe": (True, GROUPED | {"bf16": True}, NO_ATTENTION_DROPOUT, None),
    "fast, and no hidden dropout": (True, GROUPED | {"bf16": True}, NO_DROPOUT, None),
    "fast, and batches of about 1,200 tokens": (True, {"bf16": True}, NO_ATTENTION_DROPOUT, 1_200),
}


class TokenBudget(torch.utils.data.Sampler):
    """Batches of neighbours in length that hold at most `budget` tokens, padding included; drawn anew for each epoch."""

    def __init__(self, lengths: list[int], budget: int, seed: int):
        self.lengths, self.budget, self.random = np.array(lengths), budget, np.random.default_rng(seed)
        self.count = len(self._batches())

    def __len__(self):
        return self.count

    def __iter__(self):
        batches = self._batches()
        return iter([batches[i] for i in self.random.permutation(len(batches))][: self.count])

    def _batches(self) -> list[list[int]]:
        order = np.argsort(self.lengths + self.random.uniform(0, 8, len(self.lengths)))
        batches = [[]]
        for i in order:
            if batches[-1] and (len(batches[-1]) + 1) * self.lengths[i] > self.budget:
                batches.append([])
            batches[-1].append(int(i))
        return batches


class TokenBudgetTrainer(Trainer):
    def __init__(self, budget: int, **kwargs):
        super().__init__(**kwargs)
        self.budget = budget

    def get_train_dataloader(self):
        lengths = [len(ids) for ids in self.train_dataset["input_ids"]]
        rows = self._remove_unused_columns(self.train_dataset)
        return torch.utils.data.DataLoader(rows, batch_sampler=TokenBudget(lengths, self.budget, self.args.seed), collate_fn=self.data_collator)


def fine_tune(tokenizer, train, test, recipe, seed: int) -> tuple[float, float]:
    """(accuracy, seconds of training)."""
    padding, arguments, fields, budget = recipe
    set_seed(seed)
    model = AutoModelForSequenceClassification.from_pretrained(PROFILE.model, config=load_config(PROFILE, num_labels=5, **fields))
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            output_dir=folder, learning_rate=PROFILE.learning_rate, num_train_epochs=PROFILE.num_train_epochs, per_device_train_batch_size=8,
            per_device_eval_batch_size=32, seed=seed, save_strategy="no", logging_strategy="no", report_to="none", disable_tqdm=True,
            use_cpu=True, **arguments,
        )
        collator = DataCollatorWithPadding(tokenizer, padding=padding, max_length=PROFILE.max_length if padding == "max_length" else None)
        given = {"model": model, "args": args, "train_dataset": train, "processing_class": tokenizer, "data_collator": collator}
        trainer = Trainer(**given) if budget is None else TokenBudgetTrainer(budget, **given)
        trainer.remove_callback(PrinterCallback)  # the table is all that is printed
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
        trainer.data_collator = DataCollatorWithPadding(tokenizer)  # padding does not change an answer, and this is faster
        prediction = trainer.predict(test)
    return float((prediction.predictions.argmax(-1) == prediction.label_ids).mean()), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    logging.set_verbosity_error()
    tokenizer = AutoTokenizer.from_pretrained(PROFILE.model)
    dataset = load_dataset(PROFILE.dataset).map(lambda batch: tokenizer(batch["text"], truncation=True), batched=True)
    train = dataset["train"].shuffle(seed=42).select(range(PROFILE.train_size))
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in RECIPES}
    if options.json and options.json.exists():
        results |= json.loads(options.json.read_text(encoding="utf-8"))
    for seed in range(options.seeds):  # the recipes take turns, so that what else the machine does slows all of them
        for name, recipe in RECIPES.items():
            if len(results[name]) > seed:
                continue
            results[name].append(fine_tune(tokenizer, train, dataset["test"], recipe, seed))
            if options.json:
                options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
            print(f"seed {seed}: {name}: {results[name][-1][0]:.4f}, {results[name][-1][1]:.0f} s", file=sys.stderr, flush=True)
    print(f"| recipe | accuracy, {options.seeds} seeds: mean (range) | difference ± its standard error, in points | training time, relative |")
    print("|---|---|---|---|")
    base = results["tutorial"]
    for name, measured in results.items():
        accuracies = [accuracy for accuracy, _ in measured]
        gaps = [100 * (accuracy - reference) for accuracy, (reference, _) in zip(accuracies, base, strict=True)]
        error = statistics.stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
        relative = statistics.median(seconds / reference for (_, seconds), (_, reference) in zip(measured, base, strict=True))
        spread = f"{statistics.mean(accuracies):.3f} ({min(accuracies):.3f} to {max(accuracies):.3f})"
        print(f"| {name} | {spread} | {statistics.mean(gaps):+.1f} ± {error:.1f} | {relative:.2f} |")


if __name__ == "__main__":
    main()
