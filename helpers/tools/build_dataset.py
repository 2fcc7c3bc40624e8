"""Write the synthetic reviews as Parquet files, in the layout of a dataset repository on the Hub.

    python -m helpers.tools.build_dataset

The text is the same on every platform; see `helpers.tools.reviews`.
"""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from helpers.tools.reviews import write_review

OUTPUT = Path(__file__).parents[1] / "offline" / "synthetic-reviews"
SPLIT_ROWS = {"train": 8_000, "test": 2_000}
SCHEMA = pa.schema([("label", pa.int64()), ("text", pa.string())])


def order(split: str) -> list[int]:
    """Return the shuffled review numbers of a split. Review i has label i % 5, so every split is balanced."""
    rng = random.Random(f"order/{split}")
    return sorted(range(SPLIT_ROWS[split]), key=lambda _: rng.random())


def row(split: str, number: int) -> dict:
    """Write review `number` of a split, as {"label": int, "text": str}."""
    label = number % 5
    return {"label": label, "text": write_review(f"{split}/{number}", label)}


def parquet_path(split: str, output: Path = OUTPUT) -> Path:
    return output / "data" / f"{split}-00000-of-00001.parquet"


def build(output: Path = OUTPUT) -> None:
    """Write both splits below `output`. Raise RuntimeError if a text occurs twice."""
    splits = {split: [row(split, number) for number in order(split)] for split in SPLIT_ROWS}
    texts = [item["text"] for rows in splits.values() for item in rows]
    if len(set(texts)) < len(texts):
        repeated = len(texts) - len(set(texts))
        raise RuntimeError(
            f"Expected {len(texts)} different reviews, but {repeated} of them repeat another one. "
            "Change the seeds in `row`."
        )
    for split, rows in splits.items():
        path = parquet_path(split, output)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path, compression="zstd", compression_level=22)
        print(f"{path.name}: {len(rows)} reviews, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    build()
