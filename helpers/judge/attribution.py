"""Find the words of a text that pushed a classifier towards its answer, by input × gradient."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from helpers.data.pretrained import check_fast_tokenizer
from helpers.language import _


@dataclass(frozen=True)
class Attribution:
    """Hold the push of each word on the logit of the predicted class.

    `words` has the order of the text. `scores` has the shape (words,), in units of the logit: a score above
    zero is a push towards the answer. `probabilities` has the shape (classes,) and sums to 1. `predicted` is
    the index of the largest probability.
    """

    words: list[str]
    scores: np.ndarray
    probabilities: np.ndarray
    predicted: int


def word_attributions(model, tokenizer, text: str, max_length: int | None = None) -> Attribution:
    """Compute input × gradient of the predicted class, per word, for an `AutoModelForSequenceClassification`.

    The score of a piece is its embedding times the gradient of the logit with respect to that embedding,
    summed over the embedding's dimensions. The score of a word is the sum over its pieces (Shrikumar et al.
    2016, "Not Just a Black Box", arXiv:1605.01713). A score is a first-order estimate: it says how much the
    logit loses when the word's embedding becomes zero. The estimate is exact for a linear model and rough for
    a deep one.

    A score is not a cause, and it is not a reason that a person would accept. The scores need not sum to the
    logit. The list leaves out the share of the special tokens. And words act together.

    The function truncates a text longer than `max_length`; the default is the limit of tokenizer and model.
    It leaves the model's mode, weights and gradients as they are and draws no random number, even while
    another thread trains the model. It raises ValueError if the text has no words or the tokenizer is not a
    fast one.
    """
    check_fast_tokenizer(tokenizer)

    # The text as pieces, and the word that each piece belongs to (None for a special token)
    positions = getattr(model.config, "max_position_embeddings", None) or 512
    most = min(max_length or tokenizer.model_max_length, positions)
    encoding = tokenizer(text, truncation=True, max_length=most, return_tensors="pt")
    word_ids = encoding.word_ids()
    words = sorted(set(word_ids) - {None})
    if not words:
        raise ValueError(_("The text has no words. Write at least one."))

    # The score of a word is the sum over its pieces
    piece_scores, probabilities, predicted = _input_times_gradient(_frozen(model), encoding.to(model.device))
    scores = dict.fromkeys(words, 0.0)
    for word, score in zip(word_ids, piece_scores):
        if word is not None:
            scores[word] += score

    # The words as the text spells them
    spelled = [text[slice(*encoding.word_to_chars(0, word))].strip() for word in words]
    return Attribution(spelled, np.array(list(scores.values())), probabilities, predicted)


def _input_times_gradient(model, encoding) -> tuple[list[float], np.ndarray, int]:
    """Compute one score per piece, the probabilities, shape (classes,), and the predicted class.

    `encoding` is a batch of one text.
    """
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
    """Return a second set of modules in evaluation mode that share the model's memory.

    If we switched the model itself, a training in another thread would lose its dropout. `.data` shares the
    numbers but not autograd's count of changes, so an optimizer may change the weights between forward and
    backward without an error.
    """
    import torch

    shared = {id(p): torch.nn.Parameter(p.data, requires_grad=False) for p in model.parameters()}
    shared |= {id(buffer): buffer for buffer in model.buffers()}
    return copy.deepcopy(model, shared).eval()
