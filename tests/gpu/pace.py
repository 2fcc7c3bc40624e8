"""How fast a model of BERT-base's shape trains on texts as long as Yelp's: one pass, or a part of it.

    python tests/gpu/pace.py [--texts 650000] [--tokens 32768] [--compile] [--tiny]

The weights and the texts are random: speed does not depend on them. The recipe is notebook 7's last rung. A
learner turns it on by one line, `TokenBudgetTrainer(tokens_per_batch=…, …)` in place of `Trainer(…)`, with a
model without dropout. The rest is `Trainer`'s: data loader, optimizer, clipping and logging. `--compile` adds
`torch_compile=True`. `--tiny` is for a machine without a GPU. Prints the minutes, the texts a second, the
share of the device's peak in bf16, and the memory.

A batch of 32,768 tokens has about 200 texts. That fills the GPU; what it does to the accuracy is not measured
here. `recipe_accuracy.py` compares recipes whose batches have 8 texts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    DataCollatorWithPadding,
    TrainerCallback,
    TrainingArguments,
    logging,
)
from transformers.trainer_callback import PrinterCallback

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

from speed_ladder import flops_per_review, peak
from yelp import ALL_OF_YELP, yelp_lengths

from helpers.machine import Machine, detect_machine
from helpers.profiles import PROFILES
from helpers.train.token_budget import TokenBudgetTrainer

TOKENS = 32_768
WARM_UP_STEPS = 10  # PyTorch asks for memory and chooses kernels
NOMINAL_PEAK = 989e12  # of an H100 or H200 in bf16, as NVIDIA says; a product of matrices reaches 0.8 of it
SHAPE = {"num_hidden_layers": 12, "hidden_size": 768, "num_attention_heads": 12, "vocab_size": 28_996}
TINY = {"num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 1, "vocab_size": 1_000}


def random_texts(lengths: np.ndarray, vocabulary: int, seed: int = 0) -> Dataset:
    """Return texts of these lengths as a dataset with the columns `input_ids`, `length` and `labels`."""
    random = np.random.default_rng(seed)
    ids = pa.array(random.integers(5, vocabulary, int(lengths.sum()), dtype=np.int32))
    starts = pa.array(np.concatenate([[0], lengths.cumsum()]).astype(np.int64))
    table = {
        "input_ids": pa.LargeListArray.from_arrays(starts, ids),
        "length": pa.array(lengths),
        "labels": pa.array(random.integers(0, 5, len(lengths))),
    }
    return Dataset(pa.table(table))


@dataclass(frozen=True)
class Pace:
    """What a training took. `texts` and `seconds` are without the first steps, which are slower."""

    texts: int
    seconds: float
    whole_seconds: float
    real_flops: float  # a second, on the texts' own tokens
    peak: float  # FLOP a second, of a large product of matrices in the same precision
    memory_gb: float
    padding: float  # the share of the computed tokens

    @property
    def texts_per_second(self) -> float:
        return self.texts / self.seconds

    def __str__(self) -> str:
        minutes = ALL_OF_YELP / self.texts_per_second / 60
        return (
            f"{self.texts_per_second:,.0f} texts a second, {self.whole_seconds:.0f} s in all;"
            f" {ALL_OF_YELP:,} texts at this pace: {minutes:.1f} minutes\n"
            f"{self.real_flops / 1e12:.3g} TFLOP/s on real tokens: {self.real_flops / self.peak:.2f} of a"
            f" large product's {self.peak / 1e12:.3g}, {self.real_flops / NOMINAL_PEAK:.2f} of an H100's"
            f" nominal {NOMINAL_PEAK / 1e12:.0f}; {self.memory_gb:.1f} GiB; padding {self.padding:.1%}"
        )


class Stopwatch(TrainerCallback):
    """Notes when the first steps are done, and when the training is."""

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.first_steps(state.max_steps):
            self.began = self.now()

    def on_train_end(self, args, state, control, **kwargs):
        self.ended = self.now()

    @staticmethod
    def first_steps(steps: int) -> int:
        return min(WARM_UP_STEPS, steps // 2)

    @staticmethod
    def now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


def one_pass(
    machine: Machine, texts: int, tokens: int = TOKENS, *, tiny: bool = False, compiled: bool = False
) -> Pace:
    """Train for one epoch on random `texts`, in batches of at most `tokens` tokens, and measure the pace."""
    # The texts and the model
    shape = TINY if tiny else SHAPE
    config = BertConfig(
        **shape,
        intermediate_size=4 * shape["hidden_size"],
        num_labels=5,
        attention_probs_dropout_prob=0.0,
        hidden_dropout_prob=0.0,
    )
    lengths = yelp_lengths(texts)
    stopwatch = Stopwatch()
    if machine.device == "cuda":
        torch.cuda.reset_peak_memory_stats()

    # The training
    with tempfile.TemporaryDirectory() as folder:
        trainer = TokenBudgetTrainer(
            tokens_per_batch=tokens,
            model=BertForSequenceClassification(config),
            args=arguments(machine, folder, compiled),
            train_dataset=random_texts(lengths, shape["vocab_size"]),
            data_collator=DataCollatorWithPadding(
                AutoTokenizer.from_pretrained(PROFILES["offline"].model), pad_to_multiple_of=8
            ),
            callbacks=[stopwatch],
        )
        trainer.remove_callback(PrinterCallback)
        began = time.perf_counter()
        trainer.train()

    # What it took
    batches = list(trainer.token_batches)
    counted = np.concatenate(batches[stopwatch.first_steps(len(batches)) :])
    seconds = stopwatch.ended - stopwatch.began
    width = 64 if tiny else 8192  # of matrices that keep the whole device busy
    flops = flops_per_review(shape["num_hidden_layers"], shape["hidden_size"], lengths[counted])
    return Pace(
        texts=len(counted),
        seconds=seconds,
        whole_seconds=stopwatch.ended - began,
        real_flops=flops * len(counted) / seconds,
        peak=peak(width, machine.half_precision or torch.float32, machine.device),
        memory_gb=torch.cuda.max_memory_allocated() / 2**30 if machine.device == "cuda" else float("nan"),
        padding=1 - lengths.sum() / sum(len(rows) * (-(-lengths[rows].max() // 8) * 8) for rows in batches),
    )


def arguments(machine: Machine, folder: str, compiled: bool) -> TrainingArguments:
    """Return the arguments of notebook 2 that matter for speed, without evaluations and checkpoints."""
    gpu = machine.device == "cuda"
    return TrainingArguments(
        folder,
        num_train_epochs=1,
        bf16=machine.bf16,
        fp16=machine.fp16,
        use_cpu=not gpu,
        dataloader_pin_memory=gpu,
        dataloader_num_workers=min(4, machine.cores - 1) if gpu else 0,
        logging_steps=50,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        torch_compile=compiled,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=ALL_OF_YELP)
    parser.add_argument("--tokens", type=int, default=TOKENS, help="at most so many in a batch")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--tiny", action="store_true", help="a small model, for a machine without a GPU")
    options = parser.parse_args()
    machine = detect_machine()
    if machine.device != "cuda" and not options.tiny:
        sys.exit("PyTorch sees no NVIDIA GPU. Try the command with --tiny --texts 200 --tokens 2048.")
    logging.set_verbosity_error()
    print(f"{machine.device_name}, {machine.precision}, torch {torch.__version__}", flush=True)
    print(one_pass(machine, options.texts, options.tokens, tiny=options.tiny, compiled=options.compile))


if __name__ == "__main__":
    main()
