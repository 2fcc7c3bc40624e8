"""Protects a learner from bars that show another change than the training made."""

import pytest
import torch
from tiny import TinyClassifier, trainer_for
from transformers import AutoModelForSequenceClassification, BertConfig, DistilBertConfig, GPT2Config

from helpers.train.movement import KeepMovement, weights_moved
from helpers.train.recording import recording
from helpers.train.runs import Run


def model_of(config):
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_config(config)


BERT = BertConfig(
    num_hidden_layers=2,
    hidden_size=8,
    num_attention_heads=2,
    intermediate_size=8,
    vocab_size=20,
    num_labels=3,
)


def copy(model):
    return {name: weights.detach().clone() for name, weights in model.named_parameters()}


def test_a_known_change_is_found_in_its_part_and_nowhere_else():
    model = model_of(BERT)
    before = copy(model)
    with torch.no_grad():
        for weights in model.bert.encoder.layer[1].parameters():
            weights *= 1.25
        for weights in model.classifier.parameters():
            weights *= -1
    moved = weights_moved(before, model)
    assert list(moved) == ["embeddings", "layer 1", "layer 2", "pooler", "head"]
    assert moved.pop("layer 2") == pytest.approx(0.25) and moved.pop("head") == pytest.approx(2)
    assert set(moved.values()) == {0.0}


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (
            DistilBertConfig(n_layers=2, dim=8, n_heads=2, hidden_dim=8, vocab_size=20),
            ["embeddings", "layer 1", "layer 2", "head"],
        ),
        (
            GPT2Config(n_layer=2, n_embd=8, n_head=2, vocab_size=20, bos_token_id=1, eos_token_id=1),
            ["embeddings", "layer 1", "layer 2", "ln_f", "head"],
        ),
    ],
    ids=["distilbert", "gpt2"],
)
def test_the_parts_of_other_models_are_found(config, parts):
    """A learner's own model names its layers in its own way."""
    model = model_of(config)
    assert list(weights_moved(copy(model), model)) == parts


def test_a_frozen_part_has_not_moved_at_all(tmp_path):
    """A rounding error would look like learning."""
    torch.manual_seed(0)
    model = TinyClassifier()
    model.layer.weight.requires_grad_(False)
    start = model.layer.bias.detach().clone()
    run = Run("frozen")
    trainer = trainer_for(model, run, tmp_path)
    keep = KeepMovement(run, model)
    assert list(keep._before) == ["layer.bias"], "what cannot move needs no copy"
    trainer.add_callback(keep)
    with recording(run):
        trainer.train()
    size = (model.layer.weight.square().sum() + start.square().sum()).sqrt()
    expected = ((model.layer.bias - start).norm() / size).item()
    assert run.moved == {"head": pytest.approx(expected)} and expected > 0.01
    assert run.moved == Run.load(run.save(tmp_path / "run.json")).moved

    frozen = model_of(BERT)
    frozen.bert.requires_grad_(False)
    keep = KeepMovement(run, frozen)
    with torch.no_grad():
        frozen.classifier.weight += 1
    keep.end()
    assert run.moved.pop("head") > 1 and set(run.moved.values()) == {0.0}


def test_nothing_is_held_after_the_training():
    """The copy is as large as the model."""
    keep = KeepMovement(Run("free"), model_of(BERT))
    keep.end()
    assert keep._before == {} and keep._model is None
