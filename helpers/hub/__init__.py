"""The Hugging Face Hub: ask whether it answers, see what is already here, fetch some rows of a dataset."""

from helpers.hub.cache import Delivery, delivery, is_cached
from helpers.hub.reach import ask_hub, hub_answers, offline_is_set, use_caches_only
from helpers.hub.subset import dataset_source, read_row_groups, subset_folder

__all__ = [
    "Delivery",
    "ask_hub",
    "dataset_source",
    "delivery",
    "hub_answers",
    "is_cached",
    "offline_is_set",
    "read_row_groups",
    "subset_folder",
    "use_caches_only",
]
