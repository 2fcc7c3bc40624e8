"""Make the answers that notebook 5 compares: what many trainings say about the same rows.

    python tests/benchmarks/answers.py [--profile offline] [--folder FOLDER]

It trains as notebook 2 does, on the first 1,000 shuffled training rows, and stores the logits for the 1,000
validation rows that come next and for 1,000 *fresh* rows after these:

- `seeds`: 20 trainings that differ in nothing but their seed, 0 to 19.
- `search`: 12 trainings with settings drawn at random. `draw_settings` says from which ranges.
- `sizes`: 250, 1,000, 4,000 and 7,000 training rows, for the pretrained model, for the same model with random
  weights (three seeds each), and for TF-IDF with logistic regression. Logits for the validation rows only,
  since the larger trainings use the fresh ones. TF-IDF's C is the best of `CS` on the validation rows.

As many trainings run at once as there are cores, with one thread each. A run that was stopped goes on where
it was. FOLDER is by default where notebook 5 looks for answers of this profile; with `--folder
helpers/offline/answers` the command makes the bundled ones. It takes about half an hour on two cores.
"""

import argparse
import datetime
import json
import platform
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from datasets import concatenate_datasets, disable_progress_bars, load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    logging,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import helpers
from helpers.data import load_config, load_tokenizer, text_and_label
from helpers.hub import dataset_source
from helpers.judge import predict_in_order, tfidf_baseline
from helpers.machine import cores, detect_machine
from helpers.profiles import PROFILES, Profile

SEEDS = 20
TRIES = 12
SIZES = (250, 1_000, 4_000, 7_000)
CS = (0.3, 1, 3, 10, 30)


def draw_settings(profile: Profile) -> list[dict]:
    """Draw the settings of the random search: the same ones each time."""
    random = np.random.default_rng(42)
    return [
        {
            "learning_rate": float(f"{profile.learning_rate * 10 ** random.uniform(-1, 0.7):.2g}"),
            "num_train_epochs": int(random.integers(2, 5)),
            "per_device_train_batch_size": int(random.choice([4, 8, 16, 32])),
            "weight_decay": float(random.choice([0.0, 0.01, 0.1])),
            "seed": 100 + number,
        }
        for number in range(TRIES)
    ]


def plan(profile: Profile, available: int) -> dict[str, list[dict]]:
    """List all trainings by their group. `available` is the number of rows that training may use."""
    search = [
        {"method": "fine-tuned", "rows": profile.train_size} | drawn for drawn in draw_settings(profile)
    ]
    sizes = []
    for rows in (size for size in SIZES if size <= available):
        for method in ("fine-tuned", "random weights"):
            sizes += [{"method": method, "rows": rows, "seed": seed} for seed in range(3)]
        sizes.append({"method": "TF-IDF", "rows": rows})
    return {
        "seeds": [
            {"method": "fine-tuned", "rows": profile.train_size, "seed": seed} for seed in range(SEEDS)
        ],
        "search": search,
        "sizes": sizes,
    }


def prepare(profile: Profile) -> None:
    """Load the data once in each process: the rows to train on, in their order, and those to judge."""
    global MACHINE, PROFILE, TOKENIZER, POOL, VALIDATION, FRESH
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    disable_progress_bars()
    PROFILE, MACHINE, TOKENIZER = profile, detect_machine(), load_tokenizer(profile)

    # As notebook 1 divides them; the fresh rows come after the validation rows
    dataset = load_dataset(dataset_source(profile), profile.dataset_config, revision=profile.dataset_revision)
    shuffled = text_and_label(dataset, profile)["train"].shuffle(seed=42)
    most = min(len(shuffled), max(SIZES) + profile.eval_size)
    rows = shuffled.select(range(most)).map(
        lambda batch: TOKENIZER(batch["text"], truncation=True, return_length=True), batched=True
    )
    first, end = profile.train_size, profile.train_size + profile.eval_size
    VALIDATION = rows.select(range(first, end))
    POOL = concatenate_datasets([rows.select(range(first)), rows.select(range(end, most))])
    FRESH = rows.select(range(end, end + profile.eval_size))


def answer(group: str, training: dict) -> np.ndarray:
    """Train, and return the logits of shape (rows, classes), the validation rows first."""
    train = POOL.select(range(training["rows"]))
    if training["method"] == "TF-IDF":
        baseline = tfidf_baseline(train["text"], train["label"], VALIDATION["text"], VALIDATION["label"], CS)
        return baseline.predict_log_proba(VALIDATION["text"])

    trainer = fine_tune(train, training)
    judged = [VALIDATION] if group == "sizes" else [VALIDATION, FRESH]
    return np.concatenate([predict_in_order(trainer, rows)[0] for rows in judged])


def make_model(method: str, num_labels: int) -> torch.nn.Module:
    """Load the pretrained model, or make one with random weights. The classifier is always random."""
    config = load_config(PROFILE, num_labels=num_labels, attention_probs_dropout_prob=0.0)
    if method == "random weights":
        return AutoModelForSequenceClassification.from_config(config)
    return AutoModelForSequenceClassification.from_pretrained(
        PROFILE.model, revision=PROFILE.model_revision, config=config
    )


def fine_tune(train, training: dict, change=lambda model: model) -> Trainer:
    """Train as notebook 2 does, with the settings that `training` names instead of the profile's.

    `change` gets the model before it trains, and returns what to train.
    """
    set_seed(training["seed"])
    model = make_model(training["method"], len(train.features["label"].names))
    settings = {
        "learning_rate": PROFILE.learning_rate,
        "num_train_epochs": PROFILE.num_train_epochs,
        "per_device_train_batch_size": 8,
    } | {name: value for name, value in training.items() if name not in ("method", "rows")}
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            output_dir=folder,
            per_device_eval_batch_size=32,
            train_sampling_strategy="group_by_length",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=MACHINE.device == "cpu",
            dataloader_pin_memory=False,
            **settings,
        )
        trainer = Trainer(
            model=change(model),
            args=args,
            train_dataset=train,
            processing_class=TOKENIZER,
            data_collator=DataCollatorWithPadding(TOKENIZER),
        )
        trainer.remove_callback(PrinterCallback)  # the tables of notebook 5 are all that is shown
        trainer.train()
    return trainer


def answer_into(file: Path, group: str, training: dict) -> float:
    """Train, write the logits to `file`, and return the seconds that took."""
    began = time.perf_counter()
    logits = answer(group, training).astype(np.float16)
    whole = file.with_suffix(".new")
    with whole.open("wb") as out:
        np.save(out, logits)
    whole.rename(file)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="offline", choices=PROFILES)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    profile = PROFILES[options.profile]
    folder = options.folder or helpers.runs_folder() / "answers" / profile.key
    parts = folder / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    prepare(profile)
    groups = plan(profile, len(POOL))

    # The long trainings first, so that no core waits at the end
    jobs = [(group, number, training) for group in groups for number, training in enumerate(groups[group])]
    jobs.sort(key=lambda job: -job[2]["rows"])
    files = {(group, number): parts / f"{group}-{number:02}.npy" for group, number, _ in jobs}
    workers = cores() if MACHINE.device == "cpu" else 1
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=prepare, initargs=(profile,)) as pool:
        todo = {
            pool.submit(answer_into, files[group, number], group, training): training
            for group, number, training in jobs
            if not files[group, number].exists()
        }
        for count, done in enumerate(as_completed(todo), 1):
            print(f"{count} of {len(todo)}: {todo[done]}: {done.result():.0f} s", file=sys.stderr, flush=True)

    # All in two files
    np.savez_compressed(
        folder / "answers.npz",
        labels=np.array([*VALIDATION["label"], *FRESH["label"]], dtype=np.int16),
        **{
            group: np.stack([np.load(files[group, number]) for number in range(len(groups[group]))])
            for group in groups
        },
    )
    about = {
        "command": f"python tests/benchmarks/answers.py --profile {profile.name}",
        "made": datetime.date.today().isoformat(),
        "versions": {name: version(name) for name in ("torch", "transformers", "datasets", "scikit-learn")},
        "machine": f"{MACHINE.device}, {platform.machine()}, float32",
        "profile": profile.name,
        "validation_rows": len(VALIDATION),
        "fresh_rows": len(FRESH),
        "trainings": groups,
    }
    (folder / "answers.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    for file in files.values():
        file.unlink()
    parts.rmdir()
    print(f"{folder}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
