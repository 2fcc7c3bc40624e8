"""Evidence with the numbers that each fault typically leaves, without a training."""

import numpy as np

from helpers.learn.faults import Evidence
from helpers.train.runs import Run

LABELS = np.arange(200) % 5
TYPICAL = {
    None: {},
    "labels": {"judged": 0.2, "training": 0.8, "unused": 0.2},
    "tokenizer": {"words_back": 0.05, "judged": 0.24, "unused": 0.22},
    "zero_grad": {"norms": np.linspace(2, 200, 100), "judged": 0.28, "training": 0.45, "unused": 0.25},
    "rate": {"body": 1.6, "judged": 0.2, "training": 0.2, "unused": 0.2},
    "leak": {"judged": 0.9, "training": 0.9},
    "frozen": {"body": 0.0, "judged": 0.33, "training": 0.4, "unused": 0.3},
}


def made_up(
    fault=None, *, judged=0.41, training=0.86, unused=0.40, words_back=1.0, body=0.06, norms=None, run=None
):
    """Return evidence of a healthy training, changed as told."""
    run = run or Run(fault or "healthy")
    jumping = np.where(np.arange(100) % 2, 2.0, 3.0)
    for step, norm in enumerate(jumping if norms is None else norms, 1):
        run.log(step, 1.6 - step / 200, grad_norm=float(norm))
    run.log_evaluation(100, 1.4, accuracy=judged)
    run.moved = {"embeddings": body / 2, "layer 1": body, "head": 0.5}

    # As many right answers as `judged` says; each wrong one is the next class
    right = np.arange(200) < round(judged * 200)
    return Evidence(
        run=run,
        logits=np.eye(5)[np.where(right, LABELS, (LABELS + 1) % 5)],
        labels=LABELS,
        accuracies={"judged": judged, "training": training, "unused": unused},
        words_back=words_back,
        seen=[("<b>good</b> food", "<b>good</b> food" if words_back > 0.5 else "##x y", "4 stars")] * 3,
    )


def typical(fault, run=None):
    """Return evidence as this fault typically leaves it."""
    return made_up(fault, run=run, **TYPICAL[fault])
