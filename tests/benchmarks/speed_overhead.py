"""Measure what Trainer, the native loop, the record and the live curve add to a training step.

The bundled model trains on bundled reviews in batches of eight with the fast recipe. It trains in a Jupyter
kernel, where pictures are sent as they are in a notebook. Every training must do forward, backward, clipping,
the optimizer's step, and clearing the gradients. The script takes the time inside of these apart from the
rest of the same steps, so it hardly matters what else the machine does meanwhile. A bare loop does nothing
else. Its batches lie ready or, as for all others, come from a DataLoader.
"""

from __future__ import annotations

import functools
import json
import statistics
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager, nullcontext
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from report import Table

from helpers.machine import Machine

REVIEWS = 2_400
ROUNDS = 2  # about as many steps as the notebooks train
CELL = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})\nimport speed_overhead;"
    " speed_overhead.in_kernel()"
)


def measure(machine: Machine) -> list[Table]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(
        notebook, timeout=1_200, resources={"metadata": {"path": str(Path(__file__).parent)}}
    ).execute()
    printed = [output["text"] for output in notebook.cells[0].outputs if output.get("name") == "stdout"]
    measured = json.loads("".join(printed).split("MEASURED")[1])
    rows = []
    for name, rounds in measured.items():
        inside, outside = (1_000 * statistics.median(times) for times in zip(*rounds))
        rows.append([name, inside, outside, f"{outside / inside:.1%}"])
    columns = ["training", "inside, ms a step", "outside, ms a step", "outside / inside"]
    return [
        Table(
            f"Overhead of a step of {rows[0][1]:.0f} ms",
            columns,
            rows,
            f"Medians of {ROUNDS} rounds of {REVIEWS // 8} steps.",
        )
    ]


class Inside:
    """Add up the seconds spent in the functions that were wrapped. A call within a call counts once."""

    def __init__(self):
        self.seconds = 0.0
        self._depth = 0

    def wrap(self, function):
        @functools.wraps(function)
        def timed(*args, **kwargs):
            self._depth += 1
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.perf_counter() - began

        return timed


@contextmanager
def inside_timed(model_class):
    import torch

    inside = Inside()
    places = [
        (model_class, "forward"),
        (torch.Tensor, "backward"),
        (torch.nn.utils, "clip_grad_norm_"),
        (torch.optim.AdamW, "step"),
        (torch.nn.Module, "zero_grad"),
        (torch.optim.Optimizer, "zero_grad"),
    ]
    originals = [getattr(owner, name) for owner, name in places]
    for (owner, name), original in zip(places, originals):
        setattr(owner, name, inside.wrap(original))
    try:
        yield inside
    finally:
        for (owner, name), original in zip(places, originals):
            setattr(owner, name, original)


def in_kernel() -> None:
    """Train in every way, in turns. Prints {name: [[seconds inside, seconds outside] a step, …]}."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        trainings = Trainings(folder)
        measured = defaultdict(list)
        trainings.all()["bare loop"]()  # warms up
        for _ in range(ROUNDS):
            for name, train in trainings.all().items():
                with inside_timed(transformers.BertForSequenceClassification) as inside:
                    began = time.perf_counter()
                    prepared = train()
                    whole = time.perf_counter() - began - prepared
                steps = REVIEWS // 8
                measured[name].append([inside.seconds / steps, (whole - inside.seconds) / steps])
    print("MEASURED" + json.dumps(measured) + "MEASURED")


class Trainings:
    """The ways to train. Each trains a new model on the same reviews.

    Each returns the seconds that it took to make everything ready.
    """

    def __init__(self, folder: str):
        from datasets import load_dataset
        from transformers import AutoTokenizer, DataCollatorWithPadding

        from helpers.profiles import PROFILES

        self.folder = folder
        self.profile = PROFILES["offline"]
        self.tokenizer = AutoTokenizer.from_pretrained(self.profile.model)
        rows = load_dataset(self.profile.dataset, split="train").select(range(REVIEWS))
        self.rows = rows.map(
            lambda batch: self.tokenizer(batch["text"], truncation=True, return_length=True),
            batched=True,
            remove_columns="text",
        )
        self.lengths = self.rows["length"][:]
        self.collator = DataCollatorWithPadding(self.tokenizer)
        self.ready = list(self._batches())

    def all(self) -> dict:
        from helpers.show.live import live_curve

        drawn = functools.partial(live_curve, steps=REVIEWS // 8)
        return {
            "bare loop, batches ready": lambda: self._bare(self.ready),
            "bare loop": lambda: self._bare(self._batches()),
            "native loop": self._native,
            "native loop, Run": lambda: self._native(log=True),
            "native loop, Run, live curve": lambda: self._native(log=True, drawn=drawn),
            "native loop, Run, panel": self._panel,
            "Trainer": self._trainer,
            "Trainer, Run": lambda: self._trainer(log=True),
            "Trainer, Run, live curve": lambda: self._trainer(log=True, drawn=drawn),
        }

    def _model(self):
        from transformers import AutoModelForSequenceClassification, set_seed

        set_seed(42)
        return AutoModelForSequenceClassification.from_pretrained(self.profile.model, num_labels=5).train()

    def _batches(self):
        import torch
        from transformers.trainer_pt_utils import LengthGroupedSampler

        rows = self.rows.remove_columns("length").rename_column("label", "labels")
        torch.manual_seed(42)
        return torch.utils.data.DataLoader(
            rows,
            batch_size=8,
            sampler=LengthGroupedSampler(8, lengths=self.lengths),
            collate_fn=self.collator,
        )

    def _parts(self):
        """Make what every loop needs. The last value tells the seconds that it took."""
        import torch
        from transformers import get_scheduler

        began = time.perf_counter()
        model = self._model()
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.0, fused=True)
        schedule = get_scheduler("linear", optimizer, 0, len(self.ready))
        return model, optimizer, schedule, time.perf_counter() - began

    def _bare(self, batches) -> float:
        import torch

        model, optimizer, schedule, prepared = self._parts()
        for batch in batches:
            model(**batch).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        return prepared

    def _native(self, log=False, drawn=lambda run: nullcontext(), run=None) -> float:
        """Train with the loop of notebook 3."""
        import torch
        from tqdm.auto import tqdm

        from helpers.train.runs import Run

        model, optimizer, schedule, prepared = self._parts()
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        if run is None:
            run = Run("measured")
            run.start()
        with drawn(run):
            for batch in tqdm(self._batches()):
                batch = {name: tensor.to("cpu") for name, tensor in batch.items()}
                with torch.autocast("cpu", enabled=False):
                    loss = model(**batch).loss
                scaler.scale(loss).backward()
                scaler.unscale_(optimizer)
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
                rate = schedule.get_last_lr()[0]
                scaler.step(optimizer)
                scaler.update()
                schedule.step()
                optimizer.zero_grad()
                if log:
                    run.log(run.step + 1, loss.item(), learning_rate=rate, grad_norm=norm.item())
        return prepared

    def _panel(self) -> float:
        from helpers.show.lab.panel import HyperparameterPanel

        began = time.perf_counter()
        prepared = []

        def train(args, run, train_size):
            prepared.append(time.perf_counter() - began)
            prepared.append(self._native(log=True, run=run))

        panel = HyperparameterPanel(
            train,
            self._arguments(),
            train_rows=REVIEWS,
            eval_rows=1,
            folder=tempfile.mkdtemp(dir=self.folder),
        )
        panel.run()
        return sum(prepared)

    def _arguments(self):
        from transformers import TrainingArguments

        return TrainingArguments(
            self.folder,
            learning_rate=5e-4,
            num_train_epochs=1,
            per_device_train_batch_size=8,
            train_sampling_strategy="group_by_length",
            logging_steps=5,
            logging_nan_inf_filter=False,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            dataloader_pin_memory=False,
        )

    def _trainer(self, log=False, drawn=lambda run: nullcontext()) -> float:
        from transformers import Trainer

        from helpers.train.recording import RunCallback
        from helpers.train.runs import Run

        began = time.perf_counter()
        run = Run("measured")
        trainer = Trainer(
            model=self._model(),
            args=self._arguments(),
            train_dataset=self.rows,
            processing_class=self.tokenizer,
            data_collator=self.collator,
            callbacks=[RunCallback(run)] if log else [],
        )
        prepared = time.perf_counter() - began
        with drawn(run):
            trainer.train()
        return prepared
