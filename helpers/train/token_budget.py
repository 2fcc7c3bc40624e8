"""Make batches of about as many tokens each, so that every training step has as much to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from transformers import Trainer

from helpers.language import _


class TokenBatches(torch.utils.data.Sampler[list[int]]):
    """Draws batches of texts of similar length. No batch has more than `tokens` tokens, padding counted in.

    `lengths` holds the number of tokens of each text, shape (texts,). Iterating yields the row numbers of
    each batch, and every row comes once an epoch. A loop takes it as `DataLoader(rows,
    batch_sampler=batches)` and calls `batches.set_epoch(epoch)` before each epoch; without that call, every
    epoch has the same batches. The order depends on `seed` and the epoch alone, so a resumed training goes on
    with the batches that are left.

    Lengths are rounded up to a `multiple`, the widths that GPUs multiply fastest. The texts of one rounded
    length are shuffled, so the batches differ from epoch to epoch. Their number, `len(batches)`, stays the
    same: a learning rate schedule is planned with it. Raises ValueError for no texts, or a text above the
    budget.
    """

    def __init__(self, lengths: Sequence[int], tokens: int, *, seed: int = 42, multiple: int = 8):
        # Check the arguments
        widths = -(-np.asarray(lengths, dtype=np.int64) // multiple) * multiple
        if not len(widths):
            raise ValueError(
                _("Expected the length of at least one text, got none. Check the dataset's rows.")
            )
        if widths.max() > tokens:
            raise ValueError(
                _(
                    "The longest text has {longest} tokens, {padded} with padding to a multiple of "
                    "{multiple}, and a batch may have only {tokens}. Choose tokens={padded} or more."
                ).format(longest=max(lengths), padded=widths.max(), multiple=multiple, tokens=tokens)
            )

        self._widths = widths
        self._cuts = _cuts(np.sort(widths), tokens)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, from 0, whose batches come next."""
        self.epoch = epoch

    @property
    def sampler(self) -> TokenBatches:
        """Return itself: here Accelerate looks for `set_epoch` when it skips the batches of a checkpoint."""
        return self

    def __len__(self) -> int:
        return len(self._cuts) + 1

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng((self.seed, self.epoch))
        shuffled = random.permutation(len(self._widths))
        by_width = shuffled[np.argsort(self._widths[shuffled], kind="stable")]
        batches = np.split(by_width, self._cuts)
        for place in random.permutation(len(batches)):
            yield batches[place].tolist()


def _cuts(widths: np.ndarray, tokens: int) -> list[int]:
    """Return where each batch but the first begins, if texts of rising `widths` fill up one batch after the
    other.
    """
    cuts = []
    start = 0
    while True:
        most = widths[start : start + tokens // int(widths[start])]
        start += int((np.arange(1, len(most) + 1) * most <= tokens).sum())
        if start == len(widths):
            return cuts
        cuts.append(start)


class TokenBudgetTrainer(Trainer):
    """A `Trainer` whose training batches have at most `tokens_per_batch` tokens each, on one device.

    All else is as in `Trainer`, and so are its other arguments; only `per_device_train_batch_size` no longer
    counts. A step sees as many texts as with batches of 8 if you choose 8 times the mean length. The dataset
    needs a column `input_ids`, or `length` (`tokenizer(…, return_length=True)`), which is faster to read.
    Each batch counts the same, so a text in a batch of few long ones weighs more than one among many short
    ones. Raises ValueError as `TokenBatches` does, and if several processes train.
    """

    def __init__(self, *args, tokens_per_batch: int, **kwargs):
        super().__init__(*args, **kwargs)
        if self.args.world_size > 1:
            raise ValueError(
                _(
                    "TokenBudgetTrainer trains in one process, and {processes} run. Start one, or use "
                    "Trainer."
                ).format(processes=self.args.world_size)
            )
        self.token_batches = TokenBatches(_lengths(self.train_dataset), tokens_per_batch, seed=self.args.seed)

    def get_train_dataloader(self) -> torch.utils.data.DataLoader:
        """Return the batches, moved to the device as `Trainer` does it."""
        loader = torch.utils.data.DataLoader(
            self._remove_unused_columns(self.train_dataset, description="training"),
            batch_sampler=self.token_batches,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory,
            persistent_workers=self.args.dataloader_persistent_workers,
            prefetch_factor=self.args.dataloader_prefetch_factor,
        )
        return self.accelerator.prepare(loader)


def _lengths(dataset) -> list[int]:
    """Return the number of tokens of each row of a 🤗 dataset."""
    if "length" in dataset.column_names:
        return dataset["length"][:]
    return [len(ids) for ids in dataset["input_ids"]]
