"""A classifier that trains in no time, for the tests of what surrounds a training."""

import math

import torch
from transformers import Trainer, TrainingArguments

from helpers.train.recording import RunCallback


class TinyClassifier(torch.nn.Module):
    """Learns from `x`. After `broken_from` batches its loss is NaN. Calls `hook` after each batch."""

    def __init__(self, broken_from=math.inf, hook=None):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)
        self.broken_from = broken_from
        self.hook = hook
        self.seen = 0

    def forward(self, x, labels=None):
        logits = self.layer(x)
        self.seen += self.training
        loss = torch.nn.functional.cross_entropy(logits, labels)
        if self.training and self.seen > self.broken_from:
            loss = loss * math.nan
        if self.hook and self.training:
            self.hook(self.seen)
        return {"loss": loss, "logits": logits}


ROWS = [{"x": torch.eye(4)[i % 4], "labels": torch.tensor(i % 3)} for i in range(24)]


def trainer_for(model, run, tmp_path, **arguments):
    settings = {
        "num_train_epochs": 2,
        "per_device_train_batch_size": 4,
        "learning_rate": 0.1,
        "logging_steps": 1,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": True,
        "logging_nan_inf_filter": False,
    }
    args = TrainingArguments(output_dir=str(tmp_path), **(settings | arguments))
    return Trainer(
        model=model, args=args, train_dataset=ROWS, eval_dataset=ROWS, callbacks=[RunCallback(run)]
    )
