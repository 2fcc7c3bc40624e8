"""Measure a model in use: one review at a time or in batches, in 32, 16 or 8 bits. Notebook 7's table.

    python tests/benchmarks/in_use.py

Two models on all cores: the bundled one, trained as in notebook 2, and one of BERT-base's shape with random
weights, for which only the time says something. Each answers the same validation reviews: the bundled model
512 of them, the large one 64. Medians of `ROUNDS` rounds in which all ways take turns. "Sorted": the reviews
are sorted by length before they are put into batches of 16.

int8 is PyTorch's `quantize_dynamic` of the linear layers: weights in 8 bits, and each batch's numbers are
rounded to 8 bits on the way. PyTorch will remove it. torchao replaces it; its eager mode is measured too,
where it is installed. bf16 is tried only on processors that are good at it. Prints Markdown.
"""

import copy
import statistics
import sys
import time
import warnings
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, BertConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import answers
from report import Table

from helpers.machine import cores
from helpers.profiles import PROFILES

PROFILE = PROFILES["offline"]
ROUNDS = 3
BATCH = 16


def int8(model):
    """Return a copy whose linear layers compute in 8 bits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it will be removed
        return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)


def int8_of_torchao(model):
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    small = copy.deepcopy(model)
    quantize_(small, Int8DynamicActivationInt8WeightConfig())
    return small


def answer_all(model, rows, order, size, context) -> tuple[float, np.ndarray]:
    """Answer the rows in batches. Returns milliseconds a review, and the logits in the rows' order."""
    logits = np.zeros((len(rows), model.config.num_labels), dtype=np.float32)
    began = time.perf_counter()
    with torch.inference_mode(), context:
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            batch = answers.TOKENIZER.pad([rows[i] for i in chosen], return_tensors="pt")
            logits[chosen] = model(**batch).logits.float().numpy()
    return (time.perf_counter() - began) / len(order) * 1e3, logits


def measure(model, rows, labels=None) -> list[list]:
    """Return a row of the table for each way: milliseconds a review, and the accuracy if labels are given."""
    lengths = [len(row["input_ids"]) for row in rows]
    given, by_length = np.arange(len(rows)), np.argsort(lengths, kind="stable")
    ways = {
        "float32, one at a time": (model, given, 1, nullcontext()),
        f"float32, batches of {BATCH}": (model, given, BATCH, nullcontext()),
        f"float32, batches of {BATCH}, sorted": (model, by_length, BATCH, nullcontext()),
    }
    if answers.MACHINE.bf16:
        bf16 = torch.autocast("cpu", torch.bfloat16)
        ways[f"bf16, batches of {BATCH}, sorted"] = (model, by_length, BATCH, bf16)
    small = int8(model)
    ways["int8, one at a time"] = (small, given, 1, nullcontext())
    ways[f"int8, batches of {BATCH}, sorted"] = (small, by_length, BATCH, nullcontext())
    if find_spec("torchao"):
        ao = int8_of_torchao(model)
        ways[f"int8 of torchao, batches of {BATCH}, sorted"] = (ao, by_length, BATCH, nullcontext())

    times = {way: [] for way in ways}
    logits = {}
    for _ in range(ROUNDS):
        for way, how in ways.items():
            milliseconds, logits[way] = answer_all(how[0], rows, *how[1:])
            times[way].append(milliseconds)
    table = []
    for way, some in times.items():
        median = statistics.median(some)
        ratio = f"{statistics.median(times[next(iter(times))]) / median:.1f}"
        right = "" if labels is None else f"{(logits[way].argmax(axis=-1) == labels).mean():.3f}"
        table.append([way, median, ratio, right])
    return table


def main() -> None:
    answers.prepare(PROFILE)
    torch.set_num_threads(cores())
    rows = answers.VALIDATION.select(range(512)).select_columns(["input_ids", "attention_mask"])
    labels = np.array(answers.VALIDATION["label"][:512])
    rows = rows[:]
    rows = [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)]
    columns = ["how", "ms a review", "× one at a time", "accuracy on 512"]

    training = {"method": "fine-tuned", "seed": 42}
    model = answers.fine_tune(answers.POOL.select(range(PROFILE.train_size)), training).model.eval()
    print(Table("The bundled model in use", columns, measure(model, rows, labels)).markdown())

    large = BertConfig(vocab_size=model.config.vocab_size, num_labels=5, attn_implementation="sdpa")
    large = AutoModelForSequenceClassification.from_config(large).eval()
    timed = [row[:-1] for row in measure(large, rows[:64])]
    print(Table("A model of BERT-base's shape", columns[:-1], timed).markdown())


if __name__ == "__main__":
    main()
