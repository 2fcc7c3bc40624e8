"""Measure what it costs a training to keep its answers and how far its weights moved.

    python tests/benchmarks/moments_cost.py

The bundled model trains on the bundled reviews, as in notebook 4: 1,000 rows, three epochs, batches of eight.
In each training the script takes the time inside the two callbacks apart from the rest. It also trains
without them, in turns, and compares the whole times. It counts the processor's time, not the clock's, so it
hardly matters what else the machine does. On a GPU this would not do.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import datasets
import transformers
from report import Table
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback

from helpers.data import load_config, load_reviews, load_tokenizer
from helpers.profiles import PROFILES
from helpers.train import KeepMoments, KeepMovement, Run, RunCallback

PROFILE = PROFILES["offline"]


class Timed:
    """Adds up the seconds inside the methods of callbacks that it wraps, their making included."""

    def __init__(self):
        self.seconds = {"answers": 0.0, "movement": 0.0}

    def make(self, name: str, kind: type, *given, **options):
        callback = self._timed(name, kind)(*given, **options)
        for event in ("on_train_begin", "on_step_end", "on_train_end"):
            setattr(callback, event, self._timed(name, getattr(callback, event)))
        return callback

    def _timed(self, name, function):
        def timed(*given, **options):
            began = time.process_time()
            try:
                return function(*given, **options)
            finally:
                self.seconds[name] += time.process_time() - began

        return timed


def training(reviews, tokenizer, keep: bool) -> tuple[float, dict[str, float], Run]:
    """Train once. Returns its seconds, those inside the callbacks, and its record."""
    # The model and its callbacks
    began = time.process_time()
    set_seed(42)
    config = load_config(PROFILE, num_labels=5, attention_probs_dropout_prob=0.0)
    model = AutoModelForSequenceClassification.from_pretrained(PROFILE.model, config=config)
    run = Run("measured")
    inside = Timed()
    callbacks = [RunCallback(run)]
    if keep:
        given = (run, reviews["validation"], tokenizer)
        callbacks.append(inside.make("answers", KeepMoments, *given, ordered=True))
        callbacks.append(inside.make("movement", KeepMovement, run, model))

    # The training
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            use_cpu=True,
            output_dir=folder,
            learning_rate=PROFILE.learning_rate,
            num_train_epochs=PROFILE.num_train_epochs,
            per_device_train_batch_size=8,
            logging_steps=5,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
        )
        trainer = Trainer(
            model=model,
            args=args,
            train_dataset=reviews["train"],
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=callbacks,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return time.process_time() - began, inside.seconds, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    reviews = load_reviews(PROFILE)
    tokenizer = load_tokenizer(PROFILE)

    # Both kinds in turns, and the other one first in every second round
    with_them, without = [], []
    for number in range(rounds):
        for keep in (number % 2 == 0, number % 2 == 1):
            (with_them if keep else without).append(training(reviews, tokenizer, keep))
    seconds, inside, runs = zip(*with_them)

    # What they took, and what they made
    rows = [
        [
            f"{name} inside a training, share of its time",
            *_range([spent[name] / whole for spent, whole in zip(inside, seconds)]),
        ]
        for name in inside[0]
    ]
    ratios = [kept / plain[0] - 1 for kept, plain in zip(seconds, without)]
    rows.append(["both, whole time against that of a training without", *_range(ratios)])
    with tempfile.TemporaryDirectory() as folder:
        sizes = [record.save(Path(folder) / "run.json").stat().st_size for record in (runs[0], without[0][2])]
    note = (
        f"{rounds} trainings of each kind, {runs[0].step} steps; one without took "
        f"{statistics.median(plain[0] for plain in without):.0f} s of the processor. "
        f"Kept: {len(runs[0].moments)} moments of {len(runs[0].watched['texts'])} texts. "
        f"Saved run: {sizes[0] / 1_000:.0f} KB, without them {sizes[1] / 1_000:.0f} KB. "
        f"Losses equal to the last bit: {runs[0].series('loss') == without[0][2].series('loss')}."
    )
    print(Table("Keeping answers and movement", ["what", "median", "range"], rows, note).markdown())


def _range(shares: list[float]) -> list[str]:
    return [f"{statistics.median(shares):.2%}", f"{min(shares):.2%} to {max(shares):.2%}"]


if __name__ == "__main__":
    main()
