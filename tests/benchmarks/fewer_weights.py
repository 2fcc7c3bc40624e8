"""Measure what it saves and what it costs to train fewer weights: notebook 7's table.

    pip install peft
    python tests/benchmarks/fewer_weights.py

The bundled model, trained as in notebook 2 (1,000 reviews, three epochs, batches of 8), five times over:

- all weights, at the profile's learning rate;
- frozen body: only the classifier learns;
- last two layers: the embeddings and all earlier layers are frozen (the bundled model has two layers);
- LoRA (🤗 PEFT, rank 8, PEFT's own choice of layers);
- all weights, but from random ones instead of the pretrained ones.

All but the first may need another rate. It is the best of `FACTORS` times the profile's on 1,000 validation
rows, with one seed. Accuracy: three other seeds, on 1,000 fresh rows of the training split that chose
nothing. As many trainings run at once as there are cores, with one thread each.

Time a step: the same ten batches, on all cores, in turn, the median of `ROUNDS` rounds. Gradients
and optimizer: the bytes of these tensors after a step. Peak: how far the peak of a process that trains three
steps of a model of BERT-base's shape lies above what it held before it made the model. Disk: what has to be
saved to have the trained model again, if the pretrained one is there. Prints Markdown.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import psutil
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification, BertConfig, DataCollatorWithPadding

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import answers
from report import Table

from helpers.judge import predict_in_order
from helpers.machine import cores
from helpers.profiles import PROFILES

PROFILE = PROFILES["offline"]
FACTORS = (1, 4, 16, 64)
SEEDS = (0, 1, 2)
ROUNDS = 7
STEPS = 10


def all_weights(model):
    return model


def frozen_body(model):
    model.base_model.requires_grad_(False)
    return model


def last_two_layers(model):
    model.base_model.embeddings.requires_grad_(False)
    for layer in model.base_model.encoder.layer[:-2]:
        layer.requires_grad_(False)
    return model


def lora(model):
    return get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=8))


METHODS = {
    "all weights": all_weights,
    "last two layers": last_two_layers,
    "LoRA": lora,
    "frozen body": frozen_body,
    "random weights": all_weights,
}


def accuracies(method: str, factor: float, seed: int) -> tuple[float, float]:
    """Train once. Returns the accuracies on the validation rows and on the fresh rows."""
    training = {"method": method, "seed": seed, "learning_rate": factor * PROFILE.learning_rate}
    rows = answers.POOL.select(range(PROFILE.train_size))
    trainer = answers.fine_tune(rows, training, METHODS[method])
    judged = (answers.VALIDATION, answers.FRESH)
    both = [predict_in_order(trainer, some) for some in judged]
    return tuple(float((logits.argmax(axis=-1) == labels).mean()) for logits, labels in both)


def first_batches() -> list[dict]:
    """Return ten batches of eight reviews of similar length, as grouping by length gives them."""
    rows = answers.POOL.select(range(PROFILE.train_size)).sort("length")
    rows = rows.select_columns(["input_ids", "attention_mask", "label"]).rename_column("label", "labels")
    collator = DataCollatorWithPadding(answers.TOKENIZER)
    starts = range(0, len(rows) - 8, len(rows) // STEPS)
    return [collator([rows[i] for i in range(start, start + 8)]) for start in starts][:STEPS]


def made(method: str):
    """Return a model of this kind and its optimizer."""
    model = METHODS[method](answers.make_model(method, len(answers.POOL.features["label"].names))).train()
    return model, optimizer_of(model)


def optimizer_of(model) -> torch.optim.Optimizer:
    learning = [weights for weights in model.parameters() if weights.requires_grad]
    return torch.optim.AdamW(learning, lr=PROFILE.learning_rate, fused=True)


def training_memory(method: str) -> float:
    """Return the megabytes of the gradients and of the optimizer's numbers."""
    model, optimizer = made(method)
    model(**first_batches()[0]).loss.backward()
    optimizer.step()
    gradients = [weights.grad for weights in model.parameters() if weights.grad is not None]
    numbers = [value for state in optimizer.state.values() for value in state.values()]
    return sum(tensor.nbytes for tensor in (*gradients, *numbers)) / 1e6


def train_steps(model, optimizer, batches) -> float:
    """Train on the batches, and return the milliseconds a step."""
    began = time.perf_counter()
    for batch in batches:
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return (time.perf_counter() - began) / len(batches) * 1e3


def step_times() -> dict[str, float]:
    """Measure the milliseconds a step of each method, in turn: medians of the rounds."""
    torch.set_num_threads(cores())
    batches = first_batches()
    parts = {method: made(method) for method in METHODS}
    for model, optimizer in parts.values():
        train_steps(model, optimizer, batches)
    times = {method: [] for method in METHODS}
    for _ in range(ROUNDS):
        for method, (model, optimizer) in parts.items():
            times[method].append(train_steps(model, optimizer, batches))
    return {method: statistics.median(some) for method, some in times.items()}


def peak_memory(method: str) -> float:
    """Train a large model for three steps. Returns the megabytes by which this process grew."""
    batches = first_batches()[3:6]
    before = psutil.Process().memory_info().rss
    config = BertConfig(vocab_size=len(answers.TOKENIZER), num_labels=5, attn_implementation="sdpa")
    model = METHODS[method](AutoModelForSequenceClassification.from_config(config)).train()
    train_steps(model, optimizer_of(model), batches)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before) / 1e6


def weights_and_disk(method: str) -> tuple[int, float]:
    """Return the number of weights that learn, and the megabytes that they take as safetensors."""
    model, _ = made(method)
    learning = {name: weights.detach() for name, weights in model.named_parameters() if weights.requires_grad}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "weights.safetensors")
        save_file(learning, file)
        return sum(weights.numel() for weights in learning.values()), file.stat().st_size / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", choices=METHODS, help="measure only this method's memory, for main")
    options = parser.parse_args()
    answers.prepare(PROFILE)
    if options.memory:
        print(json.dumps(peak_memory(options.memory)))
        return

    # Time and memory first, while nothing else runs
    times = step_times()
    command = [sys.executable, __file__, "--memory"]
    memory = {
        method: float(subprocess.run([*command, method], check=True, capture_output=True, text=True).stdout)
        for method in METHODS
    }

    # The rates, then the accuracies
    with ProcessPoolExecutor(
        cores(), get_context("spawn"), initializer=answers.prepare, initargs=(PROFILE,)
    ) as pool:
        tried = {
            (method, factor): pool.submit(accuracies, method, factor, 100)
            for method in METHODS
            for factor in (FACTORS if method != "all weights" else (1,))
        }
        best = {
            method: max(
                (factor for name, factor in tried if name == method),
                key=lambda factor, method=method: tried[method, factor].result()[0],
            )
            for method in METHODS
        }
        judged = {
            method: [pool.submit(accuracies, method, best[method], seed) for seed in SEEDS]
            for method in METHODS
        }
    rows = []
    for method, some in judged.items():
        fresh = [done.result()[1] for done in some]
        count, disk = weights_and_disk(method)
        mean = f"{statistics.mean(fresh):.3f} ({min(fresh):.3f} to {max(fresh):.3f})"
        rate = f"{best[method] * PROFILE.learning_rate:g}"
        rows.append([method, mean, rate, count, times[method], training_memory(method), memory[method], disk])
    columns = [
        "what learns",
        "accuracy",
        "learning rate",
        "weights",
        "ms a step",
        "MB, gradients and optimizer",
        "peak MB, BERT-base's shape",
        "MB on disk",
    ]
    print(Table("Fewer weights to train", columns, rows).markdown())


if __name__ == "__main__":
    main()
