"""Measure what pretraining is worth: the bundled model against the same architecture with random weights.

    python tests/benchmarks/pretraining_gain.py [--seeds 3] [--full]

Both are fine-tuned as in notebook 2, but in random batches: 1,000 reviews, 3 epochs, batches of 8, dynamic
padding. The table shows each of them at several learning rates, with mean and range over the seeds. `--full`
adds marks of what the dataset allows: the pretrained model fine-tuned on all 8,000 reviews, and TF-IDF with
logistic regression. Prints Markdown.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from datasets import load_dataset
from transformers import (
    AutoConfig,
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

from helpers.judge.metrics import within_one
from helpers.profiles import PROFILES

PROFILE = PROFILES["offline"]
LEARNING_RATES = (5e-5, PROFILE.learning_rate, 1e-3)


def load_data():
    """Return the tokenizer, and both splits, tokenized and shuffled as in the notebooks."""
    tokenizer = AutoTokenizer.from_pretrained(PROFILE.model)
    dataset = load_dataset(PROFILE.dataset)
    tokenized = dataset.map(lambda batch: tokenizer(batch["text"], truncation=True), batched=True).shuffle(
        seed=42
    )
    return tokenizer, tokenized["train"], tokenized["test"]


def fine_tune(
    tokenizer, train, test, *, pretrained: bool, learning_rate: float, seed: int
) -> tuple[float, float, float]:
    """Train, and return accuracy, share within one star, and seconds of training."""
    set_seed(seed)
    if pretrained:
        model = AutoModelForSequenceClassification.from_pretrained(PROFILE.model, num_labels=5)
    else:
        model = AutoModelForSequenceClassification.from_config(
            AutoConfig.from_pretrained(PROFILE.model, num_labels=5)
        )
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            output_dir=folder,
            learning_rate=learning_rate,
            num_train_epochs=PROFILE.num_train_epochs,
            per_device_train_batch_size=8,
            per_device_eval_batch_size=32,
            seed=seed,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        collator = DataCollatorWithPadding(tokenizer)
        trainer = Trainer(
            model=model, args=args, train_dataset=train, processing_class=tokenizer, data_collator=collator
        )
        trainer.remove_callback(PrinterCallback)  # the table is all that is printed
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
        prediction = trainer.predict(test)
    accuracy = float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())
    return accuracy, within_one(prediction.predictions, prediction.label_ids), seconds


def bag_of_words(train, test) -> tuple[float, float]:
    """Return accuracy and share within one star of TF-IDF over words and pairs with logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=3, max_iter=1000),
    )
    predicted = model.fit(train["text"][:], train["label"][:]).predict(test["text"][:])
    distance = np.abs(predicted - np.array(test["label"][:]))
    return float((distance == 0).mean()), float((distance <= 1).mean())


def summary(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    logging.set_verbosity_error()
    tokenizer, train, test = load_data()
    small_train = train.select(range(PROFILE.train_size))
    small_test = test.select(range(PROFILE.eval_size))

    means = {}
    print(
        f"| start | learning rate | accuracy, {options.seeds} seeds: mean (range) | within one star | seconds"
        " |\n|---|---|---|---|---|"
    )
    for pretrained in (True, False):
        for learning_rate in LEARNING_RATES:
            results = [
                fine_tune(
                    tokenizer,
                    small_train,
                    small_test,
                    pretrained=pretrained,
                    learning_rate=learning_rate,
                    seed=seed,
                )
                for seed in range(options.seeds)
            ]
            accuracies, near, seconds = zip(*results, strict=True)
            means[pretrained, learning_rate] = statistics.mean(accuracies)
            start = "pretrained" if pretrained else "random weights"
            figures = (
                f"{learning_rate:g}",
                summary(accuracies),
                f"{statistics.mean(near):.3f}",
                f"{statistics.mean(seconds):.0f}",
            )
            print(f"| {start} | {' | '.join(figures)} |", flush=True)
    at_profile = means[True, PROFILE.learning_rate] - means[False, PROFILE.learning_rate]
    best_random = max(mean for (pretrained, _), mean in means.items() if not pretrained)
    print(
        f"\nPretrained minus random: {100 * at_profile:.1f} points at the profile's learning rate"
        f" {PROFILE.learning_rate:g}; {100 * (means[True, PROFILE.learning_rate] - best_random):.1f} points"
        " against random weights at their best learning rate."
    )
    if options.full:
        accuracy, near, _ = fine_tune(
            tokenizer, train, test, pretrained=True, learning_rate=PROFILE.learning_rate, seed=0
        )
        print(
            f"\nFine-tuned on all {len(train):,} reviews: {accuracy:.3f}, within one star {near:.3f}"
            f" ({len(test):,} test reviews)."
        )
        for rows in (small_train, train):
            accuracy, near = bag_of_words(rows, test)
            print(
                f"TF-IDF and logistic regression on {len(rows):,}: {accuracy:.3f}, within one star"
                f" {near:.3f}."
            )


if __name__ == "__main__":
    main()
