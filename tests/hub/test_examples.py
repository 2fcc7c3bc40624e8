"""Protects a learner on their own machine: the scripts run from an empty cache, with the libraries alone."""

import dataclasses
import json
import re
import subprocess
import sys

import pytest
from datasets import load_from_disk
from notebook_files import ROOT

from hub.conftest import environment
from hub.server import LoopbackHub

# Smaller sizes, and how often each stands in the script
SMALLER = {
    "prepare": {r"range\(1_000\)": ("range(40)", 2), r"range\(1_000, 2_000\)": ("range(40, 60)", 1)},
    "trainer": {
        r"range\(2_000\)": ("range(60)", 1),
        r"range\(1_000\)": ("range(40)", 1),
        r"range\(1_000, 2_000\)": ("range(40, 60)", 1),
        r"num_train_epochs=3": ("num_train_epochs=1", 1),
        r"max_length=512": ("max_length=64", 1),
    },
    "loop": {
        r"range\(2_000\)": ("range(60)", 1),
        r"range\(1_000\)": ("range(40)", 1),
        r"range\(1_000, 2_000\)": ("range(40, 60)", 1),
        r"num_epochs = 3": ("num_epochs = 1", 1),
        r"max_length=512": ("max_length=64", 1),
    },
}


@pytest.fixture(scope="module")
def latest(repositories):
    """The repositories, with files in their newest commit: the scripts name no commit."""
    return [
        dataclasses.replace(repository, main=next(iter(repository.commits))) for repository in repositories
    ]


@pytest.fixture(scope="module")
def ran(latest, tmp_path_factory):
    """Run each script in a folder of its own. Returns the folders and what the scripts printed."""
    home = tmp_path_factory.mktemp("home")
    results = {}
    with LoopbackHub(latest) as hub:
        for name, changes in SMALLER.items():
            text = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
            for pattern, (smaller, count) in changes.items():
                text, found = re.subn(pattern, smaller, text)
                assert found == count, pattern
            folder = tmp_path_factory.mktemp(name)
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
            env = environment(hub.url, home) | {"PYTHONPATH": ""}
            done = subprocess.run(
                [sys.executable, f"{name}.py"],
                cwd=folder,
                env=env,
                capture_output=True,
                text=True,
                timeout=240,
            )
            assert done.returncode == 0, done.stderr[-3000:]
            results[name] = (folder, done.stdout)
    return results


def test_prepare_writes_three_disjoint_splits(ran):
    folder, printed = ran["prepare"]
    rows = load_from_disk(str(folder / "tokenized_reviews"))
    assert {name: len(split) for name, split in rows.items()} == {"train": 40, "validation": 20, "test": 40}
    texts = [set(split["text"]) for split in rows.values()]
    assert not texts[0] & texts[1] and not texts[0] & texts[2]
    assert re.search(r"40 training reviews, \d+ tokens long on average", printed)


@pytest.mark.parametrize("name", ["trainer", "loop"])
def test_a_training_script_ends_with_an_accuracy_and_a_model(ran, name):
    folder, printed = ran[name]
    assert 0 <= float(re.search(r"Validation accuracy: ([\d.]+)", printed)[1]) <= 1
    config = json.loads((folder / "star_model" / "config.json").read_text(encoding="utf-8"))
    assert len(config["id2label"]) == 5 and (folder / "star_model" / "tokenizer.json").is_file()


def test_the_saved_model_answers_in_stars(ran):
    """Without `id2label`, it would say LABEL_3."""
    assert re.search(r"\[\{'label': '\d stars?', 'score': 0\.\d+\}\]", ran["trainer"][1])


def test_two_processes_stream_each_text_of_the_hub_once(latest, tmp_path):
    """All 650,000 reviews fit on no small disk. Without `split_dataset_by_node`, both learn from all rows."""
    with LoopbackHub(latest) as hub:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
                *(str(ROOT / "examples" / "loop_accelerate.py"), "--stream", "--rows", "40", "--epochs", "1"),
                *("--batch-size", "4", "--eval-rows", "10", "--max-length", "32", "--folder", "trained"),
                *("--losses", "losses.json"),
            ],
            cwd=tmp_path,
            env=environment(hub.url, tmp_path / "home") | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        stored = list((tmp_path / "home").rglob("*.parquet"))
    found = json.loads((tmp_path / "losses.json").read_text(encoding="utf-8"))
    rows = [row for step in found["rows"] for row in step]
    assert found["processes"] == 2 and "2 processes train" in done.stdout
    assert len(set(rows)) == len(rows) == 40 and stored == []
