"""Measure how time and memory grow with the data.

Training: one epoch of the fast recipe with Trainer and the bundled model. The sizes take turns, and the
median counts. The exponent is the slope of log(seconds) over log(reviews): 1 means that time grows in
proportion. Tokenization: `Dataset.map(batched=True)` on the bundled reviews, four times over, with one and
two processes. Memory: a new process reads a Parquet file from the first review to the last. Its peak counts,
less what it held when all was imported.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from datasets import concatenate_datasets, disable_progress_bars, load_dataset
from report import Table
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    logging,
)
from transformers.trainer_callback import PrinterCallback

from helpers.machine import Machine
from helpers.profiles import PROFILES

PROFILE = PROFILES["offline"]
SIZES = (500, 1_000, 2_000, 4_000)
ROUNDS = 3
REPEATED = (5, 25, 75)  # times the 8,000 bundled reviews
READERS = {
    "load_dataset": (
        "for batch in load_dataset('parquet', data_files=file, split='train', cache_dir=cache).iter(1_000):"
        " rows += len(batch['text'])"
    ),
    "load_dataset, streaming": (
        "for batch in load_dataset('parquet', data_files=file, split='train', streaming=True).iter(1_000):"
        " rows += len(batch['text'])"
    ),
    "pandas.read_parquet": "rows = len(pandas.read_parquet(file))",
}
READER = r"""
import re, sys, pandas
from datasets import disable_progress_bars, load_dataset
disable_progress_bars()
def peak(): return int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
file, cache, rows = sys.argv[1], sys.argv[2], 0
before = peak()
{line}
assert rows == int(sys.argv[3]), rows
print(peak() - before)
"""


def measure(machine: Machine) -> list[Table]:
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    disable_progress_bars()
    return [training(), tokenization(), memory()]


def tokenized():
    tokenizer = AutoTokenizer.from_pretrained(PROFILE.model)
    rows = load_dataset(PROFILE.dataset, split="train")
    return tokenizer, rows.map(
        lambda batch: tokenizer(batch["text"], truncation=True, return_length=True), batched=True
    )


def training() -> Table:
    tokenizer, rows = tokenized()
    seconds = {size: [] for size in SIZES}
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            folder,
            num_train_epochs=1,
            per_device_train_batch_size=8,
            train_sampling_strategy="group_by_length",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        for _ in range(ROUNDS):
            for size, measured in seconds.items():
                model = AutoModelForSequenceClassification.from_pretrained(PROFILE.model, num_labels=5)
                trainer = Trainer(
                    model=model,
                    args=args,
                    train_dataset=rows.select(range(size)),
                    processing_class=tokenizer,
                    data_collator=DataCollatorWithPadding(tokenizer),
                )
                trainer.remove_callback(PrinterCallback)
                measured.append(trainer.train().metrics["train_runtime"])
    medians = [statistics.median(measured) for measured in seconds.values()]
    exponent = np.polyfit(np.log(SIZES), np.log(medians), 1)[0]
    rows = [[size, total, 1_000 * total / size] for size, total in zip(SIZES, medians)]
    return Table(
        "Training time and the number of reviews",
        ["reviews", "seconds", "seconds per 1,000"],
        rows,
        f"Exponent: {exponent:.2f}.",
    )


def tokenization() -> Table:
    tokenizer = AutoTokenizer.from_pretrained(PROFILE.model)
    texts = concatenate_datasets(4 * list(load_dataset(PROFILE.dataset).values())).flatten_indices()
    seconds = {1: [], 2: []}
    for _ in range(ROUNDS):
        for processes, measured in seconds.items():
            began = time.perf_counter()
            texts.map(
                lambda batch: tokenizer(batch["text"], truncation=True),
                batched=True,
                load_from_cache_file=False,
                num_proc=processes if processes > 1 else None,
                keep_in_memory=True,
            )
            measured.append(time.perf_counter() - began)
    rows = [
        [str(processes), len(texts) / statistics.median(measured)] for processes, measured in seconds.items()
    ]
    note = f"{len(texts):,} reviews. With one process, the tokenizer itself uses all cores."
    return Table("Tokenization", ["num_proc", "rows a second"], rows, note)


def memory() -> Table:
    rows = [[name, *(peak_megabytes(line, times) for times in REPEATED)] for name, line in READERS.items()]
    size = len(load_dataset(PROFILE.dataset, split="train"))
    columns = ["how", *(f"MB, {times * size:,} reviews" for times in REPEATED)]
    note = (
        "What load_dataset has prepared, it maps into memory: those pages count here, and the system takes"
        " them back when memory is short. Streaming holds the blocks of the file that it has read ahead."
    )
    return Table("Peak memory of reading all reviews once", columns, rows, note)


def peak_megabytes(line: str, times: int) -> float:
    """Return the peak of a process that reads a file with the bundled reviews `times` over."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reviews.parquet"
        train = load_dataset(PROFILE.dataset, split="train")
        concatenate_datasets(times * [train]).to_parquet(file)
        command = [sys.executable, "-c", READER.format(line=line), str(file), folder, str(times * len(train))]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1_000
