"""Protects a learner from downloading 300 MB for the sake of 20,000 reviews."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.hub.subset import dataset_source, read_row_groups
from helpers.profiles import PROFILES


@pytest.fixture
def files(tmp_path):
    """Write two Parquet files of 50 row groups with 10 rows each. The value tells the row."""
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for i, path in enumerate(paths):
        pq.write_table(pa.table({"value": range(500 * i, 500 * (i + 1))}), path, row_group_size=10)
    return paths


def test_rows_come_from_all_over_the_files_and_are_the_same_each_time(files):
    """A file may be sorted, so its first rows are no sample."""
    values = read_row_groups(files, 100)["value"].to_numpy()
    assert len(values) == 100 and values.min() < 200 and values.max() > 800
    assert len(np.unique(values // 10)) == 10, "ten whole row groups, not rows from everywhere"
    assert (values == read_row_groups(files, 100)["value"].to_numpy()).all()


def test_more_rows_than_there_are(files):
    assert len(read_row_groups(files, 10_000)) == 1_000


def test_rows_are_cut_to_the_number_asked_for(files):
    assert len(read_row_groups(files, 25)) == 25


def test_what_is_local_or_wanted_whole_is_opened_as_it_is():
    assert dataset_source(PROFILES["offline"]) == PROFILES["offline"].dataset
    assert dataset_source(PROFILES["full"]) == "Yelp/yelp_review_full"
