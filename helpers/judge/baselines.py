"""Simple methods to compare a fine-tuned model with."""

from __future__ import annotations

from collections.abc import Sequence


def tfidf_baseline(
    train_texts: Sequence[str],
    train_labels: Sequence[int],
    validation_texts: Sequence[str],
    validation_labels: Sequence[int],
    cs: Sequence[float] = (0.3, 1, 3, 10, 30),
):
    """Fit TF-IDF over words and pairs of words with logistic regression; return a scikit-learn `Pipeline`.

    It takes the C of `cs`, the inverse strength of the regularization, that is right most often on the
    validation rows; of several equally good ones, the smallest. From 200 training rows on, words that occur
    in only one of them are left out.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from threadpoolctl import threadpool_limits  # scikit-learn brings it

    # Count the words once, for all values of C
    rare = 2 if len(train_texts) >= 200 else 1
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=rare, sublinear_tf=True)
    counted = words.fit_transform(train_texts)
    judged = words.transform(validation_texts)

    # The products are so small that a second thread costs more than it brings
    with threadpool_limits(limits=1):
        fits = [LogisticRegression(C=c, max_iter=1_000).fit(counted, train_labels) for c in sorted(cs)]

    # `max` returns the first of several equal ones
    return make_pipeline(words, max(fits, key=lambda fit: fit.score(judged, validation_labels)))
