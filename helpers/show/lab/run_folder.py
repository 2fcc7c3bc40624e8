"""Keep the runs of a panel in a folder, one file per run."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

from helpers.language import _
from helpers.show.lab.run_list import describe
from helpers.train.runs import Run


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """Save, find and delete runs as `run_1.json`, `run_2.json`, … in `folder`. Panels may share a folder."""

    folder: Path

    def path(self, name: str) -> Path:
        """Return the file of the run `name`. A name cannot lead out of the folder."""
        plain = re.sub(r"\W", "_", name)
        return self.folder / f"{plain}.json"

    def new_name(self, runs: Iterable[Run]) -> str:
        """Return "run 7" if the highest number among `runs` and the files of the folder is 6."""
        names = [run.name for run in runs]
        names += [path.stem.replace("_", " ") for path in self.folder.glob("run_*.json")]
        numbers = [int(found[1]) for name in names if (found := re.fullmatch(r"run (\d+)", name))]
        return f"run {max(numbers, default=0) + 1}"

    def reserve(self, name: str) -> bool:
        """Make an empty file for the run `name`, and return False if that name is already taken.

        A notebook that trains beside this one then takes the next number. In a folder that nobody may write
        to, every name counts as free; `save` reports the error.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.path(name).open("x").close()
        except FileExistsError:
            return False
        except OSError:
            pass
        return True

    def save(self, run: Run) -> None:
        """Write `run` to its file. Raises OSError if the file cannot be written."""
        run.save(self.path(run.name))

    def delete(self, run: Run) -> None:
        """Remove the file of `run`, if there is one."""
        self.path(run.name).unlink(missing_ok=True)

    def load(self, in_training: Iterable[Run] = ()) -> tuple[list[Run], list[str]]:
        """Read the runs of the folder, except those `in_training`.

        Returns the runs in the order of their numbers, and one sentence for each file that is left out. A run
        whose file says "running" was left by another kernel and counts as stopped.
        """
        # Read every file, and note the reason where a file is no run
        paths = set(self.folder.glob("run_*.json")) - {self.path(run.name) for run in in_training}
        runs: list[Run] = []
        left_out: list[str] = []
        for path in paths:
            try:
                runs.append(load_run(path))
            except ValueError as error:
                left_out.append(_("{file} is left out: {error}").format(file=path.name, error=error))

        # End the runs that another kernel left
        for run in runs:
            if run.status == "running":
                run.end("stopped", _("Its kernel ended during the training, or is still training it."))

        # Sort by number and not by time, because somebody may have set the clock back
        runs.sort(key=lambda run: int(run.name.split()[-1]))
        return runs, left_out


def load_run(path: Path) -> Run:
    """Read a saved run, and name it after its file.

    The name inside the file does not count, because Delete removes the file that the name leads to. Raises
    ValueError for a file that no panel wrote: it has another name, or it holds texts where a row or a curve
    needs numbers.
    """
    # The name
    name = path.stem.replace("_", " ")
    if not re.fullmatch(r"run \d+", name):
        raise ValueError(
            _(
                "the files of a panel are called run_1.json, run_2.json, … "
                "To see this file here, rename it like that."
            )
        )

    # The content: try everything that a row and a curve will do with it
    run = dataclasses.replace(Run.load(path), name=name)
    try:
        _check_numbers(run)
        describe(run, ())
    except (TypeError, KeyError, AttributeError) as error:
        text = _("expected the numbers of a training, written by Run.save ({kind}: {error}).")
        raise ValueError(text.format(kind=type(error).__name__, error=error)) from error
    return run


def _check_numbers(run: Run) -> None:
    """Raise TypeError if a text stands where a row or a curve needs a number."""
    numbers = ("per_device_train_batch_size", "gradient_accumulation_steps", "eval_size", "guess")
    values = [
        run.seconds,
        *(value for point in (*run.history, *run.evaluations) for value in point.values()),
        *(run.settings.get(name) for name in numbers),
    ]
    wrong = [value for value in values if not isinstance(value, (int, float, type(None)))]
    if wrong:
        raise TypeError(_("no number: {value!r}").format(value=wrong[0]))
