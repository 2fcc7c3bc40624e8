"""Compare the minutes that the setup cell promises with those that the training then takes, under some loads.

For each load, a new process does what the setup cell does: it lets OpenMP's threads sleep, then estimates the
training of notebook 2. Then it trains one epoch with Trainer, evaluates, and multiplies by the number of
epochs. The load stays the same all the time: nothing, Python loops that never wait, or a second training.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from report import Table

ROOT = Path(__file__).resolve().parents[2]
BUSY = [sys.executable, "-c", "while True: pass"]
TRAINING = [sys.executable, __file__, "endless"]
LOADS = {
    "nothing else": [],
    "a busy process": [BUSY],
    "two busy processes": [BUSY, BUSY],
    "a second training": [TRAINING],
}
PREFIXES = ("OMP_", "GOMP_", "KMP_")  # of the variables that OpenMP reads


def measure(machine) -> list[Table]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    env |= {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    rows = []
    for load, commands in LOADS.items():
        others = [subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) for command in commands]
        try:
            command = [sys.executable, __file__, "once"]
            done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
        finally:
            for other in others:
                other.kill()
                other.wait()
        busy, estimated, took = json.loads(done.stdout.splitlines()[-1])
        rows.append([load, "yes" if busy else "no", estimated, took, estimated / took])
    columns = ["beside", "said to be busy", "estimated seconds", "seconds it took", "estimate / truth"]
    return [Table("The estimate of a training's time", columns, rows)]


def estimate_and_train() -> None:
    from helpers.machine import detect_machine, let_threads_sleep

    let_threads_sleep()
    from helpers.machine import is_busy
    from helpers.profiles import PROFILES
    from helpers.start.costs import expected_minutes

    profile = PROFILES["offline"]
    busy = is_busy()
    estimated = 60 * expected_minutes(profile, detect_machine())
    took = profile.num_train_epochs * epoch_seconds(profile)
    print(json.dumps([busy, estimated, took]))


def epoch_seconds(profile) -> float:
    """Return the seconds of one epoch of notebook 2's recipe, with an evaluation."""
    from datasets import disable_progress_bars, load_dataset
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        logging,
    )

    from helpers.data import load_config
    from helpers.machine import detect_machine

    # The data and the model
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    disable_progress_bars()
    tokenizer = AutoTokenizer.from_pretrained(profile.model)
    rows = load_dataset(profile.dataset).map(
        lambda batch: tokenizer(batch["text"], truncation=True, return_length=True), batched=True
    )
    model = AutoModelForSequenceClassification.from_pretrained(
        profile.model, config=load_config(profile, num_labels=5)
    )

    # The training
    machine = detect_machine()
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            folder,
            num_train_epochs=1,
            per_device_train_batch_size=8,
            per_device_eval_batch_size=32,
            train_sampling_strategy="group_by_length",
            eval_strategy="epoch",
            save_strategy="no",
            report_to="none",
            bf16=machine.bf16,
            use_cpu=True,
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        trainer = Trainer(
            model=model,
            args=args,
            train_dataset=rows["train"].select(range(profile.train_size)),
            eval_dataset=rows["test"].select(range(profile.eval_size)),
            processing_class=tokenizer,
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        return trainer.train().metrics["train_runtime"]


if __name__ == "__main__":
    if sys.argv[1] == "once":
        estimate_and_train()
    else:
        from helpers.machine import let_threads_sleep
        from helpers.profiles import PROFILES

        let_threads_sleep()
        while True:
            epoch_seconds(PROFILES["offline"])
