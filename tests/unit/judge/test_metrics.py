"""Protects a learner from a wrong accuracy, standard error or confusion matrix."""

import numpy as np
import pytest
from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments

from helpers.judge.metrics import (
    accuracy_interval,
    confusion_matrix,
    is_unbalanced,
    macro_f1,
    predict_in_order,
    probabilities,
    slice_table,
    standard_error,
    within_one,
    worst_mistakes,
)
from helpers.profiles import PROFILES

LOGITS = np.array([[5.0, 0, 0], [0, 5, 0], [0, 4, 0], [9, 0, 0]])
LABELS = np.array([0, 1, 2, 2])


def test_probabilities_add_up_even_for_huge_logits():
    assert probabilities([[1e4, 0.0], [-1e4, 0.0]]).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_within_one_counts_neighbours():
    assert within_one(LOGITS, LABELS) == 0.75


def test_confusion_matrix_has_true_labels_in_rows_and_every_class():
    assert confusion_matrix(LOGITS, LABELS).tolist() == [[1, 0, 0], [0, 1, 0], [1, 1, 0]]
    assert confusion_matrix(LOGITS[:1], LABELS[:1]).shape == (3, 3)


def test_standard_error_of_a_thousand_reviews_is_a_point_and_a_half():
    assert standard_error(0.58, 1000) == pytest.approx(0.0156, abs=1e-4)
    with pytest.raises(ValueError, match="at least one row"):
        standard_error(0.5, 0)


def test_wilsons_interval_by_hand():
    """4 of 10: (0.4 + z²/20 ± z √(0.4 · 0.6 / 10 + z²/400)) / (1 + z²/10) with z = 1.96, Wilson 1927."""
    assert accuracy_interval([True] * 4 + [False] * 6) == pytest.approx((0.1682, 0.6873), abs=1e-4)


def test_an_interval_of_few_right_answers_is_no_point():
    """sqrt(p (1 - p) / n) would be 0 and promise certainty."""
    low, high = accuracy_interval([True] * 5)
    assert 0.5 < low < 0.6 and high == 1


def test_no_rows_have_no_accuracy():
    with pytest.raises(ValueError, match="at least one row"):
        accuracy_interval([])


def test_a_slice_is_compared_with_the_other_rows():
    """A few rows may be too few to tell. If all of them are wrong and the others are not, they tell."""
    right = np.array([True] * 300 + [False] * 100 + [False] * 12)
    number = np.arange(412)
    table = slice_table(
        right,
        {
            "good": number < 200,
            "bad": number >= 300,
            "mixed": number % 4 == 0,
            "tiny": np.isin(number, [0, 1, 400]),
            "few and wrong": number >= 400,
            "none": number > 999,
        },
    ).set_index("slice")
    assert table["finding"].to_dict() == {
        "good": "better than the others",
        "bad": "worse than the others",
        "mixed": "no difference found",
        "tiny": "too few rows to tell",
        "few and wrong": "worse than the others",
    }
    assert table.loc["bad", "rows"] == 112 and table.loc["bad", "accuracy"] == 0
    assert (table["low"] <= table["accuracy"]).all() and (table["accuracy"] <= table["high"]).all()


def test_worst_mistakes_come_furthest_first_then_surest_and_hold_no_correct_answer():
    """Sorted by sureness alone, the table would fill with near misses, which teach little."""
    logits = np.vstack([LOGITS, [[0, 9, 0], [3, 0, 0]]])
    table = worst_mistakes(list("abcdef"), logits, [*LABELS, 2, 2], ["bad", "fair", "good"])
    assert table["text"].tolist() == ["d", "f", "e", "c"]
    assert table["predicted"].tolist() == ["bad", "bad", "fair", "fair"] and (table["label"] == "good").all()
    assert table["probability"][1] == pytest.approx(np.exp(3) / (np.exp(3) + 2))


def test_worst_mistakes_take_a_column_that_wants_python_integers():
    """datasets 4.0, which Colab has, refuses numpy integers as row numbers."""

    class Column(list):
        def __getitem__(self, row):
            assert type(row) is int
            return super().__getitem__(row)

    assert len(worst_mistakes(Column("abcd"), LOGITS, LABELS, ["bad", "fair", "good"])) == 2


def test_a_diverged_model_is_not_scored():
    """The largest of five NaN is the first, so a dead model looks like one that always answers one star."""
    with pytest.raises(ValueError, match=r"diverged. Lower learning_rate"):
        within_one(LOGITS * np.nan, LABELS)


def test_nothing_wrong_gives_an_empty_table():
    assert len(worst_mistakes(["a"], LOGITS[:1], LABELS[:1], ["bad", "fair", "good"])) == 0


@pytest.mark.parametrize(
    ("logits", "labels"), [(LOGITS[:0], LABELS[:0]), (LOGITS, LABELS[:2]), (LOGITS[0], LABELS)]
)
def test_shapes_that_do_not_fit_are_named(logits, labels):
    """An evaluation set of zero rows gives accuracy NaN, and NaN for everything after it."""
    with pytest.raises(ValueError, match=r"shape \(rows, classes\).*at least one row"):
        within_one(logits, labels)


def test_answers_come_in_the_order_of_the_rows(tokenizer, splits, tmp_path):
    """With grouping, `trainer.predict` shuffles, and every text would stand beside another text's answer."""
    rows = splits["train"].select(range(20)).map(lambda row: tokenizer(row["text"][:200]))
    model = AutoModelForSequenceClassification.from_pretrained(PROFILES["offline"].model, num_labels=5)
    args = TrainingArguments(
        str(tmp_path),
        train_sampling_strategy="group_by_length",
        per_device_eval_batch_size=2,
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = Trainer(model=model, args=args, processing_class=tokenizer, eval_dataset=rows)
    logits, labels = predict_in_order(trainer, rows)
    assert labels.tolist() == rows["label"][:] != trainer.predict(rows).label_ids.tolist()
    alone, _ = predict_in_order(trainer, rows.select([7]))
    np.testing.assert_allclose(alone[0], logits[7], atol=1e-5)
    assert trainer.args is args


def test_a_model_without_mistakes_has_a_table_of_texts_without_rows():
    """pandas took the empty column for numbers, and the notebook's `.str.slice` failed on a perfect model."""
    table = worst_mistakes(["a", "b"], np.eye(2), [0, 1], ["bad", "good"])
    assert len(table) == 0 and list(table["text"].str.slice(0, 3)) == []


def test_without_an_order_the_surest_mistake_comes_first():
    """Between codes, a distance means nothing: class 0 is no nearer to 1 than to 2."""
    logits = np.array([[2.0, 0, 0], [0, 0, 1.0]])
    table = worst_mistakes(["sure", "far"], logits, [1, 0], ["a", "b", "c"], ordered=False)
    assert list(table["text"]) == ["sure", "far"]
    assert list(worst_mistakes(["sure", "far"], logits, [1, 0], ["a", "b", "c"])["text"]) == ["far", "sure"]


def test_macro_f1_counts_each_class_the_same():
    """By hand: class 0 has recall 1 and precision 3/4, F1 = 6/7; class 1 has none right, F1 = 0."""
    logits = np.array([[1.0, 0], [1, 0], [1, 0], [1, 0]])
    assert macro_f1(logits, [0, 0, 0, 1]) == pytest.approx((6 / 7 + 0) / 2)
    assert is_unbalanced([0, 0, 0, 1]) and not is_unbalanced([0, 0, 0, 1, 1])


def test_slices_that_differ_in_nothing_seldom_raise_an_alarm():
    """Compared with a line that counted as exact, ten such slices raised one in most tables."""
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(100):
        right = random.random(400) < 0.6
        table = slice_table(right, {str(i): random.random(400) < 0.4 for i in range(10)})
        alarms += table["finding"].isin(["worse than the others", "better than the others"]).any()
    assert alarms <= 8
