"""Protects a learner from a wrong order of recipes in the speed comparison."""

import dataclasses

import numpy as np
import pytest
import torch
from machines import CPU

from helpers.data.pretrained import load_config
from helpers.profiles import PROFILES
from helpers.train import ladder

LENGTHS = [16, 24, 32, 48, 64, 96, 128, 512] * 16


def test_a_recipe_without_padding_is_faster():
    """The tutorial pads every review to 512 tokens, of which a quarter is real."""
    speeds = ladder.reviews_per_second(
        load_config(PROFILES["offline"]),
        LENGTHS,
        CPU,
        512,
        [ladder.TUTORIAL, ladder.FAST],
        batches=3,
        rounds=2,
    )
    assert list(speeds) == [ladder.TUTORIAL.name, ladder.FAST.name]
    assert speeds[ladder.FAST.name] > 1.5 * speeds[ladder.TUTORIAL.name] > 0


def test_a_slow_machine_gets_one_round_and_no_more(monkeypatch):
    """On two cores, BERT-base takes a minute and a half for a round. Once, a second one began in any case."""
    rounds = ({"rung": float(number)} for number in range(1, 9))
    monkeypatch.setattr(ladder, "timed_rounds", lambda *args: rounds)
    assert ladder.reviews_per_second(None, LENGTHS, CPU, budget=0.0) == {"rung": 1.0} and next(rounds) == {
        "rung": 2.0
    }


def test_each_rung_changes_one_thing():
    """If a rung changes two things, a learner learns nothing about either."""
    fields = [field.name for field in dataclasses.fields(ladder.Rung) if field.name not in ("name", "why")]
    steps = [
        [field for field in fields if getattr(before, field) != getattr(after, field)]
        for before, after in zip(ladder._RUNGS, ladder._RUNGS[1:], strict=False)
    ]
    assert [field for step in steps for field in step] == [
        "padding",
        "padding",
        "half",
        "attention_dropout",
        "fused",
        "hidden_dropout",
        "token_budget",
    ]
    assert len(steps) == 7 and ladder._RUNGS[-1] is ladder.LAST


def test_half_precision_is_a_rung_only_where_the_machine_has_it():
    assert "half precision" not in [rung.name for rung in ladder.rungs(CPU)]
    assert "half precision" in [rung.name for rung in ladder.rungs(dataclasses.replace(CPU, bf16=True))]


def test_the_batches_that_are_timed_stand_for_all():
    """Short batches alone would flatter. Long ones alone would frighten."""
    batches = [np.full(4, length) for length in range(1, 101)]
    assert [int(batch[0]) for batch in ladder.spread(batches, 4)] == [13, 38, 63, 88]


@pytest.mark.parametrize("half", [False, True])
def test_a_step_trains_in_the_rungs_precision(half, monkeypatch):
    seen = []
    enter = torch.autocast.__enter__
    monkeypatch.setattr(
        torch.autocast,
        "__enter__",
        lambda self: (seen.append((self.fast_dtype, self._enabled)), enter(self))[1],
    )
    machine = dataclasses.replace(CPU, bf16=True)
    model = ladder._model(load_config(PROFILES["offline"]), attention_dropout=False)
    ladder._training_step(model, machine, dataclasses.replace(ladder.FAST, half=half), 512)(np.array([8, 5]))
    assert seen == [(torch.bfloat16, half)]


@pytest.mark.parametrize("dropout", [False, True])
def test_attention_dropout_is_what_the_rung_says_and_not_what_the_checkpoint_says(dropout):
    """The bundled checkpoint has none, so its ladder would compare a recipe with itself."""
    model = ladder._model(load_config(PROFILES["offline"]), dropout)
    assert {
        module.dropout.p for name, module in model.named_modules() if name.endswith("attention.self")
    } == {0.1 if dropout else 0.0}


@pytest.mark.parametrize("dropout", [False, True])
def test_without_hidden_dropout_a_model_draws_no_random_numbers(dropout):
    """A dropout that is left on costs a fifth of a small model's step, and the bar says that it is off."""
    model = ladder._model(load_config(PROFILES["offline"]), False, dropout)
    chances = {
        module.p
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Dropout) and "attention.self" not in name
    }
    assert chances == ({0.1} if dropout else {0.0})


def test_a_batch_of_the_last_rung_has_as_many_tokens_as_the_batches_before_have_on_average():
    """With more tokens in a batch, the last bar would compare batch sizes."""
    lengths = np.array(LENGTHS * 8) * 4
    batches = ladder.epoch(ladder.LAST, lengths, 16)
    lengths = np.minimum(lengths, 512)
    assert sorted(np.concatenate(batches)) == sorted(lengths), "each review once, cut at the limit"
    assert max(len(batch) * max(batch) for batch in batches) <= 16 * lengths.mean()
    assert len(batches) == pytest.approx(len(lengths) / 16, rel=0.15)


def test_a_last_batch_that_is_not_full_is_not_timed():
    """Two reviews of 17 would count as eight."""
    assert list(map(len, ladder.epoch(ladder.FAST, np.arange(5, 22), 5))) == [5, 5, 5]


def test_a_budget_is_never_below_the_longest_review():
    """On a CPU, four short reviews have fewer tokens than one long one, for which there was no batch."""
    assert sorted(map(len, ladder.epoch(ladder.LAST, np.array([12] * 40 + [501]), 4))) == [1, 9, 31]


def test_the_speed_of_few_batches_is_that_of_the_epoch(monkeypatch):
    """The timed batches of the last rung held fewer reviews than most: its speed came out 15 % too low."""
    batches = [np.array([8] * 10), np.array([16] * 2)] * 2 + [np.array([8] * 10)]
    monkeypatch.setattr(ladder, "_training_step", lambda *args: lambda lengths: 0.5)
    rounds = ladder.timed_rounds(load_config(PROFILES["offline"]), {ladder.LAST: batches}, CPU, batches=1)
    assert next(rounds) == {"token budget": 34 / 5 / 0.5}


def test_in_every_round_each_rung_has_its_turn():
    chosen = {rung: [np.array([16, 24]), np.array([32, 40])] for rung in (ladder.TUTORIAL, ladder.FAST)}
    rounds = ladder.timed_rounds(load_config(PROFILES["offline"]), chosen, CPU, 64)
    for speeds in (next(rounds), next(rounds)):
        assert list(speeds) == [ladder.TUTORIAL.name, ladder.FAST.name] and min(speeds.values()) > 0


@pytest.mark.parametrize("kind", ["roberta", "electra", "distilbert"])
def test_other_architectures_climb_too(kind):
    """Some positions start behind the padding token's number. Some padding tokens lie beyond the small
    vocabulary. Each ended the cell.
    """
    from transformers import CONFIG_MAPPING

    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    small = {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64} if kind == "distilbert" else small
    config = CONFIG_MAPPING[kind](**small, pad_token_id=20_000)
    speeds = ladder.reviews_per_second(config, LENGTHS, CPU, 128, batches=1, rounds=1)
    assert len(speeds) == 7 and min(speeds.values()) > 0
