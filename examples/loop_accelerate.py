"""Fine-tune BERT in one process or in several: the loop of notebook 3 with Accelerate, as a script.

Install the libraries: pip install torch transformers datasets accelerate tqdm
Run it in one process:    python loop_accelerate.py
In two, on one machine:   torchrun --standalone --nproc-per-node 2 loop_accelerate.py

The first line that it prints says how many processes really train. The other ways to run it (two machines,
SLURM, a notebook, restart after a failure) are in notebook 8 of the course.
"""

import argparse
import json
import os
import shutil
import zlib
from pathlib import Path

import torch
from accelerate import Accelerator, DataLoaderConfiguration
from accelerate.utils import set_seed
from datasets import Dataset, load_dataset
from datasets.distributed import split_dataset_by_node
from torch.optim import AdamW
from torch.utils.data import DataLoader
from tqdm.auto import tqdm
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_scheduler

# The settings: a value, and what it means. Each can be overruled on the command line: --batch-size 4
SETTINGS = {
    "model": ("google-bert/bert-base-cased", "a name on the Hub, or a folder"),
    "dataset": ("Yelp/yelp_review_full", "a name on the Hub, or a folder; its columns are text and label"),
    "rows": (1_000, "texts to learn from; 0: all of the split train"),
    "eval_rows": (1_000, "texts to measure the accuracy on"),
    "epochs": (3, "passes over the texts"),
    "steps": (0, "end after so many steps; 0: when the epochs are over"),
    "batch_size": (8, "texts of one process in a step: two processes learn from 16"),
    "eval_batch_size": (32, "texts of one process, too"),
    "learning_rate": (5e-5, "at the beginning; it falls to 0"),
    "dropout": (-1.0, "share of the numbers that a step sets to 0; below 0: the model's own"),
    "max_length": (512, "tokens of a text; the rest is cut"),
    "seed": (42, "decides the new layer, the order and the dropout"),
    "folder": (
        "loop_accelerate",
        "gets the checkpoints and the model; all machines must see the same folder",
    ),
    "save_steps": (0, "a checkpoint every so many steps; 0: none"),
    "losses": ("", "a JSON file for the losses, learning rates, rows and accuracy; empty: none"),
}


def settings(arguments=None):
    """Read the command line, or a list of its words."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, (value, meaning) in SETTINGS.items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=type(value), default=value, help=f"{meaning} (default: {value!r})")
    parser.add_argument("--stream", action="store_true", help="read the texts while training, store none")
    chosen = parser.parse_args(arguments)

    # These slips would fail only after the training, or with an error that does not name the option
    for name in ("model", "dataset"):
        if (given := getattr(chosen, name)).startswith((".", "/", "~")) and not Path(given).is_dir():
            parser.error(f"--{name}: there is no folder {given}")
    if chosen.losses and not Path(chosen.losses).absolute().parent.is_dir():
        parser.error(f"--losses: there is no folder for {chosen.losses}")
    if Path(chosen.folder).is_file():
        parser.error(f"--folder: {chosen.folder} is a file")
    return chosen


def new_accelerator():
    """Join the other processes. Raise RuntimeError if this process would train without them."""
    # Without cpu=True, Accelerate on a machine without GPUs would let each process train alone
    no_gpu = torch.cuda.device_count() < int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    # A seedable sampler shuffles by seed and epoch only, so a resumed training finds its order again
    loading = DataLoaderConfiguration(use_seedable_sampler=True)
    accelerator = Accelerator(cpu=no_gpu, dataloader_config=loading)
    asked_for = int(os.environ.get("WORLD_SIZE", 1))
    if accelerator.num_processes != asked_for:
        raise RuntimeError(
            f"{asked_for} processes were started to train together, but Accelerate sees "
            f"{accelerator.num_processes}. Each would train alone. Start them with torchrun."
        )
    number = accelerator.num_processes
    accelerator.print(f"{number} process trains" if number == 1 else f"{number} processes train", flush=True)
    return accelerator


def load_rows(chosen, accelerator):
    """Return the rows to learn from, and those to look at."""
    if not chosen.stream:
        rows = load_dataset(chosen.dataset, split="train").shuffle(seed=chosen.seed)
        end = len(rows) - chosen.eval_rows if chosen.rows == 0 else chosen.rows
        if not 0 < end <= len(rows) - chosen.eval_rows:
            raise SystemExit(
                f"--rows {chosen.rows} and --eval-rows {chosen.eval_rows} do not fit: the split train of "
                f"{chosen.dataset} has {len(rows)} texts, and both are taken from it."
            )
        return rows.select(range(end)), rows.select(range(end, end + chosen.eval_rows))

    # The stream is the whole split, so the rows to look at come from another one
    rows = load_dataset(chosen.dataset, split="train", streaming=True)
    rows = rows.take(chosen.rows) if chosen.rows else rows
    rows = rows.shuffle(seed=chosen.seed, buffer_size=1_000)
    rows = split_dataset_by_node(rows, accelerator.process_index, accelerator.num_processes)
    others = load_dataset(chosen.dataset, split="test", streaming=True)
    return rows, Dataset.from_list(list(others.take(chosen.eval_rows)), features=others.features)


def load_model(chosen, label_names):
    """Return the model with an answer for each label."""
    dropout = {}
    if chosen.dropout >= 0:
        dropout = {"hidden_dropout_prob": chosen.dropout, "attention_probs_dropout_prob": chosen.dropout}
    names = dict(enumerate(label_names))
    return AutoModelForSequenceClassification.from_pretrained(
        chosen.model, num_labels=len(names), id2label=names, **dropout
    )


def count_steps(chosen, train_rows, train_dataloader, accelerator):
    """Return how many steps are planned. End the program if there are none, or nobody can say how many."""
    if chosen.steps:
        return chosen.steps
    if not chosen.stream:
        return chosen.epochs * len(train_dataloader)  # prepared, it counts the batches of one process
    if not chosen.rows and not train_rows.info.splits:
        raise SystemExit(f"{chosen.dataset} does not say how many texts it has. Give --rows or --steps.")
    texts = chosen.rows or train_rows.info.splits["train"].num_examples
    steps = texts // (chosen.batch_size * accelerator.num_processes)
    if steps == 0:
        raise SystemExit(
            f"{texts} texts are too few for one batch of {chosen.batch_size} in each of "
            f"{accelerator.num_processes} processes. Give more texts, or a smaller --batch-size."
        )
    return chosen.epochs * steps


def until_one_ends(batches, accelerator):
    """Yield the batches of a stream until any process has none left: the others would wait for it forever."""
    batches = iter(batches)
    while True:
        batch = next(batches, None)
        if not accelerator.gather(torch.tensor([batch is not None], device=accelerator.device)).all():
            return
        yield {name: tensor.to(accelerator.device) for name, tensor in batch.items()}


def save_checkpoint(accelerator, folder, progress):
    """Write a checkpoint whole or not at all, and keep only this one and the one before it."""
    partial = folder / f"partial-{progress['step']}"
    accelerator.save_state(partial)  # weights, optimizer, schedule, and the random numbers of each process
    if accelerator.is_main_process:
        (partial / "progress.json").write_text(json.dumps(progress))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        partial.rename(folder / f"checkpoint-{progress['step']}")
        for old in checkpoints(folder)[:-2]:
            shutil.rmtree(old)


def checkpoints(folder):
    """Return the checkpoints, the oldest first."""
    return sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.removeprefix("checkpoint-")))


def load_checkpoint(accelerator, folder, progress):
    """Go on from the last checkpoint, if there is one. End the program if another training has left it."""
    if not checkpoints(folder):
        return progress
    last = checkpoints(folder)[-1]
    saved = json.loads((last / "progress.json").read_text())
    then, now = saved["settings"], progress["settings"]
    other = [
        f"{name}: {then.get(name)} then, {now.get(name)} now"
        for name in then | now
        if then.get(name) != now.get(name)
    ]
    if other:
        raise SystemExit(
            f"{last} belongs to a training with other settings ({'; '.join(other)}). "
            "Use these settings again, or choose another --folder."
        )
    accelerator.load_state(last)
    accelerator.print(f"The training goes on after step {saved['step']}", flush=True)
    return saved


def main(arguments=None):
    """Train, evaluate, save. `arguments` is a list of the words that could stand on the command line."""
    chosen = settings(arguments)
    accelerator = new_accelerator()
    set_seed(chosen.seed)  # the new layer starts from the same random numbers in all processes

    # One process of each machine downloads, the others find the files then
    try:
        with accelerator.local_main_process_first():
            train_rows, eval_rows = load_rows(chosen, accelerator)
            label_names = eval_rows.features["label"].names
            tokenizer = AutoTokenizer.from_pretrained(chosen.model)
            model = load_model(chosen, label_names)
    except OSError as error:
        raise SystemExit(
            f"{chosen.dataset} or {chosen.model} could not be read: {error}\n"
            "Can this machine reach the Hub? --dataset and --model take folders, too."
        ) from error

    def collate(rows):
        texts = [row["text"] for row in rows]
        batch = tokenizer(
            texts, truncation=True, max_length=chosen.max_length, padding=True, return_tensors="pt"
        )
        batch["labels"] = torch.tensor([row["label"] for row in rows])
        batch["row"] = torch.tensor([zlib.crc32(text.encode()) for text in texts])  # says which text it is
        return dict(batch)

    # Each pass takes a random number. The loaders have their own: a resumed training must find its dropout
    numbers = torch.Generator().manual_seed(chosen.seed)
    train_dataloader = DataLoader(
        train_rows,
        shuffle=None if chosen.stream else True,  # a stream is shuffled already
        batch_size=chosen.batch_size,
        drop_last=chosen.stream,
        collate_fn=collate,
        generator=numbers,
    )
    eval_dataloader = DataLoader(
        eval_rows, batch_size=chosen.eval_batch_size, collate_fn=collate, generator=numbers
    )
    optimizer = AdamW(model.parameters(), lr=chosen.learning_rate)

    # Prepared, the model adds up the gradients of all processes, and a loader deals out each process's rows.
    # The stream is not prepared: it is split by process already.
    model, optimizer, eval_dataloader = accelerator.prepare(model, optimizer, eval_dataloader)
    if not chosen.stream:
        train_dataloader = accelerator.prepare(train_dataloader)

    num_training_steps = count_steps(chosen, train_rows, train_dataloader, accelerator)

    # A prepared schedule goes on by one for each process in each step, so it is planned for all of them
    lr_scheduler = get_scheduler(
        "linear",
        optimizer=optimizer,
        num_warmup_steps=0,
        num_training_steps=num_training_steps * accelerator.num_processes,
    )
    lr_scheduler = accelerator.prepare(lr_scheduler)

    # Begin, or go on. From here each process draws other random numbers for its dropout.
    set_seed(chosen.seed, device_specific=True)
    folder = Path(chosen.folder)
    may_differ = ("folder", "save_steps", "losses")
    same = {name: value for name, value in vars(chosen).items() if name not in may_differ}
    progress = {
        "settings": same | {"processes": accelerator.num_processes, "losses recorded": bool(chosen.losses)},
        "step": 0,
        "epoch": 0,
        "batch": 0,
        "history": {"losses": [], "learning_rates": [], "rows": []},
    }
    progress = load_checkpoint(accelerator, folder, progress)
    history = progress["history"]

    # Train
    progress_bar = tqdm(
        total=num_training_steps, initial=progress["step"], disable=not accelerator.is_local_main_process
    )
    model.train()
    while progress["step"] < num_training_steps and (chosen.steps or progress["epoch"] < chosen.epochs):
        # Each epoch has an order of its own, also if the training begins in the middle
        (train_rows if chosen.stream else train_dataloader).set_epoch(progress["epoch"])
        rest = accelerator.skip_first_batches(train_dataloader, progress["batch"])
        for batch in until_one_ends(rest, accelerator) if chosen.stream else rest:
            rows = batch.pop("row")
            loss = model(**batch).loss
            accelerator.backward(loss)
            if chosen.losses:  # of all processes; this costs a little time in each step
                history["losses"].append(accelerator.gather(loss.detach()).mean().item())
                history["learning_rates"].append(lr_scheduler.get_last_lr()[0])
                history["rows"].append(accelerator.gather(rows).tolist())
            optimizer.step()
            lr_scheduler.step()
            optimizer.zero_grad()
            progress_bar.update(1)

            progress["step"] += 1
            progress["batch"] += 1
            if chosen.save_steps and progress["step"] % chosen.save_steps == 0:
                save_checkpoint(accelerator, folder, progress)
            if progress["step"] == num_training_steps:
                break
        if progress["batch"] == 0:  # with --steps, the next epochs would be empty, too, and never end
            raise SystemExit(
                "A process has too few texts for one batch. Give more texts, or a smaller --batch-size."
            )
        progress["epoch"] += 1
        progress["batch"] = 0
    progress_bar.close()

    # Evaluate. The last batch is filled up until all processes have the same number of rows:
    # gather_for_metrics fetches the answers of all processes and leaves out what was filled up.
    right = seen = 0
    model.eval()
    for batch in eval_dataloader:
        batch.pop("row")
        with torch.no_grad():
            logits = model(**batch).logits
        predictions, labels = accelerator.gather_for_metrics((logits.argmax(dim=-1), batch["labels"]))
        right += (predictions == labels).sum().item()
        seen += len(labels)
    accuracy = right / seen if seen else float("nan")
    accelerator.print(f"Validation accuracy: {accuracy:.3f} on {seen} texts")

    # Save: one process writes for all. What the checkpoints were for is over.
    if accelerator.is_main_process:
        accelerator.unwrap_model(model).save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")
        print(f"Model: {folder / 'model'}")
        for old in [*checkpoints(folder), *folder.glob("partial-*")]:
            shutil.rmtree(old)
        if chosen.losses:
            found = {"processes": accelerator.num_processes, "accuracy": accuracy, "eval_texts": seen}
            Path(chosen.losses).write_text(json.dumps(found | history))
    # All processes end together. One that ends right after a gather can hang: while it holds Python's lock,
    # PyTorch waits for a thread that needs that lock.
    accelerator.wait_for_everyone()
    accelerator.end_training()


if __name__ == "__main__":
    main()
