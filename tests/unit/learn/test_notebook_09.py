"""Protects a learner of notebook 9 from a check that is wrong about an answer."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from exercising import Exercising
from notebook_files import ROOT, code_cells

from helpers.learn.notebook_09 import FORGOTTEN


def notebook(epochs=3, batches=13, rows=100):
    """Return the names of notebook 9. The last of its batches of eight is smaller."""
    return {
        "profile": SimpleNamespace(num_train_epochs=epochs),
        "train_loader": range(batches),
        "train_rows": range(rows),
        "batch_size": 8,
    }


def without_tensors(logits, labels):
    shares = [row[label] / sum(row) for row, label in zip(logits.tolist(), labels.tolist())]
    return -np.mean([np.log(min(max(share, 1e-7), 1 - 1e-7)) for share in shares])


def with_gather(logits, labels):
    shares = (logits / logits.sum(1, keepdim=True)).clamp(1e-7, 1 - 1e-7)
    return torch.nn.functional.nll_loss(shares.log(), labels)


def in_numpy(logits, labels):
    shares = np.clip(logits.numpy() / logits.numpy().sum(axis=1, keepdims=True), 1e-7, 1 - 1e-7)
    return float(-np.log(shares[np.arange(len(labels)), labels]).mean())


def with_diff(means):
    return np.diff(np.arange(len(means) + 1) * np.array([0.0, *means]))


def with_a_loop(means):
    losses = []
    for mean in means:
        losses.append((len(losses) + 1) * mean - sum(losses))
    return losses


def in_pytorch(means):
    sums = torch.tensor(means) * torch.arange(1, len(means) + 1)
    return torch.cat([sums[:1], sums[1:] - sums[:-1]])


class TestNotebook9(Exercising):
    number = 9
    ways = {  # noqa: RUF012
        "forgotten_logits": [without_tensors, with_gather, in_numpy],
        "batch_losses": [with_diff, with_a_loop, in_pytorch],
    }

    def names(self):
        return notebook()

    def others(self):
        return notebook(epochs=2, batches=20, rows=160)


@pytest.mark.parametrize("seed", range(5))
def test_the_right_loss_is_what_keras_computes(seed):
    """The text says what Keras does with logits that nobody declared as such. Another version may do else."""
    keras = pytest.importorskip("keras")
    generator = torch.Generator().manual_seed(seed)
    logits, labels = torch.randn(40, 5, generator=generator), torch.randint(0, 5, (40,), generator=generator)
    keras_loss = float(keras.losses.SparseCategoricalCrossentropy()(labels, logits))
    assert float(FORGOTTEN.right(logits, labels)) == pytest.approx(keras_loss, abs=1e-4) and keras_loss > 3


def test_a_keras_that_has_chosen_another_backend_asks_for_a_restart(monkeypatch):
    """On Colab, an earlier cell may have imported Keras with TensorFlow. The wrapper's error says nothing."""
    other = SimpleNamespace(backend=SimpleNamespace(backend=lambda: "tensorflow"))
    monkeypatch.setitem(sys.modules, "keras", other)
    for name in ("KERAS_BACKEND", "KERAS_TORCH_DEVICE"):
        monkeypatch.setenv(name, "")  # what the cell sets is undone afterwards
    cells = {cell.id: cell.source for cell in code_cells(ROOT / "notebooks" / "09_keras.ipynb")}
    with pytest.raises(AssertionError, match=r"already computes with tensorflow\. Restart the kernel"):
        exec(cells["keras"], {"machine": SimpleNamespace(device="cpu"), "sys": sys})
