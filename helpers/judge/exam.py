"""The sealed exam: rows that nothing has touched, opened once.

What a learner chose on the validation rows looks better there than it is. Only rows that had no part in any
choice can tell by how much, and they can do so once: whoever looks, changes something and looks again has
chosen by them. So the first look is written down, and a second look shows what was written.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from helpers.data import load_tokenizer, text_and_label
from helpers.files import read_json, write_whole
from helpers.hub import dataset_source
from helpers.judge.metrics import accuracy_interval, predict_in_order
from helpers.profiles import Profile

_RESET = "from helpers.judge import reset_exam; reset_exam(helpers.exam_folder())"


def open_exam(trainer, profile: Profile, folder: Path, validation_accuracy: float, guess=None) -> dict | None:
    """Judge the trainer's model on the sealed rows, write that down, and print it; later, only print it.

    The sealed rows are the second half of the shuffled test split, at most `profile.eval_size` rows. The
    record is a file in `folder`, named after the rows. So another notebook, another kernel and another model
    find the same record. It is written before anything is shown. `guess` is the accuracy that the learner
    expects; `...` or None is no guess. Returns the record.

    Nothing is raised: a cell that fails would stop *Run All*. If the exam cannot take place, one sentence
    says why, nothing is written, and the result is None.
    """
    try:
        rows = _sealed_rows(profile)
        file = _record_file(folder, rows["text"], profile)
        if not file.exists():
            record = _judge(trainer, profile, rows, validation_accuracy, guess)
            record["times_opened_before"] = len(list(folder.glob(f"{file.stem}.*.json")))
            # Another notebook may have opened it while this one computed
            if _write_first(file, record):
                _show(record, file)
                return record
    except Exception as error:
        print(f"The exam stays closed, and nothing was written down. {type(error).__name__}: {error}")
        return None

    record = read_json(file)
    if record is None:
        print(f"The exam was opened, but its record {file} cannot be read. To open it once more: {_RESET}")
        return None
    print("The exam is open already, so nothing was judged again. This is what was written down:")
    _show(record, file)
    return record


def reset_exam(folder: Path) -> None:
    """Put the records in `folder` aside, so that each exam opens once more. The next record counts them.

    The notes of `note_look` stay.
    """
    records = [file for file in sorted(folder.glob("exam-*.json")) if "." not in file.stem]
    for file in records:
        _put_aside(file)
    print(f"{len(records)} exam record{'' if len(records) == 1 else 's'} put aside in {folder}.")


def reset_looks(texts: Sequence[str], folder: Path) -> None:
    """Put the note of who looked at these test texts aside. Exams and other test texts keep their records."""
    file = _looks_file(texts, folder)
    if file.exists():
        _put_aside(file)
        print(f"The note of the looks at these {len(texts):,} texts is put aside in {folder}.")
    else:
        print(f"Nobody has looked at these {len(texts):,} texts yet: {folder} has no note of it.")


def _put_aside(file: Path) -> None:
    number = len(list(file.parent.glob(f"{file.stem}.*.json"))) + 1
    file.rename(file.with_name(f"{file.stem}.{number}.json"))


def note_look(model, texts: Sequence[str], folder: Path) -> int:
    """Note that `model` is judged on these test texts. Return how many different models have been.

    The record is a file in `folder`, named after the texts. It holds a fingerprint of each model's weights.
    With the second model, somebody has looked, changed something and looked again, so the rows have chosen.
    `reset_looks` puts the record aside.
    """
    file = _looks_file(texts, folder)
    looks = read_json(file) or []
    if (weights := _fingerprint(model)) not in looks:
        looks.append(weights)
        with suppress(OSError):  # a full disk must not stop a notebook
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, lambda path: path.write_text(json.dumps(looks), encoding="utf-8"))
    return len(looks)


def _looks_file(texts: Sequence[str], folder: Path) -> Path:
    return folder / f"looks-{_digest(texts)}.json"


def _sealed_rows(profile: Profile):
    """Return the second half of the shuffled test split, at most `profile.eval_size` rows, tokenized."""
    from datasets import load_dataset

    dataset = load_dataset(dataset_source(profile), profile.dataset_config, revision=profile.dataset_revision)
    shuffled = text_and_label(dataset, profile)["test"].shuffle(seed=42)
    half = len(shuffled) // 2
    sealed = shuffled.select(range(half, min(len(shuffled), half + profile.eval_size)))
    tokenizer = load_tokenizer(profile)
    return sealed.map(lambda examples: tokenizer(examples["text"], truncation=True), batched=True)


def _record_file(folder: Path, texts, profile: Profile) -> Path:
    """Return the place of the record for these texts, which is the same wherever the dataset lies."""
    return folder / f"exam-{Path(profile.dataset).name.replace('.', '_')}-{_digest(texts)}.json"


def _digest(texts: Sequence[str]) -> str:
    """Return twelve hexadecimal digits that change with any of the texts."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", errors="surrogatepass")).hexdigest()[:12]


def _judge(trainer, profile: Profile, rows, validation_accuracy: float, guess) -> dict:
    """Return what is written down: when, which model, which rows, and how good it was."""
    logits, labels = predict_in_order(trainer, rows)
    right = logits.argmax(axis=-1) == labels
    return {
        "opened": datetime.now().astimezone().isoformat(timespec="seconds"),
        "model": Path(profile.model).name,
        "weights": _fingerprint(trainer.model),
        "dataset": Path(profile.dataset).name,
        "rows": len(rows),
        "judged_on": "the second half of the shuffled test split, which chose nothing",
        "chosen_on": "validation rows",
        "accuracy": float(right.mean()),
        "interval_95": list(accuracy_interval(right)),
        "validation_accuracy": float(validation_accuracy),
        "guess": None if guess is None or guess is ... else float(guess),
        "reset": _RESET,
    }


def _fingerprint(model) -> str:
    """Return twelve hexadecimal digits that change with any weight."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()[:12]


def _write_first(file: Path, record: dict) -> bool:
    """Write the record to the disk, and return whether there was none before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        out = file.open("x", encoding="utf-8")
    except FileExistsError:
        return False
    with out:
        json.dump(record, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    return True


def _show(record: dict, file: Path) -> None:
    low, high = record["interval_95"]
    print(
        f"Opened {record['opened']} for {record['model']} (weights {record['weights']}), on "
        f"{record['rows']:,} test rows of {record['dataset']} that notebooks 1 to 5 use nowhere else."
    )
    if record["times_opened_before"]:
        print(f"Its record was put aside before ({record['times_opened_before']} ×): this was no first look.")
    print(f"Accuracy {record['accuracy']:.3f}, 95 % interval {low:.3f} to {high:.3f}.")
    for who, expected in (("The validation rows", record["validation_accuracy"]), ("You", record["guess"])):
        if expected is not None:
            print(f"{who} said {expected:.3f}; the exam gives {record['accuracy'] - expected:+.3f}.")
    print(f"The record is {file}. To open the exam once more: {_RESET}")
