"""One small training in two ways: with Trainer, and with a loop of one's own.

The tests and the benchmark kill it. Both ways train a tiny BERT with random weights and dropout on the first
bundled reviews, for three epochs, with checkpoints on the way. They go on from what an earlier call left in
`folder`. At the end, `result.json` beside the folder holds the losses, the evaluations and a digest of the
weights.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from contextlib import redirect_stdout
from dataclasses import asdict
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import torch
from datasets import disable_progress_bars, load_dataset
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    logging,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_pt_utils import LengthGroupedSampler

from helpers.profiles import PROFILES
from helpers.train.checkpoints import load_checkpoint, random_state, save_checkpoint, set_random_state
from helpers.train.recording import RunCallback, recording
from helpers.train.runs import Run
from helpers.train.trainer_checkpoints import CheckpointCallback, last_checkpoint

PROFILE = PROFILES["offline"]
ROWS = 52
BATCH = 8
EPOCHS = 3
EVERY = 3
STEPS = EPOCHS * 7

# Processes that are forked from one that has imported this file. How that one finds it, Python 3.11 takes
# from the environment alone.
_PATHS = [
    str(Path(__file__).parent),
    str(Path(__file__).resolve().parents[2]),
    os.environ.get("PYTHONPATH", ""),
]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, _PATHS))
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["trainings"])


@cache
def data():
    tokenizer = AutoTokenizer.from_pretrained(PROFILE.model, model_max_length=48)
    rows = load_dataset(PROFILE.dataset, split="train").select(range(ROWS))
    rows = rows.map(
        lambda batch: tokenizer(batch["text"], truncation=True, return_length=True),
        batched=True,
        remove_columns="text",
    )
    return tokenizer, rows


def new_model():
    set_seed(42)
    tokenizer, _ = data()
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            num_labels=5,
        )
    )


def digest(model) -> str:
    weights = b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())
    return hashlib.sha256(weights).hexdigest()


def write_result(folder: Path, run: Run, model) -> None:
    record = {
        "status": run.status,
        "losses": [[point["step"], point["loss"]] for point in run.history],
        "evaluations": [[point["step"], point["eval_loss"]] for point in run.evaluations],
        "weights": digest(model),
    }
    (folder.parent / "result.json").write_text(json.dumps(record), encoding="utf-8")


def with_trainer(folder: Path, callbacks=(), every=EVERY) -> Run:
    tokenizer, rows = data()
    args = TrainingArguments(
        str(folder),
        num_train_epochs=EPOCHS,
        per_device_train_batch_size=BATCH,
        learning_rate=1e-3,
        train_sampling_strategy="group_by_length",
        eval_strategy="epoch",
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    run = Run("Trainer", {"learning_rate": args.learning_rate})
    model = new_model()
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=rows,
        eval_dataset=rows.select(range(16)),
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        callbacks=[RunCallback(run), CheckpointCallback(run), *callbacks],
    )
    trainer.remove_callback(PrinterCallback)
    with recording(run):
        trainer.train(resume_from_checkpoint=last_checkpoint(folder, run.settings))
    write_result(folder, run, model)
    return run


def with_a_loop(folder: Path, on_step=lambda step: None) -> Run:
    """Train with a loop like notebook 3's."""
    tokenizer, rows = data()
    lengths = rows["length"][:]
    rows = rows.remove_columns("length").rename_column("label", "labels")
    batches = torch.utils.data.DataLoader(
        rows,
        sampler=LengthGroupedSampler(BATCH, lengths=lengths),
        batch_size=BATCH,
        collate_fn=DataCollatorWithPadding(tokenizer),
    )
    model = new_model().train()
    run = Run("loop", {"learning_rate": 1e-3})
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, STEPS)
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    saved = load_checkpoint(folder, run.settings)
    if saved:
        run.resume(Run(**saved["run"]))
        for name, part in parts.items():
            part.load_state_dict(saved[name])
    else:
        run.start()
    for epoch in range(run.step // len(batches), EPOCHS):
        set_seed(42 + epoch)
        done = run.step - epoch * len(batches)
        for number, batch in enumerate(islice(batches, done, None)):
            if done and not number:
                set_random_state(saved["random"])
            loss = model(**batch).loss
            loss.backward()
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            run.log(run.step + 1, loss.item())
            if run.step % EVERY == 0:
                states = {name: part.state_dict() for name, part in parts.items()}
                save_checkpoint(folder, run.step, states | {"random": random_state(), "run": asdict(run)})
            on_step(run.step)
    run.end()
    write_result(folder, run, model)
    return run


WAYS = {"Trainer": with_trainer, "loop": with_a_loop}


def in_a_process(way: str, folder: Path, fault=None) -> None:
    """Prepare the fault, then train: what a test's process does."""
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    disable_progress_bars()
    fault = fault or (lambda way: {})
    with redirect_stdout(io.StringIO()):
        WAYS[way](folder, **fault(way))
