"""Kill a training at random moments, resume it, and count how often it ends as if nothing had happened.

    python tests/benchmarks/kills.py [--times 50] [--seed 0]

The training is the small one of tests/faults/trainings.py, with Trainer and with a loop like notebook 3's in
turns. Each runs in a process of its own. The process gets SIGKILL after a random share of the time that it
takes undisturbed; one in three is killed once more while it resumes. "Equal" means the same losses at the
same steps, the same evaluations, and weights that are the same to the last bit. A moment counts as "while
saving" if a half-written file or an incomplete checkpoint lay there. Prints Markdown.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "faults"), str(ROOT)]

import trainings


def train(way: str, folder: Path, seconds: float | None = None) -> bool:
    """Train, and return whether the training came to its end. With `seconds`, kill it after as many."""
    process = trainings.PROCESSES.Process(target=trainings.in_a_process, args=(way, folder))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == 0


def new_folder(parent: str) -> Path:
    folder = Path(tempfile.mkdtemp(dir=parent)) / "training"
    folder.mkdir()
    return folder


def result(folder: Path) -> dict:
    return json.loads((folder.parent / "result.json").read_text(encoding="utf-8"))


def half_written(folder: Path) -> bool:
    incomplete = [
        path
        for path in folder.glob("checkpoint-*")
        if path.is_dir() and not (path / "complete.json").exists()
    ]
    return bool(incomplete or list(folder.rglob("*.partial")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    counts = {way: Counter() for way in trainings.WAYS}
    with tempfile.TemporaryDirectory() as parent:
        undisturbed = {}
        seconds = {}
        for way in trainings.WAYS:
            train(way, new_folder(parent))  # warms up
            folder = new_folder(parent)
            began = time.perf_counter()
            assert train(way, folder), f"{way} did not come to its end"
            undisturbed[way] = result(folder)
            seconds[way] = time.perf_counter() - began
        for i in range(options.times):
            way = list(trainings.WAYS)[i % 2]
            folder = new_folder(parent)
            count = counts[way]
            for _ in range(1 + (i % 3 == 0)):
                ended = train(way, folder, chance.uniform(0, 1) * seconds[way])
                count["kills"] += not ended
                count["while saving"] += half_written(folder)
            ended = ended or train(way, folder)
            count["trainings"] += 1
            count["equal"] += ended and result(folder) == undisturbed[way]
            print(".", end="", file=sys.stderr, flush=True)
    columns = ("trainings", "kills", "while saving", "equal")
    print(f"\n| way | {' | '.join(columns)} |\n|---|---:|---:|---:|---:|")
    for way, count in [*counts.items(), ("both", sum(counts.values(), Counter()))]:
        print(f"| {way} | {' | '.join(str(count[column]) for column in columns)} |")


if __name__ == "__main__":
    main()
