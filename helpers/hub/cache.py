"""Find out what the Hub still has to deliver for a profile, and how much that is."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from helpers.hub.subset import prepared, prepared_from_folder, subset_folder
from helpers.profiles import Profile

_SMALL_FILES = (
    "config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
)
_DATA_FILES = ("*.parquet", "*.csv", "*.json", "*.jsonl", "*.arrow", "*.gz", "*.zst")
_TIMEOUT = 3.0  # seconds


@dataclass(frozen=True)
class Delivery:
    """How many bytes are still to download, and how many bytes from the Hub the disk will then hold."""

    download: int
    disk: int


def is_cached(profile: Profile) -> bool:
    """Return whether model and dataset can be opened without the Hub."""
    return _model_is_here(profile) and _dataset_is_here(profile)


def delivery(profile: Profile) -> Delivery:
    """Ask the Hub for the sizes of the profile's files.

    If the Hub does not answer, the function raises what `huggingface_hub` raises.
    """
    model = _model_bytes(profile)
    dataset = _dataset_bytes(profile)
    download = 0
    if not _model_is_here(profile):
        download += model
    if not _dataset_is_here(profile):
        download += dataset.download
    return Delivery(download, model + dataset.disk)


def _model_is_here(profile: Profile) -> bool:
    """Return whether the model is a local folder, or the cache holds its config, weights and tokenizer."""
    from huggingface_hub import try_to_load_from_cache

    if Path(profile.model).exists():
        return True

    def cached(*names: str) -> bool:
        return any(
            isinstance(try_to_load_from_cache(profile.model, name, revision=profile.model_revision), str)
            for name in names
        )

    # One kind of weights and one kind of tokenizer files are enough
    return (
        cached("config.json")
        and cached("model.safetensors", "pytorch_model.bin")
        and cached("tokenizer.json", "vocab.txt", "vocab.json")
    )


def _dataset_is_here(profile: Profile) -> bool:
    """Return whether the dataset is a local folder, or lies complete in the cache."""
    if Path(profile.dataset).exists():
        return True
    if profile.subset_rows is not None:
        return subset_folder(profile).exists()
    return bool(prepared(profile.dataset, profile.dataset_revision or "*")) and not prepared_from_folder(
        profile.dataset
    )


def _model_bytes(profile: Profile) -> int:
    """Return how many bytes the Hub's files for model and tokenizer have; 0 for a local model."""
    if Path(profile.model).exists():
        return 0
    files = _info("model", profile.model, profile.model_revision).siblings
    sizes = {file.rfilename: file.size or 0 for file in files}
    weights = fnmatch.filter(sizes, "model*.safetensors") or fnmatch.filter(sizes, "pytorch_model*.bin")
    small = [name for name in sizes if any(fnmatch.fnmatch(name, pattern) for pattern in _SMALL_FILES)]
    return sum(sizes[name] for name in {*weights, *small})


def _dataset_bytes(profile: Profile) -> Delivery:
    """Return the bytes of the dataset, or of the part that the profile takes.

    The dataset's card says how many rows there are. Without a card, we return the size of the whole dataset,
    which is an upper limit.
    """
    if Path(profile.dataset).exists():
        return Delivery(0, 0)

    # The files
    info = _info("dataset", profile.dataset, profile.dataset_revision)
    files = sum(
        file.size or 0
        for file in info.siblings
        if any(fnmatch.fnmatch(file.rfilename, pattern) for pattern in _DATA_FILES)
    )

    # The share of the rows that the profile takes
    card = (info.card_data or {}).get("dataset_info") or {}
    card = card[0] if isinstance(card, list) else card
    share = 1.0
    if profile.subset_rows is not None and (splits := card.get("splits")):
        share = min(1.0, profile.subset_rows * len(splits) / sum(split["num_examples"] for split in splits))

    # Beside the downloaded files, `load_dataset` keeps an Arrow copy
    prepared = card.get("dataset_size", files)
    return Delivery(int(files * share), int((files + prepared) * share))


@cache
def _info(kind: str, name: str, revision: str | None):
    """Ask the Hub once for its facts about a repository.

    The answer is kept: two profiles share a dataset, and the setup cell may run again.
    """
    from huggingface_hub import HfApi

    return HfApi().repo_info(name, repo_type=kind, revision=revision, files_metadata=True, timeout=_TIMEOUT)
