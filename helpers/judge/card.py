"""Fill in a model card from what was done: data, split, settings, results with their uncertainty, limits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from helpers.data import OwnData
from helpers.judge.metrics import accuracy_interval, is_unbalanced, macro_f1
from helpers.language import N_, _

_CARD = N_("""---
{metadata}
---

# {title}

A text classifier with {classes} classes: {names}. It was fine-tuned from `{model}`.

## Data

{sizes}

{notes}

The shares of the classes in the training rows: {shares}.

## Training

{settings}

## Results

Judged on {rows:,} test rows, on which nothing was chosen.

| | value | 95 % interval |
|---|---:|---|
{results}

## Limits

{limits}
""")
# What follows here in a note of `own_data` stays out: an example, or advice. Each language has its own words.
_NOT_FOR_A_CARD = N_(r", for example |, such as | \(data row | Think before ")


def model_card(
    title: str,
    *,
    model: str,
    data: OwnData,
    settings: Mapping[str, object],
    logits,
    baseline,
    limits: Sequence[str],
    language: str | None = None,
):
    """Return a `huggingface_hub.ModelCard` without a gap.

    `logits`, shape (rows, classes), are the model's answers to the rows of "test", and `baseline`, shape
    (rows,), those of TF-IDF with logistic regression. `limits` are sentences of your own: what it must not be
    used for. What stands in the texts themselves does not come into the card. Raises ValueError if there are
    no limits, or if the answers do not belong to these rows.
    """
    from huggingface_hub import ModelCard, ModelCardData

    dataset, label_names = data.dataset, data.label_names
    labels = dataset["test"]["label"][:]
    if not limits:
        raise ValueError(_("Expected at least one limit: a card that knows of none is not believed."))
    if len(logits) != len(labels):
        text = _("Expected an answer for each of the {rows} test rows, got {answers}.")
        raise ValueError(text.format(rows=len(labels), answers=len(logits)))
    labels = np.array(labels)
    answers = logits.argmax(axis=-1)
    results = [_share(_("accuracy"), answers == labels)]
    if is_unbalanced(labels):
        text = _("| macro-F1 | {f1:.3f} | not computed |")
        results.append(text.format(f1=macro_f1(logits, labels)))
        for number, name in enumerate(label_names):
            if (labels == number).any():
                recall = _("recall of {name}").format(name=name)
                results.append(_share(recall, answers[labels == number] == number))
    results.append(_share(_("TF-IDF + logistic regression"), np.asarray(baseline) == labels))
    counts = Counter(dataset["train"]["label"][:])
    results.append(_share(_("always the commonest answer"), labels == counts.most_common(1)[0][0]))

    on_hub = re.fullmatch(r"[\w.-]+/[\w.-]+", model)
    metadata = ModelCardData(
        language=language,
        pipeline_tag="text-classification",
        library_name="transformers",
        base_model=model if on_hub else None,
    )
    return ModelCard(
        _(_CARD).format(
            metadata=metadata.to_yaml(),
            title=title,
            classes=len(label_names),
            names=", ".join(label_names),
            model=model if on_hub else Path(model).name,  # no folder of this machine
            sizes=_("{sizes} rows.").format(
                sizes=", ".join(
                    _("{n:,} {split}").format(n=len(rows), split=split) for split, rows in dataset.items()
                )
            ),
            notes="\n".join(f"- {_without_texts(note)}" for note in data.notes),
            shares=", ".join(
                f"{name} {counts[number] / len(dataset['train']):.0%}"
                for number, name in enumerate(label_names)
            ),
            settings="\n".join(f"- {name}: {value}" for name, value in settings.items()),
            rows=len(labels),
            results="\n".join(results),
            limits="\n".join(f"- {limit}" for limit in limits),
        )
    )


def _share(name: str, right) -> str:
    """Write a row of the table: the share of right answers, its interval, and the number of rows."""
    low, high = accuracy_interval(right)
    interval = _("{low:.3f} to {high:.3f} ({n} rows)").format(low=low, high=high, n=len(right))
    return f"| {name} | {right.mean():.3f} | {interval} |"


def _without_texts(note: str) -> str:
    """Return a note without its example, which may be somebody's words, and without advice to its writer."""
    # A note without a translation is English in any language
    ends = f"{_(_NOT_FOR_A_CARD)}|{_NOT_FOR_A_CARD}"
    return re.split(ends, note)[0].rstrip(".") + "."
