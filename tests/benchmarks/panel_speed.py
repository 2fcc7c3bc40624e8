"""Measure how fast the panels answer, and what drawing costs a training.

    python tests/benchmarks/panel_speed.py

It measures in the kernel, without a browser: from a slider's new value until picture, text and code are new.
The panel shows twelve runs.
The training is a native loop with the bundled model on bundled reviews. The script compares its time with the
seconds spent in the panel's listener.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np
import torch
from datasets import load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    TrainingArguments,
    logging,
)

from helpers.profiles import PROFILES
from helpers.show import PaddingExplorer, TokenExplorer
from helpers.show.lab import HyperparameterPanel
from helpers.train.runs import Run

PROFILE = PROFILES["offline"]


def delays(set_value, values) -> str:
    """Return the milliseconds until `set_value(value)` returns: median, 95th percentile, and the processor's.

    On a machine that does other work, only the processor's time can be compared.
    """
    times = []
    for value in values:
        began = time.perf_counter(), time.process_time()
        set_value(value)
        times.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    waited, computed = 1_000 * np.array(times).T
    middle, high = np.percentile(waited, [50, 95])
    return f"median {middle:4.0f} ms, 95 % {high:4.0f} ms; processor: median {np.median(computed):4.0f} ms"


def twelve_runs() -> list[Run]:
    """Make runs of 75 losses and three evaluations each."""
    runs = []
    for number in range(1, 13):
        run = Run(f"earlier {number}", settings={"learning_rate": number * 1e-4, "eval_size": 100})
        run.start()
        for step in range(1, 76):
            run.log(step, 1.6 - number * step / 2_000)
            if step % 25 == 0:
                run.log_evaluation(step, 1.5 - number * step / 2_000, accuracy=0.2 + number * step / 2_000)
        run.end()
        runs.append(run)
    return runs


def new_panel(train, folder: str) -> HyperparameterPanel:
    args = TrainingArguments(output_dir=folder, learning_rate=5e-4, num_train_epochs=1, seed=42)
    rows = {"train_rows": 400, "eval_rows": 100}
    return HyperparameterPanel(train, args, **rows, folder=folder, runs=twelve_runs(), layers=4)


def training(tokenizer):
    """Make a train function: one epoch of plain steps."""
    dataset = load_dataset(PROFILE.dataset, split="train").select(range(400))
    dataset = dataset.map(lambda batch: tokenizer(batch["text"], truncation=True), batched=True)
    dataset = dataset.remove_columns("text").rename_column("label", "labels")
    dataset.set_format("torch")

    def train(args, run, train_size, start, freeze):
        model = AutoModelForSequenceClassification.from_pretrained(PROFILE.model, num_labels=5).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, fused=True)
        run.start()
        for batch in torch.utils.data.DataLoader(
            dataset, batch_size=8, collate_fn=DataCollatorWithPadding(tokenizer)
        ):
            loss = model(**batch).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            run.log(run.step + 1, loss.item())

    return train


def drawing_share(panel: HyperparameterPanel) -> tuple[float, int]:
    """Return the share of a training's seconds that the panel's listener took, and the number of pictures."""
    spent = []
    pictures = []
    follow = panel._follow

    def timed(run):
        began = time.perf_counter()
        follow(run)
        spent.append(time.perf_counter() - began)

    panel._follow = timed
    panel._curve.observe(lambda change: pictures.append(1), names="value")
    run = panel.run()
    return sum(spent) / run.seconds, len(pictures)


def main() -> None:
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(PROFILE.model)
    generator = np.random.default_rng(0)
    lengths = generator.lognormal(4.9, 0.7, 1_000).astype(int).clip(5, 512)
    with tempfile.TemporaryDirectory() as folder:
        panel = new_panel(training(tokenizer), folder)
        sliders = panel.controls.widgets
        print(
            "HyperparameterPanel, warmup_steps  ",
            delays(lambda v: setattr(sliders["warmup_steps"], "value", v), np.arange(1, 31) % 10 / 20),
        )
        print(
            "HyperparameterPanel, learning_rate ",
            delays(lambda v: setattr(sliders["learning_rate"], "value", v), np.geomspace(1e-5, 1e-2, 30)),
        )
        boxes = [row.children[0] for row in panel._list.box.children]
        print(
            "HyperparameterPanel, hide a run    ",
            delays(lambda n: setattr(boxes[n % 12], "value", not boxes[n % 12].value), range(24)),
        )
        padding = PaddingExplorer(lengths)
        padding.padding.value = "group_by_length"
        print(
            "PaddingExplorer, max_length        ",
            delays(lambda v: setattr(padding.max_length, "value", v), range(32, 512, 16)),
        )
        tokens = TokenExplorer(tokenizer)
        print(
            "TokenExplorer, typing              ",
            delays(lambda v: setattr(tokens.text, "value", v), [15 * "la" + n * "!" for n in range(15)]),
        )
        share, count = drawing_share(panel)
        seconds = panel.runs[-1].seconds
        print(f"Drawing: {share:.1%} of a training of {seconds:.1f} s, {count / seconds:.1f} curves a second")


if __name__ == "__main__":
    main()
