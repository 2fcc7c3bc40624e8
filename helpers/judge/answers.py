"""Load the answers of many trainings, made beforehand by `tests/benchmarks/answers.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.files import read_json
from helpers.language import _
from helpers.profiles import Profile

_BUNDLED = Path(__file__).parents[1] / "offline" / "answers"
_COMMAND = "python tests/benchmarks/answers.py"


@dataclass(frozen=True)
class Answers:
    """The logits of many trainings for the same rows.

    `seeds` and `search` have the shape (trainings, rows, classes): first the validation rows, then fresh rows
    that no training and no choice used. `sizes` has the validation rows only. `trainings` says for each of
    the three, in the same order, how each model was trained. `labels` has the shape (rows,).
    """

    seeds: np.ndarray
    search: np.ndarray
    sizes: np.ndarray
    labels: np.ndarray
    validation_rows: int
    trainings: dict[str, list[dict]]
    about: str

    def right(self, group: str) -> np.ndarray:
        """Return for each training of a group and each of its rows whether the answer was right."""
        logits = getattr(self, group)
        return logits.argmax(axis=-1) == self.labels[: logits.shape[1]]


def load_answers(profile: Profile, made: Path) -> Answers:
    """Return the answers that belong to the profile, and print where they come from.

    Answers in the folder `made`, which the command writes, go before the bundled ones. The bundled ones are
    for the profile "offline"; for another one, the printed text says how to make its own.
    Raises OSError or ValueError if the files cannot be read.
    """
    # Which files
    own = made / profile.key
    folder = own if (own / "answers.json").is_file() else _BUNDLED
    about = read_json(folder / "answers.json")
    if about is None:
        text = _("{file} cannot be read. Make the answers again: {command}")
        raise OSError(text.format(file=folder / "answers.json", command=_COMMAND))

    # Where they come from
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    trainings = sum(map(len, about["trainings"].values()))
    text = _("Answers of {n} trainings, made by `{about[command]}` on {about[made]} ({versions}).").format(
        n=trainings, about=about, versions=versions
    )
    if about["profile"] != profile.name:
        bundled = _(
            "They are the bundled ones, of the profile {about[profile]!r}: the bundled model and "
            "synthetic reviews.\nTo make those of your profile, which takes that many trainings: {command}"
        ).format(about=about, command=f"{_COMMAND} --profile {profile.name}")
        text += f"\n{bundled}"
    print(text)

    with np.load(folder / "answers.npz", allow_pickle=False) as arrays:
        groups = {name: arrays[name].astype(np.float32) for name in ("seeds", "search", "sizes")}
        return Answers(
            **groups,
            labels=arrays["labels"].astype(int),
            validation_rows=about["validation_rows"],
            trainings=about["trainings"],
            about=text,
        )
