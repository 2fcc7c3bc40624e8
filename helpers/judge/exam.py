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
from helpers.language import _, ngettext
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
        text = _("The exam stays closed, and nothing was written down. {kind}: {error}")
        print(text.format(kind=type(error).__name__, error=error))
        return None

    record = read_json(file)
    if record is None:
        text = _("The exam was opened, but its record {file} cannot be read. To open it once more: {command}")
        print(text.format(file=file, command=_RESET))
        return None
    print(_("The exam is open already, so nothing was judged again. This is what was written down:"))
    _show(record, file)
    return record


def reset_exam(folder: Path) -> None:
    """Put the records in `folder` aside, so that each exam opens once more. The next record counts them.

    The notes of `note_look` stay.
    """
    records = [file for file in sorted(folder.glob("exam-*.json")) if "." not in file.stem]
    for file in records:
        _put_aside(file)
    count = len(records)
    text = ngettext(
        "{n} exam record put aside in {folder}.", "{n} exam records put aside in {folder}.", count
    )
    print(text.format(n=count, folder=folder))


def reset_looks(texts: Sequence[str], folder: Path) -> None:
    """Put the note of who looked at these test texts aside. Exams and other test texts keep their records."""
    file = _looks_file(texts, folder)
    if file.exists():
        _put_aside(file)
        text = _("The note of the looks at these {n:,} texts is put aside in {folder}.")
    else:
        text = _("Nobody has looked at these {n:,} texts yet: {folder} has no note of it.")
    print(text.format(n=len(texts), folder=folder))


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
        _(
            "Opened {opened} for {model} (weights {weights}), on {rows:,} test rows of {dataset} that "
            "notebooks 1 to 5 use nowhere else."
        ).format(**record)
    )
    if record["times_opened_before"]:
        text = _("Its record was put aside before ({times_opened_before} ×): this was no first look.")
        print(text.format(**record))
    text = _("Accuracy {accuracy:.3f}, 95 % interval {low:.3f} to {high:.3f}.")
    print(text.format(accuracy=record["accuracy"], low=low, high=high))
    for expected, text in (
        (
            record["validation_accuracy"],
            _("The validation rows said {expected:.3f}; the exam gives {difference:+.3f}."),
        ),
        (record["guess"], _("You said {expected:.3f}; the exam gives {difference:+.3f}.")),
    ):
        if expected is not None:
            print(text.format(expected=expected, difference=record["accuracy"] - expected))
    print(_("The record is {file}. To open the exam once more: {command}").format(file=file, command=_RESET))
