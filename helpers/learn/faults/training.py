"""Train a classifier with one of six faults really inside, and collect the evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from helpers.judge.metrics import probabilities, standard_error
from helpers.language import N_, _
from helpers.train.movement import weights_moved
from helpers.train.runs import NonFiniteLossError, Run

FAULTS = {
    "labels": N_("shuffled labels"),
    "tokenizer": N_("another model's tokenizer"),
    "zero_grad": N_("no zero_grad"),
    "rate": N_("100 times the learning rate"),
    "leak": N_("validation rows among the training rows"),
    "frozen": N_("a frozen body"),
}
EXPLAINED = {
    "labels": N_("each text has the label of another one"),
    "tokenizer": N_("its ids stand for other words than in the model"),
    "zero_grad": N_("the gradients of earlier steps are added up"),
    "rate": N_("each step is far too long"),
    "leak": N_("the model trains on rows that it is judged by"),
    "frozen": N_("only the classifier on top learns"),
}
_SHOWN = 5  # rows that a learner may read as the model sees them


@dataclass(frozen=True)
class Rows:
    """Texts and the number of the class of each."""

    texts: Sequence[str]
    labels: Sequence[int]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, part: slice) -> Rows:
        return Rows(self.texts[part], self.labels[part])

    def __add__(self, other: Rows) -> Rows:
        return Rows([*self.texts, *other.texts], [*self.labels, *other.labels])


@dataclass(frozen=True)
class Recipe:
    """What a short training needs: the model, the rows, and the settings.

    `new_model(seed)` returns a fresh classifier. The model trains on the `training` rows. The `judged` rows
    are the validation rows, and nothing uses the `unused` ones. Texts are cut at `max_length` tokens.
    """

    new_model: Callable
    tokenizer: object
    learning_rate: float
    training: Rows
    judged: Rows
    unused: Rows
    label_names: Sequence[str]
    device: str = "cpu"
    epochs: int = 8
    batch_size: int = 16
    max_length: int = 64

    @classmethod
    def of(cls, new_model, reviews, tokenizer, learning_rate: float, *, rows=256, judged=200, **settings):
        """Take at most `rows` rows of the split "train", and two times `judged` rows of "validation".

        They are the first rows, with as many of each class as there are: where one class is far larger than
        the others, guessing would look like knowledge. `reviews` maps the names of splits to datasets with
        the columns "text" and "label". The split "test" stays closed. Raises ValueError if there is no
        training row, or fewer than two validation rows.
        """
        train, validation = reviews["train"], reviews["validation"]
        count = min(judged, len(validation) // 2)
        if count < 1 or not len(train):
            raise ValueError(
                _(
                    "A training with a fault needs at least one training row and two validation rows, got "
                    "{training} and {validation}. Take more rows."
                ).format(training=len(train), validation=len(validation))
            )
        chosen = _classes_in_turn(validation, 2 * count)
        return cls(
            new_model,
            tokenizer,
            learning_rate,
            training=_rows(train, _classes_in_turn(train, rows)),
            judged=_rows(validation, chosen[0::2]),
            unused=_rows(validation, chosen[1::2]),
            label_names=train.features["label"].names,
            **settings,
        )

    @property
    def steps(self) -> int:
        """The number of steps of a training."""
        return self.epochs * math.ceil(len(self.training) / self.batch_size)


@dataclass(frozen=True)
class Evidence:
    """What a training leaves behind: all that a learner may look at.

    `logits`, shape (rows, classes), are the answers for the validation rows, and `labels`, shape (rows,),
    their classes. `accuracies` are those of the trained model on three kinds of rows: "judged", "unused", and
    "training", with the labels that these had in the training. `words_back` is the share of the words of the
    training texts that come back when the model's own tokenizer turns the ids into text again. `seen` holds
    some training rows: the text that the learner knows, the text of the ids, and the name of the label.
    `run.moved` says how far each part of the model moved.
    """

    run: Run
    logits: np.ndarray
    labels: np.ndarray
    accuracies: Mapping[str, float]
    words_back: float
    seen: Sequence[tuple[str, str, str]]

    @property
    def shares(self) -> np.ndarray:
        """The share of each class among the answers for the validation rows, shape (classes,)."""
        return np.bincount(self.logits.argmax(axis=1), minlength=self.logits.shape[1]) / len(self.logits)

    @property
    def commonest(self) -> float:
        """The accuracy of a model that always gives the commonest class of the validation rows."""
        return float(np.bincount(self.labels).max() / len(self.labels))

    @property
    def guessing(self) -> float:
        """The highest accuracy that guessing reaches by luck: `commonest` and two standard errors."""
        return self.commonest + 2 * standard_error(self.commonest, len(self.labels))

    @property
    def norms(self) -> np.ndarray:
        """The gradient norm of each step, shape (steps,)."""
        return np.array(self.run.series("grad_norm")[1])

    @property
    def norm_ends(self) -> tuple[float, float]:
        """The median of the gradient norm over the first four steps, and over the last fifth."""
        return float(np.median(self.norms[:4])), float(np.median(self.norms[-max(1, len(self.norms) // 5) :]))

    @property
    def norm_jump(self) -> float:
        """How much the gradient norm changes from one step to the next: the median of the second half."""
        second = self.norms[len(self.norms) // 2 :]
        return float(np.median(np.abs(np.diff(second)) / second[:-1])) if len(second) > 1 else math.nan

    @property
    def body_moved(self) -> float:
        """The largest relative change of a part of the body; NaN if its weights are no longer numbers."""
        body = [change for part, change in self.run.moved.items() if part != "head"]
        return float(np.max(body, initial=0.0))


def train(recipe: Recipe, fault: str | None, seed: int, run: Run) -> Evidence | None:
    """Train by `recipe` with the fault of this name (a key of `FAULTS`), or without one (None).

    It records each step in `run`, and an evaluation after each epoch. It returns None if somebody asked the
    run to stop. Nothing but `seed` is random, on a CPU. Raises ValueError for an unknown fault.
    """
    if fault is not None and fault not in FAULTS:
        raise ValueError(
            _("There is no fault {fault!r}. Choose one of: {faults}.").format(
                fault=fault, faults=", ".join(FAULTS)
            )
        )
    from transformers import DataCollatorWithPadding

    # The data
    random = np.random.default_rng(seed)
    rows = _training_rows(recipe, fault, random)
    tokenizer = _other_tokenizer(recipe) if fault == "tokenizer" else recipe.tokenizer
    encoded = [_encoded(recipe, tokenizer, part) for part in (rows, recipe.judged, recipe.unused)]
    collator = DataCollatorWithPadding(tokenizer)

    # The model
    model = recipe.new_model(seed).to(recipe.device).train()
    if fault == "frozen":
        model.base_model.requires_grad_(False)
    before = {name: weights.detach().to("cpu", copy=True) for name, weights in model.named_parameters()}

    # Train
    with _tiny_numbers_as_zero():
        for logits in _epochs(recipe, fault, model, encoded, collator, random, run):
            loss, accuracy = _judged(logits, recipe.judged.labels)
            run.log_evaluation(run.step, loss, accuracy=accuracy)
    if run.stop_requested:
        return None

    # What the trained model answers, how far it moved, and what it was given
    run.moved = weights_moved(before, model)
    answers = [_logits(model, part, collator, recipe.device) for part in encoded]
    accuracies = [
        _judged(logits, part.labels)[1] for logits, part in zip(answers, (rows, recipe.judged, recipe.unused))
    ]
    return Evidence(
        run=run,
        logits=answers[1],
        labels=np.array(recipe.judged.labels),
        accuracies=dict(zip(("training", "judged", "unused"), accuracies)),
        words_back=_words_back(recipe, rows, encoded[0]),
        seen=[
            (
                text,
                recipe.tokenizer.decode(row["input_ids"], skip_special_tokens=True),
                str(recipe.label_names[row["labels"]]),
            )
            for text, row in zip(rows.texts[:_SHOWN], encoded[0])
        ],
    )


@contextmanager
def _tiny_numbers_as_zero() -> Iterator[None]:
    """Let the processor take numbers below 1e-38 for zero, in this thread.

    It computes with them slowly. A rate that is far too high makes so many of them that each step would take
    twice as long, and the time alone would give the fault away.
    """
    import torch

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _epochs(recipe, fault, model, encoded, collator, random, run) -> Iterator[np.ndarray]:
    """Train, and yield after each epoch the logits for the rows that are judged, shape (rows, classes)."""
    import torch
    from transformers import get_scheduler

    # The optimizer and its rate
    rate = recipe.learning_rate * (100 if fault == "rate" else 1)
    learning = [weights for weights in model.parameters() if weights.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=rate, weight_decay=0.0)
    schedule = get_scheduler("linear", optimizer, 0, recipe.steps)

    # The loop
    for epoch in range(recipe.epochs):
        order = random.permutation(len(encoded[0]))
        shuffled = [encoded[0][place] for place in order]
        for batch in _batches(shuffled, recipe.batch_size, collator, recipe.device):
            loss = model(**batch).loss
            loss.backward()
            # Without a limit it shortens nothing, and only returns the norm
            norm = torch.nn.utils.clip_grad_norm_(learning, math.inf)
            optimizer.step()
            schedule.step()
            if fault != "zero_grad":
                optimizer.zero_grad()
            try:
                run.log(run.step + 1, loss.item(), grad_norm=norm.item())
            except NonFiniteLossError:  # the evidence shows it; every further step would be wasted
                return
            if run.stop_requested:
                return
        yield _logits(model, encoded[1], collator, recipe.device)


def _classes_in_turn(dataset, count: int) -> list[int]:
    """Return the places of the first `count` rows, if each class gives a row before one gives another."""
    given: dict[int, int] = {}
    turns = []
    for label in dataset["label"]:
        turns.append(given.get(label, 0))
        given[label] = turns[-1] + 1
    return np.argsort(turns, kind="stable")[:count].tolist()


def _rows(dataset, places: Sequence[int]) -> Rows:
    part = dataset.select(places)
    return Rows(list(part["text"]), list(part["label"]))


def _training_rows(recipe: Recipe, fault: str | None, random: np.random.Generator) -> Rows:
    """Return the rows to train on. A fault may put the rows that are judged among them, or shuffle labels."""
    rows = recipe.training
    if fault == "leak":
        return recipe.judged + rows[: max(0, len(rows) - len(recipe.judged))]
    if fault == "labels":
        return replace(rows, labels=random.permutation(rows.labels).tolist())
    return rows


def _other_tokenizer(recipe: Recipe):
    """Train a WordPiece tokenizer on the training texts, whose ids are all in the model's vocabulary.

    A tokenizer of another model would have to be downloaded. What counts is the same: an id stands for
    something else than in the model.
    """
    from tokenizers import BertWordPieceTokenizer
    from transformers import PreTrainedTokenizerFast

    # Letters with marks stay as they are: Korean syllables would fall apart otherwise
    words = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    words.train_from_iterator(
        recipe.training.texts, vocab_size=len(recipe.tokenizer), min_frequency=1, show_progress=False
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=words._tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=recipe.tokenizer.model_input_names,
    )


def _encoded(recipe: Recipe, tokenizer, rows: Rows) -> list[dict]:
    """Return for each row a dict of the token ids and the label, as a collator takes them."""
    ids = tokenizer(list(rows.texts), truncation=True, max_length=recipe.max_length)
    return [
        {name: values[place] for name, values in ids.items()} | {"labels": label}
        for place, label in enumerate(rows.labels)
    ]


def _batches(rows: Sequence[dict], size: int, collator, device: str) -> Iterator[dict]:
    for start in range(0, len(rows), size):
        batch = collator(rows[start : start + size])
        yield {name: tensor.to(device) for name, tensor in batch.items()}


def _logits(model, rows: Sequence[dict], collator, device: str) -> np.ndarray:
    """Return what the model answers without dropout, shape (rows, classes). NaN and infinity become 0."""
    import torch

    model.eval()
    with torch.no_grad():
        parts = [model(**batch).logits.float().cpu() for batch in _batches(rows, 64, collator, device)]
    model.train()
    return np.nan_to_num(torch.cat(parts).numpy(), posinf=0.0, neginf=0.0)


def _judged(logits: np.ndarray, labels: Sequence[int]) -> tuple[float, float]:
    """Return the mean loss and the accuracy."""
    labels = np.array(labels)
    chances = probabilities(logits)[range(len(labels)), labels]
    return float(-np.log(np.maximum(chances, 1e-12)).mean()), float((logits.argmax(axis=1) == labels).mean())


def _words_back(recipe: Recipe, rows: Rows, encoded: Sequence[dict]) -> float:
    """Return which share of the texts' words comes back when the model's own tokenizer reads the ids."""
    own = _encoded(recipe, recipe.tokenizer, rows)
    pairs = [
        [set(recipe.tokenizer.decode(row["input_ids"], skip_special_tokens=True).split()) for row in pair]
        for pair in zip(own, encoded)
    ]
    words = sum(len(there) for there, back in pairs)
    return sum(len(there & back) for there, back in pairs) / max(words, 1)
