"""Which words of a text pushed a classifier towards its answer: input × gradient."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from helpers.data import check_fast_tokenizer


@dataclass(frozen=True)
class Attribution:
    """What each word did to the logit of the predicted class.

    `words` in the order of the text; `scores` of shape (words,), in units of the logit, above zero for a push towards
    the answer; `probabilities` of shape (classes,), which sum to 1; `predicted` is the index of the largest.
    """

    words: list[str]
    scores: np.ndarray
    probabilities: np.ndarray
    predicted: int


def word_attributions(model, tokenizer, text: str, max_length: int | None = None) -> Attribution:
    """Input × gradient of the predicted class, per word, for an `AutoModelForSequenceClassification`.

    A piece's score is its embedding times the gradient of the logit with respect to that embedding, summed over the
    embedding's dimensions; a word's is the sum over its pieces (Shrikumar et al. 2016, "Not Just a Black Box",
    arXiv:1605.01713). It is the first-order estimate of what the logit loses when the word's embedding becomes zero:
    exact for a linear model, rough for a deep one. It is not a cause, nor a reason that a person would accept: the
    scores need not sum to the logit, special tokens have a share that is not listed, and words act together.

    A text longer than `max_length` (by default what tokenizer and model can take) is truncated. The model's mode,
    weights and gradients stay as they are, and no random number is drawn, also while another thread trains it. Raises
    ValueError for a text without words, or a tokenizer that is not a fast one.
    """
    check_fast_tokenizer(tokenizer)
    most = min(max_length or tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None) or 512)
    encoding = tokenizer(text, truncation=True, max_length=most, return_tensors="pt")
    word_ids = encoding.word_ids()
    words = sorted(set(word_ids) - {None})
    if not words:
        raise ValueError("The text has no words. Write at least one.")
    piece_scores, probabilities, predicted = _input_times_gradient(_frozen(model), encoding.to(model.device))
    scores = dict.fromkeys(words, 0.0)
    for word, score in zip(word_ids, piece_scores):
        if word is not None:
            scores[word] += score
    spelled = [text[slice(*encoding.word_to_chars(0, word))].strip() for word in words]
    return Attribution(spelled, np.array(list(scores.values())), probabilities, predicted)


def _input_times_gradient(model, encoding) -> tuple[list[float], np.ndarray, int]:
    """Scores, one a piece; probabilities of shape (classes,); the predicted class. `encoding` is a batch of one text."""
    import torch

    inputs = dict(encoding)
    with torch.enable_grad():
        embeddings = model.get_input_embeddings()(inputs.pop("input_ids")).detach().requires_grad_()
        logits = model(inputs_embeds=embeddings, **inputs).logits[0].float()
        predicted = int(logits.argmax())
        (gradient,) = torch.autograd.grad(logits[predicted], embeddings)
    scores = (embeddings.detach().float() * gradient.float()).sum(-1)[0]
    return scores.tolist(), logits.detach().softmax(-1).cpu().numpy(), predicted


def _frozen(model):
    """The model in evaluation mode, on the same memory, as a second set of modules.

    Switching the model itself would take the dropout from a training in another thread. `.data` shares the numbers but
    not autograd's count of changes to them, so that an optimizer's step between forward and backward is no error.
    """
    import torch

    shared = {id(p): torch.nn.Parameter(p.data, requires_grad=False) for p in model.parameters()}
    shared |= {id(buffer): buffer for buffer in model.buffers()}
    return copy.deepcopy(model, shared).eval()
