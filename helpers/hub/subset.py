"""Fetch some rows of a Hub dataset without its whole files, and keep them in a folder.

Parquet files consist of groups of rows, and the Hub delivers any part of a file. So we read only some groups.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from helpers.language import _
from helpers.profiles import Profile

SEED = 42
_COMMIT_ID = 40  # characters


def dataset_source(profile: Profile) -> str:
    """Return what `load_dataset` shall open: `profile.dataset`, or a folder with a subset of it.

    If the profile sets `subset_rows`, the first call fetches that many rows of each split from the Hub. It
    draws the row groups at random, with a fixed seed, so every machine gets the same rows. The folder appears
    only when it is complete. Raises ValueError for a folder that is gone, of which the cache has a copy:
    `load_dataset` would open the copy.
    """
    if Path(profile.dataset).exists():
        return profile.dataset
    if prepared_from_folder(profile.dataset):
        raise ValueError(
            _(
                "There is no folder {dataset!r} in {folder}, only an old copy of one in the cache. "
                "As dataset of the Profile, write the folder's whole path, "
                "or the name of a dataset of the Hub with its owner: 'owner/name'."
            ).format(dataset=profile.dataset, folder=os.getcwd())
        )
    if profile.subset_rows is None:
        return profile.dataset
    folder = subset_folder(profile)
    if not folder.exists():
        _fetch(profile, folder)
    return str(folder)


def subset_folder(profile: Profile) -> Path:
    """Return the folder for the subset of this dataset, revision and size. It need not exist."""
    from huggingface_hub.constants import HF_HOME

    parts = (
        profile.dataset.replace("/", "--"),
        profile.dataset_config,
        profile.dataset_revision or "main",
        str(profile.subset_rows),
    )
    return Path(HF_HOME) / "subsets" / "-".join(part for part in parts if part)


def prepared(dataset: str, revision: str = "*") -> list[Path]:
    """Return the folders where `load_dataset` keeps what it has prepared of a dataset with this name.

    Each is called like the dataset's commit id on the Hub, or, for a dataset of local files, a shorter hash.
    """
    from datasets import config
    from datasets.naming import camelcase_to_snakecase

    owner, slash, name = dataset.rpartition("/")
    spellings = {name, name.lower(), camelcase_to_snakecase(name)}
    cache = Path(config.HF_DATASETS_CACHE)
    found = [
        path.parent
        for spelling in spellings
        for path in cache.glob(f"{owner}{'___' * len(slash)}{spelling}/*/*/{revision}/dataset_info.json")
    ]
    return list(dict.fromkeys(found))


def prepared_from_folder(dataset: str) -> bool:
    """Return whether the cache has a dataset of this name that came from local files, and none of the Hub."""
    hashes = {len(path.name) for path in prepared(dataset)}
    return bool(hashes) and _COMMIT_ID not in hashes


def _fetch(profile: Profile, folder: Path) -> None:
    """Fetch the subset into a scratch folder, and rename it to `folder` when it is complete."""
    from datasets import load_dataset_builder

    builder = load_dataset_builder(profile.dataset, profile.dataset_config, revision=profile.dataset_revision)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for split in ("train", profile.eval_split):
            _fetch_split(builder, split, profile.subset_rows, scratch / f"{split}.parquet")
        # mkdtemp makes a folder for its owner only, but a workshop may share the cache
        scratch.chmod(0o755)
        # Another notebook may have been faster
        if not folder.exists():
            os.rename(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _fetch_split(builder, split: str, rows: int, target: Path) -> None:
    """Write `rows` rows of the split to the Parquet file `target`, or raise ValueError without this split."""
    import pyarrow.parquet as pq
    from datasets import Dataset

    data_files = builder.config.data_files or {}
    files = data_files.get(split)
    if files is None:
        raise ValueError(
            _(
                "{dataset} has no split {split!r}, only {splits}. "
                "Set eval_split in the Profile to one of these."
            ).format(dataset=builder.repo_id, split=split, splits=list(data_files))
        )

    # Of Parquet files we read row groups. Of other formats we take the first rows.
    if all(str(file).endswith(".parquet") for file in files):
        table = read_row_groups(files, rows)
        features = builder.info.features
        pq.write_table(table.cast(features.arrow_schema) if features else table, target)
    else:
        stream = builder.as_streaming_dataset(split=split)
        Dataset.from_list(list(stream.take(rows)), features=stream.features).to_parquet(target)


def read_row_groups(files, rows: int):
    """Read `rows` rows, or all if there are fewer, from row groups that are drawn with a fixed seed.

    `files` are paths or fsspec addresses, such as "hf://datasets/…". The function reads only the footers of
    the files and the drawn groups. It returns a `pyarrow.Table`.
    """
    import fsspec
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Open the files. With a cache, fsspec would stretch every read to a block of 5 MB.
    opened = []
    for file in files:
        filesystem, path = fsspec.url_to_fs(str(file))
        opened.append(filesystem.open(path, cache_type="none"))

    try:
        # Draw row groups until they hold enough rows
        parquets = [pq.ParquetFile(file, pre_buffer=True) for file in opened]
        places = [(i, group) for i, parquet in enumerate(parquets) for group in range(parquet.num_row_groups)]
        drawn = []
        found = 0
        for place in np.random.default_rng(SEED).permutation(len(places)):
            if found >= rows:
                break
            i, group = places[place]
            drawn.append((i, group))
            found += parquets[i].metadata.row_group(group).num_rows

        # Read them in the order of the files
        tables = [parquets[i].read_row_group(group) for i, group in sorted(drawn)]
        return pa.concat_tables(tables).slice(0, rows)
    finally:
        for file in opened:
            file.close()
