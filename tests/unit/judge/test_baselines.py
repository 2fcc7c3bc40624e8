"""Protects a learner from a baseline that is weaker than it need be."""

import numpy as np

from helpers.judge import tfidf_baseline


def test_c_is_the_best_of_those_given_on_the_validation_rows(splits):
    rows = splits["train"].shuffle(seed=1).select(range(500))
    train, validation = rows.select(range(300)), rows.select(range(300, 500))
    given = (train["text"], train["label"], validation["text"], validation["label"])
    alone = {c: tfidf_baseline(*given, cs=[c]).score(*given[2:]) for c in (0.01, 1, 30)}
    best = tfidf_baseline(*given, cs=[30, 0.01, 1])
    assert best.score(*given[2:]) == max(alone.values()) > min(alone.values())
    assert max(alone, key=alone.get) == best[-1].C


def test_a_dozen_texts_are_enough_to_count_words():
    """With few rows, nearly every word occurs once, and leaving those out would leave nothing."""
    texts = [f"word{number} {'good' if number % 2 else 'bad'}{number}" for number in range(12)]
    labels = np.arange(12) % 2
    assert set(tfidf_baseline(texts, labels, texts, labels).predict(texts)) <= {0, 1}
