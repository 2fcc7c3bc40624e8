"""Make what the loopback Hub serves.

The repositories have the layout of the real ones, but weights, reviews and headlines of our own. Commit ids
and names are those of the profiles, so the notebooks ask for what they ask the real Hub for.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

from helpers.profiles import PROFILES
from hub.server import Repository

OFFLINE = Path(PROFILES["offline"].model).parent
MOVED = "f" * 40  # the commit that `main` points to: newer than the pinned one, and with something else in it
METRIC = "evaluate-metric/accuracy"
METRIC_REVISION = "a" * 40

YELP_CARD = """---
language:
- en
license: other
dataset_info:
  config_name: yelp_review_full
  features:
  - name: label
    dtype:
      class_label:
        names:
          '0': 1 star
          '1': 2 star
          '2': 3 stars
          '3': 4 stars
          '4': 5 stars
  - name: text
    dtype: string
  splits:
  - name: train
    num_bytes: {train_bytes}
    num_examples: {train_rows}
  - name: test
    num_bytes: {test_bytes}
    num_examples: {test_rows}
  download_size: {download}
  dataset_size: {total}
configs:
- config_name: yelp_review_full
  data_files:
  - split: train
    path: yelp_review_full/train-*
  - split: test
    path: yelp_review_full/test-*
  default: true
---
Synthetic reviews in the layout of Yelp's.
"""

HEADLINES = Path(__file__).with_name("headlines.toml")
HEADLINE_ROWS = {"train": 3_000, "validation": 1_500}

KLUE_CARD = """---
language:
- ko
license: cc-by-sa-4.0
dataset_info:
  config_name: ynat
  features:
  - name: guid
    dtype: string
  - name: title
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
{names}
  - name: url
    dtype: string
  - name: date
    dtype: string
  splits:
  - name: train
    num_bytes: {train_bytes}
    num_examples: {train_rows}
  - name: validation
    num_bytes: {validation_bytes}
    num_examples: {validation_rows}
  download_size: {download}
  dataset_size: {total}
configs:
- config_name: ynat
  data_files:
  - split: train
    path: ynat/train-*
  - split: validation
    path: ynat/validation-*
---
Made-up headlines in the layout of KLUE's topic classification.
"""


def build(folder: Path) -> list[Repository]:
    """Write all repositories below `folder`."""
    full = PROFILES["full"]
    small = PROFILES["small"]
    korean = PROFILES["korean"]
    return [
        _with_moved_main("models", full.model, full.model_revision, base_layout(folder / "base")),
        _with_moved_main("models", small.model, small.model_revision, mini_layout(folder / "mini")),
        _with_moved_main("datasets", full.dataset, full.dataset_revision, yelp_layout(folder / "yelp")),
        _with_moved_main("models", korean.model, korean.model_revision, korean_layout(folder / "korean")),
        _with_moved_main("datasets", korean.dataset, korean.dataset_revision, klue_layout(folder / "klue")),
        Repository("spaces", METRIC, {METRIC_REVISION: OFFLINE / "accuracy"}, main=METRIC_REVISION),
    ]


def _with_moved_main(kind: str, name: str, revision: str, folder: Path) -> Repository:
    """Return the pinned commit, and a `main` that has moved on to one with nothing usable in it."""
    moved = folder.with_name(folder.name + "-moved")
    moved.mkdir()
    (moved / "README.md").write_text("Everything was deleted here.\n")
    return Repository(kind, name, {revision: folder, MOVED: moved}, main=MOVED)


def base_layout(folder: Path) -> Path:
    """Write `google-bert/bert-base-cased`: every format of weights, tokenizer.json, 12 layers.

    Only the model is narrower: 96 for 768.
    """
    from transformers import AutoTokenizer

    _save_weights(
        folder,
        num_hidden_layers=12,
        hidden_size=96,
        intermediate_size=384,
        num_attention_heads=12,
        vocab_size=6_000,
    )
    tokenizer = AutoTokenizer.from_pretrained(OFFLINE / "bert-tiny-synthetic")
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false, "model_max_length": 512}')
    _save_vocabulary(folder, tokenizer.get_vocab())
    for unwanted in ("tf_model.h5", "flax_model.msgpack"):
        (folder / unwanted).write_bytes(b"\0" * 2_000_000)
    return folder


def mini_layout(folder: Path, vocabulary_size: int = 0) -> Path:
    """Write `prajjwal1/bert-mini`: vocab.txt, pickled weights, and a config.json that names no architecture.

    The vocabulary is the bundled one, filled up to `vocabulary_size` with pieces that no review has.
    """
    from transformers import AutoTokenizer

    cased = AutoTokenizer.from_pretrained(OFFLINE / "bert-tiny-synthetic").get_vocab()
    special = {piece for piece in cased if piece.startswith("[") and piece.endswith("]")}
    pieces = sorted(cased, key=cased.get)
    lowered = dict.fromkeys(piece if piece in special else piece.lower() for piece in pieces)
    unused = (f"[unused{i}]" for i in range(vocabulary_size - len(lowered)))
    vocabulary = {piece: i for i, piece in enumerate([*lowered, *unused])}
    _save_weights(
        folder,
        num_hidden_layers=4,
        hidden_size=256,
        intermediate_size=1024,
        num_attention_heads=4,
        vocab_size=len(vocabulary),
    )
    (folder / "model.safetensors").unlink()
    config = json.loads((folder / "config.json").read_text())
    written_then = (
        "attention_probs_dropout_prob",
        "hidden_act",
        "hidden_dropout_prob",
        "hidden_size",
        "initializer_range",
        "intermediate_size",
        "max_position_embeddings",
        "num_attention_heads",
        "num_hidden_layers",
        "type_vocab_size",
        "vocab_size",
    )
    (folder / "config.json").write_text(json.dumps({name: config[name] for name in written_then}))
    _save_vocabulary(folder, vocabulary)
    return folder


def _save_weights(folder: Path, **config) -> None:
    import torch
    from transformers import BertConfig, BertForPreTraining, set_seed

    set_seed(0)
    model = BertForPreTraining(BertConfig(**config))
    model.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


def _save_vocabulary(folder: Path, vocabulary: dict[str, int]) -> None:
    pieces = sorted(vocabulary, key=vocabulary.get)
    (folder / "vocab.txt").write_text("".join(piece + "\n" for piece in pieces), encoding="utf-8")


def yelp_layout(folder: Path) -> Path:
    """Write `Yelp/yelp_review_full`.

    It has a card with one named configuration, and two Parquet files below a folder of that name.
    """
    import pyarrow.parquet as pq

    (folder / "yelp_review_full").mkdir(parents=True)
    rows = {}
    for split in ("train", "test"):
        source = next((OFFLINE / "synthetic-reviews").rglob(f"{split}*.parquet"))
        target = folder / "yelp_review_full" / f"{split}-00000-of-00001.parquet"
        shutil.copyfile(source, target)
        rows[split] = (pq.read_metadata(target).num_rows, target.stat().st_size)
    write_card(folder, rows["train"], rows["test"])
    return folder


def write_card(folder: Path, train: tuple[int, int], test: tuple[int, int]) -> None:
    """Write the dataset's README for splits of (rows, bytes)."""
    card = YELP_CARD.format(
        train_rows=train[0],
        train_bytes=train[1],
        test_rows=test[0],
        test_bytes=test[1],
        download=train[1] + test[1],
        total=train[1] + test[1],
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


@cache
def _headlines() -> dict:
    return tomllib.loads(HEADLINES.read_text(encoding="utf-8"))


def _headline(rng: random.Random, label: str) -> str:
    """Fill a pattern of the class. A list's words do not repeat within a headline."""
    lists = {name: rng.sample(words, len(words)) for name, words in _headlines()["fill"].items()}

    def value(match: re.Match) -> str:
        if match[1] in ("n", "m"):
            return str(rng.randint(2, 99 if match[1] == "n" else 9))
        return lists[match[1]].pop()

    return re.sub(r"\{(\w+)\}", value, rng.choice(_headlines()["classes"][label]))


@cache
def headline_rows() -> dict[str, list[dict]]:
    """Write the headlines of each split. None stands there twice."""
    rng = random.Random(0)
    names = list(_headlines()["classes"])
    seen: set[str] = set()
    splits = {}
    for split, count in HEADLINE_ROWS.items():
        rows = splits[split] = []
        while len(rows) < count:
            label = rng.randrange(len(names))
            title = _headline(rng, names[label])
            if title not in seen:
                seen.add(title)
                number = f"{len(rows):05}"
                day = f"2017.{rng.randint(1, 12):02}.{rng.randint(1, 28):02}."
                rows.append(
                    {
                        "guid": f"ynat-v1_{split}_{number}",
                        "title": title,
                        "label": label,
                        "url": f"https://example.org/{split}/{number}",
                        "date": f"{day} 오전 {rng.randint(1, 11)}:{rng.randint(0, 59):02}",
                    }
                )
    return splits


def klue_layout(folder: Path) -> Path:
    """Write the configuration `ynat` of `klue/klue`: two Parquet files, and no test split."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "ynat").mkdir(parents=True)
    sizes = {}
    for split, rows in headline_rows().items():
        target = folder / "ynat" / f"{split}-00000-of-00001.parquet"
        pq.write_table(pa.Table.from_pylist(rows), target)
        sizes |= {f"{split}_rows": len(rows), f"{split}_bytes": target.stat().st_size}
    total = sizes["train_bytes"] + sizes["validation_bytes"]
    names = "\n".join(f"          '{i}': {name}" for i, name in enumerate(_headlines()["classes"]))
    card = KLUE_CARD.format(names=names, download=total, total=total, **sizes)
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder


def korean_layout(folder: Path) -> Path:
    """Write `klue/bert-base`: a cased Korean vocabulary, safetensors, 12 layers.

    Only the model is narrower, and the vocabulary smaller: the frequent words of the headlines, and every
    character of them, alone and as a continuation.
    """
    from transformers import BertTokenizer

    titles = [row["title"] for row in headline_rows()["train"]]
    words = Counter(word for title in titles for word in re.findall(r"\w+", title))
    characters = sorted({character for title in titles for character in title if not character.isspace()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    pieces += [f"##{character}" for character in characters]
    pieces += [word for word, count in sorted(words.items()) if count >= 10 and len(word) > 1]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}

    _save_weights(
        folder,
        num_hidden_layers=12,
        hidden_size=48,
        intermediate_size=192,
        num_attention_heads=12,
        vocab_size=len(vocabulary),
    )
    (folder / "pytorch_model.bin").unlink()
    tokenizer = BertTokenizer(
        vocab=vocabulary, do_lower_case=False, strip_accents=False, model_max_length=512
    )
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false, "model_max_length": 512}')
    _save_vocabulary(folder, vocabulary)
    return folder
