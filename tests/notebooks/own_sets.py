"""Run notebooks 1, 2, 3 and 6 on data that somebody brought, and check that what they print is true of it.

    python tests/notebooks/own_sets.py

The exercises of notebooks 1 and 2 are solved with their own solutions.
It takes five sets: two classes of 1 : 9, seven classes, Korean, forty classes, long texts. The tests run the
one of seven classes. Sizes are small; the notebooks' cells stay as they are, but for the path in notebook 6.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

import nbformat
from nbclient import NotebookClient
from notebook_files import NOTEBOOKS, ROOT, read

from helpers.data import OwnData, own_data
from helpers.learn import exercises
from helpers.start.places import choose_runs_folder

FILES = ROOT / "tests" / "own_data"
MESSAGES = ROOT / "helpers" / "offline" / "customer-messages" / "messages.csv"
# Path, and what `own_data` has to be told
SETS = {
    "one_to_nine": (FILES / "46_1_to_9" / "data.csv", {}),
    "seven": (MESSAGES, {"text": "message", "label": "team"}),
    "korean": (FILES / "04_cp949", {}),
    "forty": (FILES / "44_40_classes" / "intents.csv", {}),
    "long": (FILES / "47_long_texts", {}),
}
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9", "FINETUNE_PROFILE": "offline"}


def saved(name: str) -> OwnData:
    """Read the set `name`, and save it as a small one."""
    path, columns = SETS[name]
    mine = own_data(path, **columns)
    folder = mine.save(name)
    settings = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    settings |= {"num_train_epochs": 1, "train_size": min(settings["train_size"], 120), "max_length": 128}
    settings |= {"eval_size": min(settings["eval_size"], 60)}
    (folder / "profile.json").write_text(json.dumps(settings), encoding="utf-8")
    return mine


def executed(number: int, name: str, runs: Path) -> nbformat.NotebookNode:
    """Execute notebook `number` on the saved set `name`; notebook 6 on its file."""
    notebook = read(next(path for path in NOTEBOOKS if path.stem.startswith(f"{number:02}_")))
    if number in (1, 2):
        _solve(notebook, number)
    env = os.environ | OFFLINE | {"FINETUNE_RUNS": str(runs), "FINETUNE_PROFILE": f"own/{name}"}
    path, columns = SETS[name]
    for cell in notebook.cells:
        if number == 6 and cell.id == "read":
            mine = f"mine = own_data({str(path)!r}, **{columns!r})"
            assert cell.source.count("mine = own_data(path, **columns)") == 1
            cell.source = cell.source.replace("mine = own_data(path, **columns)", mine)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT / "notebooks")}})
    client.execute(env=env)
    return notebook


def _solve(notebook: nbformat.NotebookNode, number: int) -> None:
    """Put the solution of each exercise in front of its check."""
    for name, exercise in exercises(number, {}).exercises.items():
        (cell,) = [cell for cell in notebook.cells if f"\ncheck.{name}(" in cell.source]
        cell.source = cell.source.replace(f"\ncheck.{name}(", f"\n{exercise.solution}\ncheck.{name}(")


def said(notebook: nbformat.NotebookNode, cell: str = "") -> str:
    """Return what the notebook, or one of its cells, printed."""
    return "".join(
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for one in notebook.cells
        if one.cell_type == "code" and cell in ("", one.id)
        for output in one.outputs
        if output.get("name") != "stderr"
    )


def check(number: int, notebook: nbformat.NotebookNode, mine: OwnData, name: str) -> None:
    """Raise AssertionError if a sentence is not true of this data. FINETUNE_RUNS says where it is saved."""
    from helpers.data import load_reviews
    from helpers.data.own import own_profile

    text = said(notebook)
    of_reviews = [line for line in text.splitlines() if re.search(r"\b(stars?|Yelp|reviews?)\b", line)]
    assert of_reviews == [], "true of reviews only"
    reviews = load_reviews(own_profile(name))
    labels = reviews["validation"]["label"][:]
    learned = reviews["train"]["label"][:]
    commonest = labels.count(max(sorted(set(learned)), key=learned.count)) / len(labels)
    if number in (1, 2):
        told = [said(notebook, cell.id) for cell in notebook.cells if cell.id.startswith("your-")]
        solved = re.findall(r"^Right\.|This exercise counts as solved", "".join(told), re.MULTILINE)
        assert len(solved) == 5, told
    if number == 2:
        assert f"{commonest:.3f}  always the commonest answer" in said(notebook, "baselines")
        counts = [labels.count(label) for label in set(labels)]
        assert ("Macro-F1" in said(notebook, "accuracy")) == (max(counts) > 1.5 * min(counts))
        assert all(label in said(notebook, "own") for label in mine.label_names[:12])
    if number == 3:
        assert f"the commonest answer is right for {commonest:.2f}" in said(notebook, "evaluate")
        assert "the fused kernel: the losses differ by at most 0 in" in text
    if number == 6:
        judged = mine.dataset["validation"]["label"][:]
        most = mine.dataset["train"]["label"][:]
        share = max(map(judged.count, judged)) / len(judged)
        assert f"commonest answer accuracy {share:.3f}" in said(notebook, "baseline")
        plain, weighted = re.findall(r"(?:plain|weighted): loss (\S+)", said(notebook, "weighted"))
        balanced = len({most.count(label) for label in most}) == 1
        assert (plain == weighted) == balanced, "weights that do not reach the loss change nothing"
        assert "Ellipsis" not in text and str(ROOT) not in said(notebook, "card")


def main() -> None:
    for name in sys.argv[1:] or SETS:
        runs = Path(tempfile.mkdtemp())
        os.environ["FINETUNE_RUNS"] = str(runs)
        choose_runs_folder()
        mine = saved(name)
        for number in (1, 2, 3, 6):
            check(number, executed(number, name, runs), mine, name)
            print(f"{name}: notebook {number} is true", flush=True)


if __name__ == "__main__":
    main()
