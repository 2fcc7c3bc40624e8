"""Protects a learner from a fault that is only a word, and from a rule that names the wrong one."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from made_up_evidence import TYPICAL, made_up, typical
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers import BertConfig, BertForSequenceClassification, set_seed

from helpers.learn.faults import FAULTS, RULES, Recipe, named, train
from helpers.train.runs import Run

RATE = 1e-3
FEATURES = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "fair", "good"])})
BY_FAULT = {rule.fault: rule for rule in RULES}


def rows(word, count):
    """Return rows whose texts all differ, and all hold `word`."""
    texts = [f"{word} number {number} was here" for number in range(count)]
    return Dataset.from_dict(
        {"text": texts, "label": [number % 3 for number in range(count)]}, features=FEATURES
    )


class Splits(dict):
    """Splits whose "test" nobody may open."""

    def __getitem__(self, name):
        assert name != "test", "the test split stays closed"
        return super().__getitem__(name)


@pytest.fixture(scope="module")
def recipe(tokenizer):
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, num_labels=3,
    )  # fmt: skip

    def new_model(seed):
        set_seed(seed)
        return BertForSequenceClassification(config)

    splits = Splits(train=rows("lasagna", 40), validation=rows("waiter", 24), test=None)
    return Recipe.of(new_model, splits, tokenizer, RATE, rows=32, judged=8, epochs=2, batch_size=8)


def watched(recipe, fault):
    """Train, and return what really happened: the texts and labels as the model got them, the rates, the
    gradients at each step, and whether gradients were left when a batch came.
    """
    seen = SimpleNamespace(texts=[], labels={}, ids=set(), rates=[], gradients=[], left=[])

    # The batches, as they come to the model
    def new_model(seed):
        seen.model = recipe.new_model(seed)
        seen.start = {name: weights.clone() for name, weights in seen.model.named_parameters()}
        seen.model.register_forward_pre_hook(looked_at, with_kwargs=True)
        return seen.model

    def looked_at(model, args, batch):
        seen.ids.update(batch["input_ids"].flatten().tolist())
        if model.training:
            seen.left.append(any(weights.grad is not None for weights in model.parameters()))
            for ids, label in zip(batch["input_ids"], batch["labels"].tolist()):
                text = recipe.tokenizer.decode(ids, skip_special_tokens=True)
                seen.texts.append(text)
                seen.labels[text] = label

    # The optimizer, just before its steps
    def stepped(optimizer, *rest):
        seen.rates.append(optimizer.param_groups[0]["lr"])
        seen.gradients.append(optimizer.param_groups[0]["params"][-1].grad.clone())

    hook = register_optimizer_step_pre_hook(stepped)
    try:
        train(replace(recipe, new_model=new_model), fault, 3, Run(fault or "healthy"))
    finally:
        hook.remove()
    return seen


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_each_fault_is_really_in_the_training_and_no_other(recipe, fault):
    """The picture alone could be changed, or a flag that nobody reads."""
    seen = watched(recipe, fault)
    everything = recipe.training + recipe.judged
    true = dict(zip(everything.texts, everything.labels))
    trained = set(seen.texts)
    readable = trained <= set(true)
    body_stays = all(
        torch.equal(weights, seen.start[name])
        for name, weights in seen.model.base_model.named_parameters(prefix="bert")
    )
    found = {
        "labels": readable and any(true[text] != label for text, label in seen.labels.items()),
        "tokenizer": not readable,
        "zero_grad": all(seen.left[1:]),
        "rate": seen.rates[0] == pytest.approx(100 * RATE),
        "leak": bool(trained & set(recipe.judged.texts)),
        "frozen": body_stays,
    }
    assert {name for name, there in found.items() if there} == ({fault} if fault else set())

    # What every training has in common
    assert len(seen.texts) == 2 * 32 and len(seen.rates) == recipe.steps == 8
    assert not trained & set(recipe.unused.texts), "nothing may use these rows"
    assert max(seen.ids) < len(recipe.tokenizer)
    if fault != "rate":
        assert seen.rates[0] == pytest.approx(RATE)
    if fault == "labels":
        assert sorted(seen.labels.values()) == sorted(recipe.training.labels), "shuffled, not drawn anew"
    if fault == "leak":
        assert set(recipe.judged.texts) <= trained


def test_without_zero_grad_the_gradients_add_up(recipe):
    """With a rate near 0 the model stays as it is. So the sums of the healthy gradients are known."""
    still = replace(recipe, learning_rate=1e-12)
    alone = torch.stack(watched(still, None).gradients)
    summed = torch.stack(watched(still, "zero_grad").gradients)
    assert torch.allclose(summed, alone.cumsum(0), atol=1e-5)
    assert not torch.allclose(summed, alone, atol=1e-2)


def test_the_evidence_is_that_of_the_training(recipe):
    """Labels and texts are shown as they were in the training, and the movement is that of the weights."""
    evidence = train(recipe, "labels", 3, Run("any"))
    shown = [recipe.label_names.index(label) for _, _, label in evidence.seen]
    assert len(shown) == 5 and evidence.words_back == 1
    assert any(label != given for label, given in zip(shown, recipe.training.labels)), "the shuffled labels"
    assert all(text == read for text, read, _ in evidence.seen)
    assert evidence.body_moved > 0
    assert train(recipe, "frozen", 3, Run("any")).body_moved == 0
    odd = train(recipe, "tokenizer", 3, Run("any"))
    assert odd.words_back < 0.5 and odd.seen[0][0] == recipe.training.texts[0] != odd.seen[0][1]


def test_a_seed_repeats_a_training(recipe):
    runs = [train(recipe, "labels", seed, Run("any")).run.series("loss")[1] for seed in (5, 5, 6)]
    assert runs[0] == runs[1] != runs[2]


def test_a_stopped_training_leaves_no_evidence(recipe):
    run = Run("any")
    run.listen(lambda run: run.request_stop() if run.step == 2 else None)
    assert train(recipe, None, 3, run) is None and run.step == 2


def test_a_loss_that_is_no_number_is_evidence_too(recipe):
    """A rate that is far too high may end in NaN: the learner must get to see that, not a traceback."""

    def broken(seed):
        model = recipe.new_model(seed)
        with torch.no_grad():
            model.classifier.bias[0] = math.nan
        return model

    evidence = train(replace(recipe, new_model=broken), "rate", 3, Run("any"))
    assert len(evidence.norms) == 1 and np.isfinite(evidence.logits).all()


def test_what_cannot_be_trained_is_said(recipe, tokenizer):
    with pytest.raises(ValueError, match=r"no fault 'typo'.*zero_grad"):
        train(recipe, "typo", 3, Run("any"))
    splits = {"train": rows("a", 3), "validation": rows("b", 1)}
    with pytest.raises(ValueError, match="two validation rows, got 3 and 1"):
        Recipe.of(recipe.new_model, splits, tokenizer, RATE)


def test_a_large_class_does_not_crowd_out_the_others(recipe, tokenizer):
    """If 80 of 100 rows were of one class, a model that always names it would seem to know a lot."""
    texts = [f"text {number}" for number in range(100)]
    labels = [0] * 80 + [1] * 12 + [2] * 8
    split = Dataset.from_dict({"text": texts, "label": labels}, features=FEATURES)
    made = Recipe.of(
        recipe.new_model, {"train": split, "validation": split}, tokenizer, RATE, rows=24, judged=12
    )
    assert np.bincount(made.training.labels).tolist() == [8, 8, 8]
    assert np.bincount(made.judged.labels).min() >= 3 and np.bincount(made.unused.labels).min() >= 3
    assert len(made.judged) == len(made.unused) == 12
    assert not set(made.judged.texts) & set(made.unused.texts)


@pytest.mark.parametrize("fault", TYPICAL)
def test_the_rule_names_what_a_fault_typically_leaves(fault):
    """As measured by `tests/benchmarks/faults.py`."""
    evidence = typical(fault)
    healthy = made_up()
    assert named(evidence, healthy) == fault
    assert [rule.fault for rule in RULES if rule.holds(evidence, healthy)] == ([fault] if fault else [])


GROWING = np.linspace(1, 100, 100)


@pytest.mark.parametrize(
    ("fault", "inside", "outside"),
    [
        ("tokenizer", {"words_back": 0.49}, {"words_back": 0.5}),
        ("frozen", {"body": 0.0}, {"body": 1e-4}),
        ("rate", {"body": 0.61}, {"body": 0.59}),
        ("rate", {"body": math.nan}, {"body": 0.06}),
        ("leak", {"judged": 0.65, "unused": 0.44}, {"judged": 0.65, "unused": 0.46}),
        # The commonest class has 40 of 200 rows: 0.2, and two standard errors are 0.057
        ("labels", {"judged": 0.255}, {"judged": 0.26}),
        ("labels", {"judged": 0.2, "training": 0.41}, {"judged": 0.2, "training": 0.39}),
        ("zero_grad", {"norms": GROWING}, {"norms": GROWING * np.where(np.arange(100) % 2, 1.0, 1.3)}),
        ("zero_grad", {"norms": 18 + GROWING}, {"norms": 20 + GROWING}),
    ],
)
def test_a_rule_holds_within_its_words_only(fault, inside, outside):
    """A learner who checks the numbers by the words must come to the same verdict."""
    healthy = made_up()
    assert BY_FAULT[fault].holds(made_up(**inside), healthy)
    assert not BY_FAULT[fault].holds(made_up(**outside), healthy)


def test_a_rule_tells_the_numbers_of_this_training():
    healthy = made_up()
    told = {rule.fault: rule.told(typical(rule.fault), healthy) for rule in RULES}
    assert "from 5 to 181" in told["zero_grad"] and "from 2.5 to 2.5" in told["zero_grad"]
    assert "0.90 on the validation rows and 0.40 on rows that nothing used" in told["leak"]
    assert "by 0%; in the healthy training, by 6%" in told["frozen"]
    assert "5% of the words return" in told["tokenizer"]
    assert "accuracy is 0.20; with luck, a model that only guesses gets up to 0.26" in told["labels"]
    assert BY_FAULT["labels"].questions == ["training", "rows"]
