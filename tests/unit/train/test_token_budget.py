"""Protects a training from batches that lose texts, outgrow the memory, or differ after a resume."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import TrainingArguments
from transformers.trainer_callback import PrinterCallback

from helpers.train import StopAfter
from helpers.train.token_budget import TokenBatches, TokenBudgetTrainer

LENGTHS = np.random.default_rng(1).integers(5, 513, 400)


def test_every_text_comes_once_and_no_batch_outgrows_the_budget():
    """A lost text is never learned from. A batch above the budget is what runs out of memory, even if the
    collator pads to a multiple of 8.
    """
    batches = list(TokenBatches(LENGTHS, 1_200))
    assert sorted(row for batch in batches for row in batch) == list(range(400))
    padded = [len(batch) * (-(-LENGTHS[batch].max() // 8) * 8) for batch in batches]
    assert max(padded) <= 1_200
    assert sum(padded) < 1.1 * LENGTHS.sum(), "texts of similar length belong together"


@pytest.mark.parametrize("lengths", [[5], [512] * 7, list(range(1, 60))])
def test_few_texts_and_texts_of_one_length_make_full_batches(lengths):
    """The first and the last batch are where an index is off by one."""
    batches = list(TokenBatches(lengths, 1_024))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    if lengths[0] == 512:
        assert sorted(map(len, batches)) == [1, 2, 2, 2]


def test_epochs_differ_but_have_as_many_batches():
    """Equal batches in every epoch are remembered as such. Another number of them breaks the schedule."""
    batches = TokenBatches(LENGTHS, 1_200)
    epochs = []
    for epoch in range(5):
        batches.set_epoch(epoch)
        epochs.append([sorted(batch) for batch in batches])
        assert len(epochs[-1]) == len(batches)
    together = [set(map(tuple, epoch)) for epoch in epochs]
    assert len(together[0] & together[1]) < len(batches) / 5


def test_the_seed_and_the_epoch_alone_decide():
    batches = TokenBatches(LENGTHS, 1_200, seed=7)
    batches.set_epoch(3)
    again = TokenBatches(LENGTHS, 1_200, seed=7)
    list(again)
    again.set_epoch(3)
    assert list(batches) == list(again) != list(TokenBatches(LENGTHS, 1_200, seed=8))


def test_a_text_above_the_budget_and_no_text_are_refused():
    """The batch of a single long text is the one that runs out of memory, after an hour."""
    with pytest.raises(
        ValueError, match=r"511 tokens, 512 with padding.*only 500\. Choose tokens=512 or more"
    ):
        TokenBatches([20, 511], 500)
    with pytest.raises(ValueError, match="at least one text, got none"):
        TokenBatches([], 500)


class Remembers(torch.nn.Module):
    """A classifier that notes the texts of each batch."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 2)
        self.seen = []

    def forward(self, input_ids, labels):
        self.seen.append(sorted(input_ids[:, 0].tolist()))
        logits = self.layer(input_ids[:, :1].float() / 100)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def padded(rows):
    """Collate `rows`. The first token of a text is its number."""
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row["input_ids"]) for row in rows], True)
    return {"input_ids": ids, "labels": torch.tensor([row["labels"] for row in rows])}


def trainer_for(folder, model, **arguments):
    rows = Dataset.from_dict(
        {
            "input_ids": [[row] * length for row, length in enumerate(LENGTHS[:40].tolist())],
            "labels": [row % 2 for row in range(40)],
            "text": ["not for the model"] * 40,
        }
    )
    args = TrainingArguments(
        str(folder),
        num_train_epochs=2,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        seed=3,
        dataloader_pin_memory=False,
        **arguments,
    )
    trainer = TokenBudgetTrainer(
        model=model, args=args, train_dataset=rows, data_collator=padded, tokens_per_batch=1_200
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def test_trainer_draws_new_batches_for_each_epoch_and_plans_the_right_number(tmp_path):
    """If `set_epoch` does not reach the batches, the second epoch repeats the first."""
    model = Remembers()
    trainer = trainer_for(tmp_path, model, save_strategy="no")
    trainer.train()
    expected = TokenBatches(LENGTHS[:40], 1_200, seed=3)
    first = [sorted(batch) for batch in expected]
    expected.set_epoch(1)
    assert model.seen == first + [sorted(batch) for batch in expected]
    assert trainer.state.max_steps == len(model.seen) == 2 * len(expected)


def test_a_resumed_training_goes_on_with_the_batches_that_are_left(tmp_path):
    """Accelerate wraps the batches when it skips some. Then the epoch has to reach them all the same, or
    some texts come twice and others never.
    """
    whole = Remembers()
    trainer = trainer_for(tmp_path / "whole", whole, save_strategy="no")
    trainer.train()
    stop = len(trainer.token_batches) + 3

    broken = trainer_for(tmp_path / "broken", Remembers(), save_steps=stop)
    broken.add_callback(StopAfter(stop, say=False))
    broken.train()
    rest = Remembers()
    resumed = trainer_for(tmp_path / "broken", rest, save_steps=stop)
    resumed.train(resume_from_checkpoint=True)
    assert rest.seen == whole.seen[stop:]


def test_several_processes_are_refused(tmp_path, monkeypatch):
    """Each process would see all texts, or Accelerate would stop with a sentence about `even_batches`."""
    monkeypatch.setattr(TrainingArguments, "world_size", 2)
    with pytest.raises(ValueError, match="in one process, and 2 run"):
        trainer_for(tmp_path, Remembers())
