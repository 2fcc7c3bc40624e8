"""Protects a learner from a test split that is looked at until it says what one hoped."""

import dataclasses
import json
import multiprocessing

import pytest
import torch
from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments

from helpers.data import load_reviews
from helpers.judge import exam, note_look, open_exam, reset_exam, reset_looks
from helpers.profiles import PROFILES

PROFILE = dataclasses.replace(PROFILES["offline"], eval_size=12)


@pytest.fixture(scope="module")
def trainer(tokenizer, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("exam"))
    args = TrainingArguments(
        folder, report_to="none", use_cpu=True, disable_tqdm=True, dataloader_pin_memory=False
    )
    model = AutoModelForSequenceClassification.from_pretrained(PROFILE.model, num_labels=5)
    return Trainer(model=model, args=args, processing_class=tokenizer)


def opened(folder, trainer, profile=PROFILE, **given):
    return open_exam(trainer, profile, folder, **{"validation_accuracy": 0.5} | given)


def test_the_first_look_is_written_down_and_shown(tmp_path, trainer, capsys):
    record = opened(tmp_path / "exam", trainer, guess=0.75)
    shown = capsys.readouterr().out
    (file,) = (tmp_path / "exam").glob("*.json")
    assert json.loads(file.read_text(encoding="utf-8")) == record
    assert record["rows"] == 12 and record["guess"] == 0.75 and record["times_opened_before"] == 0
    assert "Accuracy" in shown and record["weights"] in shown and str(file) in shown
    assert f"You said 0.750; the exam gives {record['accuracy'] - 0.75:+.3f}" in shown
    assert "reset_exam(helpers.exam_folder())" in shown, "the record names the way to open it again"


def test_the_second_look_shows_the_first(tmp_path, trainer, capsys, monkeypatch):
    """Whatever the model is by then: a better one must not get a second try."""
    first = opened(tmp_path, trainer)
    monkeypatch.setattr(exam, "predict_in_order", None)  # nothing may be judged
    capsys.readouterr()
    other = dataclasses.replace(PROFILE, name="another", learning_rate=1e-3)
    assert opened(tmp_path, trainer, profile=other, guess=0.9) == first
    shown = capsys.readouterr().out
    assert "open already" in shown and first["opened"] in shown and "You said" not in shown


def test_another_copy_of_the_data_is_the_same_exam(tmp_path, trainer, splits):
    """A second clone has the dataset in another folder."""
    first = opened(tmp_path / "record", trainer)
    (tmp_path / "synthetic-reviews").mkdir()
    for split in ("train", "test"):
        splits[split].to_parquet(tmp_path / "synthetic-reviews" / f"{split}.parquet")
    copied = dataclasses.replace(
        PROFILE, dataset=str(tmp_path / "synthetic-reviews"), label_names=tuple("abcde")
    )
    assert opened(tmp_path / "record", trainer, profile=copied) == first


def test_no_row_of_the_exam_is_in_what_the_notebooks_load(tmp_path):
    sealed = set(exam._sealed_rows(PROFILES["offline"])["text"])
    loaded = load_reviews(PROFILES["offline"])
    assert len(sealed) == 1_000
    for split in loaded.values():
        assert not sealed & set(split["text"])


def _open_in_a_process(folder):
    """Answer without a model, and slowly enough that both processes are under way."""
    import time

    import numpy as np

    def answer(trainer, rows):
        time.sleep(2)
        return np.eye(5)[np.random.default_rng().integers(0, 5, len(rows))], np.array(rows["label"])

    exam.predict_in_order = answer
    exam._fingerprint = lambda model: str(multiprocessing.current_process().pid)
    return opened(folder, type("NoTrainer", (), {"model": None}))


def test_two_kernels_at_once_open_it_once(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(_open_in_a_process, [tmp_path, tmp_path], chunksize=1)
    assert first == second and len(list(tmp_path.glob("*"))) == 1


def test_nothing_is_raised_and_nothing_is_written_when_it_cannot_take_place(tmp_path, trainer, capsys):
    """*Run All* must reach the end of the notebook."""
    missing = dataclasses.replace(PROFILE, model="nobody/nothing")
    assert opened(tmp_path / "a", trainer, profile=missing) is None
    assert "stays closed" in capsys.readouterr().out and not (tmp_path / "a").exists()
    (tmp_path / "file").touch()
    assert opened(tmp_path / "file", trainer) is None, "the folder cannot be made"
    assert "stays closed" in capsys.readouterr().out


def test_a_damaged_record_counts_as_opened(tmp_path, trainer, capsys):
    """Otherwise, whoever damages it has another try."""
    opened(tmp_path, trainer)
    (file,) = tmp_path.glob("*.json")
    file.write_text("{", encoding="utf-8")
    assert opened(tmp_path, trainer) is None
    assert "was opened, but its record" in capsys.readouterr().out


def test_after_a_reset_the_record_says_that_it_is_no_first_look(tmp_path, trainer, capsys):
    opened(tmp_path, trainer)
    reset_exam(tmp_path)
    assert "1 exam record put aside" in capsys.readouterr().out
    again = opened(tmp_path, trainer)
    assert again["times_opened_before"] == 1 and "no first look" in capsys.readouterr().out
    reset_exam(tmp_path)
    assert opened(tmp_path, trainer)["times_opened_before"] == 2


def test_a_stub_is_no_guess(tmp_path, trainer, capsys):
    assert opened(tmp_path, trainer, guess=...)["guess"] is None
    assert "You said" not in capsys.readouterr().out


def test_the_fingerprint_sees_any_weight(trainer):
    before = exam._fingerprint(trainer.model)
    weight = trainer.model.classifier.bias.data
    weight[0] += 1e-3
    assert exam._fingerprint(trainer.model) != before
    weight[0] -= 1e-3


def test_a_second_model_on_the_same_test_rows_is_noticed(tmp_path, capsys):
    """Running a cell again must not count; looking, changing the model and looking again must."""
    torch.manual_seed(1)
    first, second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    assert [note_look(model, ["a", "b"], tmp_path) for model in (first, first, second, first)] == [1, 1, 2, 2]
    assert note_look(second, ["a", "c"], tmp_path) == 1, "other rows know nothing of it"


def test_a_reset_of_one_record_leaves_the_others(tmp_path, capsys):
    """Who may look at notebook 6's rows again must not get a second try at notebook 5's exam."""
    first, second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    (tmp_path / "exam-reviews-0123.json").write_text("{}", encoding="utf-8")
    for texts in (["a", "b"], ["a", "c"]):
        note_look(first, texts, tmp_path)
    reset_looks(["a", "b"], tmp_path)
    assert [note_look(second, texts, tmp_path) for texts in (["a", "b"], ["a", "c"])] == [1, 2]
    assert (tmp_path / "exam-reviews-0123.json").exists()
    reset_exam(tmp_path)
    assert not (tmp_path / "exam-reviews-0123.json").exists()
    assert note_look(second, ["a", "c"], tmp_path) == 2, "an exam's reset leaves the notes of looks"
    capsys.readouterr()
    reset_looks(["never", "seen"], tmp_path)
    assert "Nobody has looked" in capsys.readouterr().out
