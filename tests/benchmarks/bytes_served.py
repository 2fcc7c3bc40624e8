"""Measure how many bytes the `small` profile's reviews cost, from a dataset as large as Yelp's.

    python tests/benchmarks/bytes_served.py

A loopback Hub serves 650,000 + 50,000 synthetic reviews in Yelp's layout and counts the bytes. Its files have
row groups of 1,000, as `datasets` writes them. For comparison, the same number of rows is read by streaming.
The reviews are the bundled ones in random order. Some are twice as long, so that the files are about as large
as Yelp's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from hub.repositories import OFFLINE, write_card
from hub.server import LoopbackHub, Repository

from helpers.profiles import PROFILES

SUBSET = "from helpers.hub.subset import dataset_source; dataset_source(PROFILES['small'])"
STREAM = """
from datasets import load_dataset
profile = PROFILES['small']
for split, size in (("train", profile.train_size), ("test", profile.eval_size)):
    stream = load_dataset(profile.dataset, revision=profile.dataset_revision, split=split, streaming=True)
    print(len(list(stream.shuffle(seed=42, buffer_size=10_000).take(size))))
"""


def write_repository(folder: Path, rows: dict[str, int], group: int = 1_000) -> Repository:
    """Write a repository in Yelp's layout and under Yelp's name: `rows` of each split, `group` in a row
    group.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    reviews = pq.read_table(next((OFFLINE / "synthetic-reviews").rglob("train*.parquet")))
    (folder / "yelp_review_full").mkdir(parents=True)
    generator = np.random.default_rng(0)
    sizes = {}
    for split, count in rows.items():
        path = folder / "yelp_review_full" / f"{split}-00000-of-00001.parquet"
        with pq.ParquetWriter(path, reviews.schema) as writer:
            for start in range(0, count, group):
                n = min(group, count - start)
                table = reviews.take(pa.array(generator.integers(0, len(reviews), n)))
                more = reviews["text"].take(pa.array(generator.integers(0, len(reviews), n)))
                longer = pa.array(generator.random(n) < 0.4)
                text = pc.if_else(
                    longer, pc.binary_join_element_wise(table["text"], more, " "), table["text"]
                )
                writer.write_table(
                    table.set_column(table.schema.get_field_index("text"), "text", text), row_group_size=group
                )
        sizes[split] = (count, path.stat().st_size)
    write_card(folder, sizes["train"], sizes["test"])
    profile = PROFILES["small"]
    return Repository(
        "datasets", profile.dataset, {profile.dataset_revision: folder}, main=profile.dataset_revision
    )


def bytes_for(code: str, repository: Repository) -> int:
    """Count the bytes of content that the Hub serves while `code` runs with an empty cache."""
    with LoopbackHub([repository]) as hub, tempfile.TemporaryDirectory() as home:
        env = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
        env |= {"HF_ENDPOINT": hub.url, "HF_HOME": home, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", "from helpers.profiles import PROFILES\n" + code]
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return hub.bytes_served()


def main() -> None:
    from importlib.metadata import version

    with tempfile.TemporaryDirectory() as folder:
        repository = write_repository(Path(folder) / "yelp", {"train": 650_000, "test": 50_000})
        total = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
        print(
            f"datasets {version('datasets')}, pyarrow {version('pyarrow')}; {total / 1e6:.0f} MB in two"
            " Parquet files"
        )
        for name, code in {
            "row groups by range requests": SUBSET,
            "streaming, shuffle buffer of 10,000": STREAM,
        }.items():
            served = bytes_for(code, repository)
            print(f"{name:36} {served / 1e6:6.1f} MB, {served / total:6.1%}")


if __name__ == "__main__":
    main()
