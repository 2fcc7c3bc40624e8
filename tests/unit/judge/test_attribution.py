"""Protects a learner from marked words that did not decide, and the model from being changed by it."""

from types import MethodType, SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from helpers.judge.attribution import word_attributions
from helpers.profiles import PROFILES

TEXT = "The lasagna was unforgettable, the zebras were not."


class MeanClassifier(torch.nn.Module):
    """A linear model: embedding → mean over the pieces → linear.

    So a formula gives each piece's exact contribution to a logit.
    """

    device = torch.device("cpu")

    def __init__(self, vocabulary, max_position_embeddings=512):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, 6)
        self.dropout = torch.nn.Dropout(0.5)
        self.head = torch.nn.Linear(6, 3)
        self.config = SimpleNamespace(max_position_embeddings=max_position_embeddings)

    def get_input_embeddings(self):
        return self.embedding

    def forward(self, inputs_embeds, **_):
        return SimpleNamespace(logits=self.head(self.dropout(inputs_embeds).mean(1)))


@pytest.fixture
def model():
    torch.manual_seed(3)
    return AutoModelForSequenceClassification.from_pretrained(PROFILES["offline"].model, num_labels=5)


@pytest.fixture
def linear(tokenizer):
    torch.manual_seed(1)
    return MeanClassifier(len(tokenizer))


def exact_contributions(linear, tokenizer, text, predicted):
    """Compute each word's contribution from the weights: w · embedding / pieces, summed over its pieces."""
    encoding = tokenizer(text)
    pieces = (
        linear.embedding.weight[encoding["input_ids"]]
        @ linear.head.weight[predicted]
        / len(encoding["input_ids"])
    ).tolist()
    count = max(word for word in encoding.word_ids() if word is not None) + 1
    return [
        sum(score for score, its_word in zip(pieces, encoding.word_ids()) if its_word == word)
        for word in range(count)
    ]


def test_for_a_linear_model_the_scores_are_the_exact_contributions(linear, tokenizer):
    result = word_attributions(linear, tokenizer, TEXT)
    assert result.words == [
        "The",
        "lasagna",
        "was",
        "unforgettable",
        ",",
        "the",
        "zebras",
        "were",
        "not",
        ".",
    ]
    np.testing.assert_allclose(
        result.scores, exact_contributions(linear, tokenizer, TEXT, result.predicted), rtol=1e-4, atol=1e-7
    )
    assert (result.scores > 0).any() and (result.scores < 0).any(), "a test of signs needs both"


def test_the_score_is_what_the_logit_loses_without_the_words_embedding(linear, tokenizer):
    before = word_attributions(linear, tokenizer, TEXT)

    def logit():
        return (
            linear.eval()(inputs_embeds=linear.embedding(torch.tensor([tokenizer(TEXT)["input_ids"]])))
            .logits[0, before.predicted]
            .item()
        )

    whole = logit()
    with torch.no_grad():
        linear.embedding.weight[tokenizer.convert_tokens_to_ids("lasagna")] = 0
    assert whole - logit() == pytest.approx(before.scores[1], rel=1e-3)


def test_probabilities_are_the_models_own(model, tokenizer):
    result = word_attributions(model, tokenizer, TEXT)
    with torch.no_grad():
        expected = model.eval()(**tokenizer(TEXT, return_tensors="pt")).logits.softmax(-1)[0].numpy()
    np.testing.assert_allclose(result.probabilities, expected, rtol=1e-4)
    assert result.predicted == expected.argmax() and result.scores.shape == (len(result.words),)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_stays_as_it_was(model, tokenizer, training, monkeypatch):
    """It may not leave its mode even for a moment: another thread may be training it."""
    model.train(training)
    model.bert.encoder.eval()  # a mixed mode, as where one part is frozen
    modes = [module.training for module in model.modules()]
    weights = [parameter.detach().clone() for parameter in model.parameters()]
    model.classifier.weight.grad = torch.ones_like(model.classifier.weight)
    wanted = [parameter.requires_grad for parameter in model.parameters()]
    random = torch.get_rng_state()

    def train(self, mode=True):
        assert self is not model, "the model was switched"
        return torch.nn.Module.train(self, mode)

    monkeypatch.setattr(type(model), "train", train)
    word_attributions(model, tokenizer, TEXT)

    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(old, new) for old, new in zip(weights, model.parameters()))
    assert [parameter.requires_grad for parameter in model.parameters()] == wanted
    assert model.classifier.weight.grad.eq(1).all() and all(p.grad is None for p in model.bert.parameters())
    assert torch.equal(torch.get_rng_state(), random), "the training's dropout would differ from here on"


def test_no_dropout_also_while_training(linear, tokenizer):
    linear.train()
    first, second = (word_attributions(linear, tokenizer, TEXT) for _ in range(2))
    assert first.scores.tolist() == second.scores.tolist()


def test_a_step_of_the_optimizer_in_between_is_no_error(linear, tokenizer):
    """A training in another thread does this to the weights between forward and backward."""

    def forward_then_step(self, **inputs):
        output = type(self).forward(self, **inputs)
        with torch.no_grad():
            linear.head.weight.add_(0.1)
        return output

    linear.forward = MethodType(forward_then_step, linear)
    word_attributions(linear, tokenizer, TEXT)


def test_it_sees_the_weights_of_now(linear, tokenizer):
    before = word_attributions(linear, tokenizer, TEXT)
    with torch.no_grad():
        linear.head.weight.mul_(2)
    assert word_attributions(linear, tokenizer, TEXT).scores.tolist() != before.scores.tolist()


def test_it_works_where_gradients_are_switched_off(linear, tokenizer):
    with torch.no_grad():
        assert word_attributions(linear, tokenizer, TEXT).scores.any()


@pytest.mark.parametrize(
    ("positions", "max_length", "words"), [(512, None, 510), (16, None, 14), (512, 8, 6), (16, 100, 14)]
)
def test_long_texts_are_truncated_to_what_the_model_takes(tokenizer, positions, max_length, words):
    torch.manual_seed(1)
    linear = MeanClassifier(len(tokenizer), positions)
    assert len(word_attributions(linear, tokenizer, "good " * 600, max_length).words) == words


@pytest.mark.parametrize("text", ["", " \n ", "\u200b"])
def test_a_text_without_words_is_refused(linear, tokenizer, text):
    with pytest.raises(ValueError, match="no words"):
        word_attributions(linear, tokenizer, text)


def test_a_slow_tokenizer_is_refused(linear):
    with pytest.raises(ValueError, match="fast tokenizer"):
        word_attributions(linear, SimpleNamespace(is_fast=False), TEXT)
