"""Protects a learner from damaged or unfit checkpoints and caches: one message says what helps."""

import re
import shutil
from pathlib import Path

import pytest
import torch
from datasets import load_dataset
from IPython.core.interactiveshell import InteractiveShell
from tokenizers import Tokenizer
from tokenizers.models import BPE
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    GPT2Config,
    GPT2ForSequenceClassification,
    PreTrainedTokenizerFast,
)

from helpers.data.pretrained import check_tokenizer
from helpers.explain import explain, files, install_hook
from helpers.profiles import PROFILES

pytestmark = pytest.mark.faults

OFFLINE = PROFILES["offline"]
DAMAGE = {
    "cut off": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "overwritten": lambda content: b"rubbish " * 500,
}


@pytest.fixture(autouse=True)
def seldom_offline(monkeypatch):
    monkeypatch.delenv("FINETUNE_PROFILE", raising=False)


@pytest.fixture(scope="module")
def three_classes(tmp_path_factory):
    """Save a checkpoint that was fine-tuned for three classes."""
    folder = tmp_path_factory.mktemp("three")
    AutoModelForSequenceClassification.from_pretrained(OFFLINE.model, num_labels=3).save_pretrained(folder)
    AutoTokenizer.from_pretrained(OFFLINE.model).save_pretrained(folder)
    return folder


def explained(call):
    """Return what a learner sees of the error that `call` raises."""
    with pytest.raises(Exception) as caught:
        call()
    message = explain(caught.value)
    assert message is not None, f"{caught.value!r} has no explanation"
    assert len(message.splitlines()) <= 3
    return message


def damage(file, how):
    file.write_bytes(DAMAGE[how](file.read_bytes()))


def delete_what_is_named(message):
    """Do what the message says."""
    file, folder = re.match(
        r"The file (.+?) is damaged.*? Delete (?:it|the folder (.+?))\.\n", message
    ).groups()
    if folder:
        shutil.rmtree(folder)
    else:
        Path(file).unlink()


def test_another_head_size_is_named_with_both_sizes_and_both_ways_on(three_classes):
    message = explained(
        lambda: AutoModelForSequenceClassification.from_pretrained(three_classes, num_labels=5)
    )
    assert "classifier.bias is [3] in the checkpoint and [5] in the model" in message
    assert "ignore_mismatched_sizes=True" in message and "num_labels" in message
    new = AutoModelForSequenceClassification.from_pretrained(
        three_classes, num_labels=5, ignore_mismatched_sizes=True
    )
    kept = AutoModelForSequenceClassification.from_pretrained(three_classes, num_labels=3)
    assert (new.classifier.out_features, kept.classifier.out_features) == (5, 3)


def test_another_body_size_is_told_to_take_the_checkpoints_config(three_classes):
    config = AutoConfig.from_pretrained(three_classes, hidden_size=64, num_attention_heads=2)
    message = explained(
        lambda: AutoModelForSequenceClassification.from_pretrained(three_classes, config=config)
    )
    assert "load the config from the same checkpoint" in message


def test_a_notebook_shows_the_explanation_and_no_frames(three_classes, monkeypatch, capsys):
    """These errors are no OSErrors, so the handler must be registered for them too."""
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    install_hook()
    monkeypatch.setitem(
        shell.user_ns,
        "load",
        lambda: AutoModelForSequenceClassification.from_pretrained(three_classes, num_labels=5),
    )
    result = shell.run_cell("load()")
    InteractiveShell.clear_instance()
    shown = capsys.readouterr().out
    assert (
        isinstance(result.error_in_exec, RuntimeError)
        and "[3] in the checkpoint and [5] in the model" in shown
        and "Traceback" not in shown
    )


def gpt2_tokenizer(**special):
    letters = {letter: i for i, letter in enumerate(["<|endoftext|>", *"abcdefgh"])}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(BPE(letters, [])), **special)


def test_a_tokenizer_without_a_pad_token_is_refused_and_the_advice_helps():
    """GPT-2's tokenizer has none. Nothing fails until the first batch, and its error names neither tokenizer
    nor config.
    """
    tokenizer = gpt2_tokenizer(eos_token="<|endoftext|>")
    with pytest.raises(
        ValueError,
        match=r"no pad token.*tokenizer\.pad_token = tokenizer\.eos_token.*config\.pad_token_id = ",
    ):
        check_tokenizer(tokenizer)
    tokenizer.pad_token = tokenizer.eos_token
    check_tokenizer(tokenizer)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=16,
        n_embd=8,
        n_layer=1,
        n_head=1,
        bos_token_id=0,
        eos_token_id=0,
        num_labels=2,
    )
    config.pad_token_id = tokenizer.pad_token_id
    batch = DataCollatorWithPadding(tokenizer)(
        [{**tokenizer(text), "label": i} for i, text in enumerate(("abc", "a"))]
    )
    loss = GPT2ForSequenceClassification(config)(**batch).loss
    loss.backward()
    assert torch.isfinite(loss)


def test_a_tokenizer_without_an_end_token_either_is_told_another_one():
    with pytest.raises(ValueError, match=r"pad_token = tokenizer\.unk_token"):
        check_tokenizer(gpt2_tokenizer(unk_token="<|endoftext|>"))


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]
)
def test_a_damaged_file_of_a_model_folder_is_named(three_classes, tmp_path, name, how):
    """ "header too large" and "Expecting value: line 1 column 1" name neither file nor folder."""
    folder = shutil.copytree(three_classes, tmp_path / "model")
    damage(folder / name, how)

    def load():
        AutoTokenizer.from_pretrained(folder)
        return AutoModelForSequenceClassification.from_pretrained(folder)

    message = explained(load)
    assert f"The file {folder / name} is damaged" in message and "Delete it." in message
    delete_what_is_named(message)
    shutil.copy(three_classes / name, folder / name)
    assert load().num_labels == 3


def test_in_the_hubs_cache_the_whole_repository_goes(three_classes, tmp_path):
    """If you delete the name alone, the same content comes back from the blob that it points at."""
    repository = tmp_path / "hub" / "models--owner--name"
    folder = shutil.copytree(three_classes, repository / "snapshots" / "0123")
    damage(folder / "model.safetensors", "cut off")
    assert f"Delete the folder {repository}." in explained(
        lambda: AutoModelForSequenceClassification.from_pretrained(folder)
    )


def test_the_courses_own_files_are_brought_back_not_deleted(three_classes, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_OFFLINE", tmp_path)
    folder = shutil.copytree(three_classes, tmp_path / "bert-tiny-synthetic")
    damage(folder / "model.safetensors", "cut off")
    message = explained(lambda: AutoModelForSequenceClassification.from_pretrained(folder))
    assert "git checkout -- helpers/offline" in message and "Delete" not in message


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("pattern", ["*-train.arrow", "dataset_info.json"])
def test_a_damaged_dataset_cache_is_named_and_made_anew(tmp_path, pattern, how):
    """If only the damaged file were gone, the folder would still pass for a prepared dataset."""

    def load():
        return load_dataset(OFFLINE.dataset, cache_dir=str(tmp_path))

    texts = load()["train"]["text"][:]
    (file,) = tmp_path.rglob(pattern)
    damage(file, how)
    message = explained(load)
    assert f"The file {file} is damaged" in message and f"Delete the folder {file.parent}." in message
    delete_what_is_named(message)
    assert load()["train"]["text"][:] == texts


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_cache_of_map_is_named_and_made_anew(tmp_path, how):
    def mapped():
        rows = load_dataset(OFFLINE.dataset, split="test", cache_dir=str(tmp_path))
        return rows.map(lambda batch: {"characters": [len(text) for text in batch["text"]]}, batched=True)

    expected = mapped()["characters"][:]
    (file,) = tmp_path.rglob("cache-*.arrow")
    damage(file, how)
    message = explained(mapped)
    assert f"The file {file} is damaged" in message and "Delete it." in message
    delete_what_is_named(message)
    assert mapped()["characters"][:] == expected


@pytest.mark.parametrize(("inside", "deleted"), [("data", "it"), ("subsets/owner--name", "the folder {}")])
@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_parquet_file_is_named(tmp_path, how, inside, deleted):
    """A learner's own file must not take its whole folder with it. A subset comes back only as a whole."""
    folder = tmp_path / inside
    folder.mkdir(parents=True)
    load_dataset(OFFLINE.dataset, split="test", cache_dir=str(tmp_path / "first")).to_parquet(
        folder / "train.parquet"
    )
    damage(folder / "train.parquet", how)
    message = explained(lambda: load_dataset(str(folder), cache_dir=str(tmp_path / "second")))
    assert (
        f"The file {folder / 'train.parquet'} is damaged" in message
        and f"Delete {deleted.format(folder)}." in message
    )


def test_an_error_beside_a_healthy_file_is_not_blamed_on_it(three_classes, tmp_path):
    """A mistake in a function for `map` passes through functions that hold the names of cache files."""
    load_dataset(OFFLINE.dataset, split="test", cache_dir=str(tmp_path)).to_parquet(tmp_path / "own.parquet")
    healthy = [
        *tmp_path.rglob("*.arrow"),
        *tmp_path.rglob("*.parquet"),
        *three_classes.glob("*.safetensors"),
        *three_classes.glob("*.json"),
    ]

    def mistaken(file):
        return int("x")

    assert len(healthy) >= 7
    for file in healthy:
        with pytest.raises(ValueError) as caught:
            mistaken(file)
        assert explain(caught.value) is None
