"""Some rows of a Hub dataset without its whole files: Parquet row groups by range requests, kept in a folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from helpers.profiles import Profile

SEED = 42


def dataset_source(profile: Profile) -> str:
    """What `load_dataset` shall open: `profile.dataset`, or a folder with a subset of it.

    With `subset_rows`, that many rows of each split are fetched from the Hub, once: the row groups are drawn at random
    with a fixed seed, so it is the same rows on every machine. The folder appears when it is complete.
    """
    if profile.subset_rows is None or Path(profile.dataset).exists():
        return profile.dataset
    folder = subset_folder(profile)
    if not folder.exists():
        _fetch(profile, folder)
    return str(folder)


def subset_folder(profile: Profile) -> Path:
    """Where the subset of this dataset, revision and size is kept; it need not exist."""
    from huggingface_hub.constants import HF_HOME

    parts = (profile.dataset.replace("/", "--"), profile.dataset_config, profile.dataset_revision or "main", str(profile.subset_rows))
    return Path(HF_HOME) / "subsets" / "-".join(part for part in parts if part)


def _fetch(profile: Profile, folder: Path) -> None:
    from datasets import load_dataset_builder

    builder = load_dataset_builder(profile.dataset, profile.dataset_config, revision=profile.dataset_revision)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for split in ("train", profile.eval_split):
            _fetch_split(builder, split, profile.subset_rows, scratch / f"{split}.parquet")
        scratch.chmod(0o755)  # mkdtemp's folder is for its owner only; a workshop may share the cache
        if not folder.exists():  # else another notebook was faster
            os.rename(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _fetch_split(builder, split: str, rows: int, target: Path) -> None:
    files = (builder.config.data_files or {}).get(split)
    if files is None:
        raise ValueError(f"{builder.repo_id} has no split {split!r}, only {list(builder.config.data_files or {})}. Set eval_split in the Profile.")
    if all(str(file).endswith(".parquet") for file in files):
        table = read_row_groups(files, rows)
        features = builder.info.features
        import pyarrow.parquet as pq

        pq.write_table(table.cast(features.arrow_schema) if features else table, target)
    else:
        from datasets import Dataset

        stream = builder.as_streaming_dataset(split=split)
        Dataset.from_list(list(stream.take(rows)), features=stream.features).to_parquet(target)


def read_row_groups(files, rows: int):
    """A `pyarrow.Table` of `rows` rows (fewer where there are not so many), from row groups drawn with a fixed seed.

    `files` are paths or fsspec addresses, such as "hf://datasets/…". Only the footers and the drawn groups are read.
    """
    import fsspec
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    opened = []
    for file in files:
        filesystem, path = fsspec.url_to_fs(str(file))
        opened.append(filesystem.open(path, cache_type="none"))  # else every read is stretched to a block of 5 MB
    try:
        parquets = [pq.ParquetFile(file, pre_buffer=True) for file in opened]
        places = [(i, group) for i, parquet in enumerate(parquets) for group in range(parquet.num_row_groups)]
        drawn, found = [], 0
        for place in np.random.default_rng(SEED).permutation(len(places)):
            if found >= rows:
                break
            i, group = places[place]
            drawn.append((i, group))
            found += parquets[i].metadata.row_group(group).num_rows
        return pa.concat_tables([parquets[i].read_row_group(group) for i, group in sorted(drawn)]).slice(0, rows)
    finally:
        for file in opened:
            file.close()
