"""What of a profile the Hub still has to deliver, and how much that is."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from helpers.profiles import Profile
from helpers.subset import subset_folder

_SMALL_FILES = ("config.json", "tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "added_tokens.json", "*.model")
_DATA_FILES = ("*.parquet", "*.csv", "*.json", "*.jsonl", "*.arrow", "*.gz", "*.zst")
_TIMEOUT = 3.0  # seconds


@dataclass(frozen=True)
class Delivery:
    """Bytes still to download, and bytes that will lie on the disk afterwards, from the Hub alone."""

    download: int
    disk: int


def is_cached(profile: Profile) -> bool:
    """Whether model and dataset can be opened without the Hub."""
    return _model_is_here(profile) and _dataset_is_here(profile)


def delivery(profile: Profile) -> Delivery:
    """Ask the Hub for the sizes of the profile's files. Raises what `huggingface_hub` raises when it does not answer."""
    model, dataset = _model_bytes(profile), _dataset_bytes(profile)
    download = (0 if _model_is_here(profile) else model) + (0 if _dataset_is_here(profile) else dataset.download)
    return Delivery(download, model + dataset.disk)


def _model_is_here(profile: Profile) -> bool:
    from huggingface_hub import try_to_load_from_cache

    if Path(profile.model).exists():
        return True

    def cached(*names: str) -> bool:
        return any(isinstance(try_to_load_from_cache(profile.model, name, revision=profile.model_revision), str) for name in names)

    return cached("config.json") and cached("model.safetensors", "pytorch_model.bin") and cached("tokenizer.json", "vocab.txt", "vocab.json")


def _dataset_is_here(profile: Profile) -> bool:
    """A subset has its own folder; what `load_dataset` prepared lies under the dataset's name and commit id."""
    if Path(profile.dataset).exists():
        return True
    if profile.subset_rows is not None:
        return subset_folder(profile).exists()
    from datasets import config

    prepared = Path(config.HF_DATASETS_CACHE) / profile.dataset.replace("/", "___").lower()
    also = Path(config.HF_DATASETS_CACHE) / profile.dataset.replace("/", "___")
    return any(
        path.is_file() for folder in {prepared, also} for path in folder.glob(f"*/*/{profile.dataset_revision or '*'}/dataset_info.json")
    )


def _model_bytes(profile: Profile) -> int:
    if Path(profile.model).exists():
        return 0
    files = _info("model", profile.model, profile.model_revision).siblings
    sizes = {file.rfilename: file.size or 0 for file in files}
    weights = [name for name in sizes if fnmatch(name, "model*.safetensors")] or [name for name in sizes if fnmatch(name, "pytorch_model*.bin")]
    small = [name for name in sizes if any(fnmatch(name, pattern) for pattern in _SMALL_FILES)]
    return sum(sizes[name] for name in {*weights, *small})


def _dataset_bytes(profile: Profile) -> Delivery:
    """The card says how many rows there are; without it, the subset counts as everything: at most that much."""
    if Path(profile.dataset).exists():
        return Delivery(0, 0)
    info = _info("dataset", profile.dataset, profile.dataset_revision)
    files = sum(file.size or 0 for file in info.siblings if any(fnmatch(file.rfilename, pattern) for pattern in _DATA_FILES))
    card = (info.card_data or {}).get("dataset_info") or {}
    card = card[0] if isinstance(card, list) else card
    share = 1.0
    if profile.subset_rows is not None and (splits := card.get("splits")):
        share = min(1.0, profile.subset_rows * len(splits) / sum(split["num_examples"] for split in splits))
    prepared = card.get("dataset_size", files)  # load_dataset keeps an Arrow copy beside what it downloaded
    return Delivery(int(files * share), int((files + prepared) * share))


@cache
def _info(kind: str, name: str, revision: str | None):
    """What the Hub says of a repository; asked once, as two profiles share a dataset and the setup cell runs again."""
    from huggingface_hub import HfApi

    return HfApi().repo_info(name, repo_type=kind, revision=revision, files_metadata=True, timeout=_TIMEOUT)
