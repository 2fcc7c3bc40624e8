"""The signs of each fault, and the rule that names a fault by its signs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from helpers.language import N_, _
from helpers.learn.faults.training import FAULTS, Evidence

QUESTIONS = {
    "norms": N_("Gradient norm"),
    "answers": N_("Share of each answer"),
    "training": N_("Accuracy on the training rows"),
    "rows": N_("Rows as the model sees them"),
    "unused": N_("Accuracy on rows that nothing used"),
    "weights": N_("How far the weights moved"),
}


@dataclass(frozen=True)
class Sign:
    """Something that a fault does to the evidence.

    `question` is the key of `QUESTIONS` that shows it; None: the curves show it, without a question. `words`
    say what it is. `holds(evidence, healthy)` compares the evidence with that of a healthy training, and
    `told(evidence, healthy)` says the same with its numbers.
    """

    question: str | None
    words: str
    holds: Callable[[Evidence, Evidence], bool]
    told: Callable[[Evidence, Evidence], str]


@dataclass(frozen=True)
class Rule:
    """A fault shows itself by its signs, all of them together. `why` says how the fault brings them about."""

    fault: str
    signs: tuple[Sign, ...]
    why: str

    @property
    def name(self) -> str:
        """What a learner calls the fault."""
        return _(FAULTS[self.fault])

    @property
    def words(self) -> str:
        """The rule in a sentence."""
        *first, last = (_(sign.words) for sign in self.signs)
        return _("{signs} and {last}").format(signs=", ".join(first), last=last) if first else last

    @property
    def questions(self) -> list[str]:
        """The keys of the questions that are enough to see all signs."""
        return list(dict.fromkeys(sign.question for sign in self.signs if sign.question))

    def holds(self, evidence: Evidence, healthy: Evidence) -> bool:
        """Return whether all signs are there."""
        return all(sign.holds(evidence, healthy) for sign in self.signs)

    def told(self, evidence: Evidence, healthy: Evidence) -> str:
        """Say with the numbers of this training what each sign is."""
        return " ".join(sign.told(evidence, healthy) for sign in self.signs)


def named(evidence: Evidence, healthy: Evidence) -> str | None:
    """Name the fault by the first of the `RULES` that holds; None if no fault shows.

    `healthy` is the evidence of a training by the same recipe without a fault.
    """
    return next((rule.fault for rule in RULES if rule.holds(evidence, healthy)), None)


def _percent(share: float) -> str:
    if math.isnan(share):
        return _("no number any more")
    return f"{share:.2%}" if 0 < share < 0.01 else f"{share:.0%}"


_NONSENSE = Sign(
    "rows",
    N_("fewer than half of the words come back when the model's own tokenizer reads the ids"),
    lambda evidence, healthy: evidence.words_back < 0.5,
    lambda evidence, healthy: _(
        "When the model's own tokenizer reads the ids, {share} of the words return."
    ).format(share=_percent(evidence.words_back)),
)
_READABLE = Sign(
    "rows",
    N_("the words come back when the model's own tokenizer reads the ids"),
    lambda evidence, healthy: evidence.words_back >= 0.5,
    _NONSENSE.told,
)
_STILL = Sign(
    "weights",
    N_("no weight of the body moves"),
    lambda evidence, healthy: evidence.body_moved < 1e-6,
    lambda evidence, healthy: _(
        "The part of the body that moved furthest changed by {share}; in the healthy training, by {healthy}."
    ).format(share=_percent(evidence.body_moved), healthy=_percent(healthy.body_moved)),
)
_FAR = Sign(
    "weights",
    N_("a part of the body moves more than 10 times as far as in the healthy training"),
    # A model that is no longer made of numbers has moved further than any other
    lambda evidence, healthy: not evidence.body_moved <= 10 * healthy.body_moved,
    _STILL.told,
)
_GROWS = Sign(
    "norms",
    N_("the gradient norm ends above 5 times where it began"),
    lambda evidence, healthy: evidence.norm_ends[1] > 5 * evidence.norm_ends[0],
    lambda evidence, healthy: _(
        "The gradient norm went from {ends[0]:.3g} to {ends[1]:.3g}; in the healthy training, from "
        "{healthy[0]:.3g} to {healthy[1]:.3g}."
    ).format(ends=evidence.norm_ends, healthy=healthy.norm_ends),
)
_SMOOTH = Sign(
    "norms",
    N_("it changes by less than 10% from one step to the next"),
    lambda evidence, healthy: evidence.norm_jump < 0.1,
    lambda evidence, healthy: _(
        "From one step to the next it changed by {share}; in the healthy training, by {healthy}."
    ).format(share=_percent(evidence.norm_jump), healthy=_percent(healthy.norm_jump)),
)
_KNOWN = Sign(
    "unused",
    N_("the accuracy on the validation rows is at least 0.2 higher than on rows that nothing used"),
    lambda evidence, healthy: evidence.accuracies["judged"] - evidence.accuracies["unused"] >= 0.2,
    lambda evidence, healthy: _(
        "The accuracy is {judged:.2f} on the validation rows and {unused:.2f} on rows that nothing used."
    ).format(**evidence.accuracies),
)
_GUESSES = Sign(
    None,
    N_("the validation accuracy stays where guessing could bring it"),
    lambda evidence, healthy: evidence.accuracies["judged"] <= evidence.guessing,
    lambda evidence, healthy: _(
        "The validation accuracy is {judged:.2f}; with luck, a model that only guesses gets up to "
        "{guessing:.2f}."
    ).format(judged=evidence.accuracies["judged"], guessing=evidence.guessing),
)
_BY_HEART = Sign(
    "training",
    N_("the accuracy on the training rows is at least 0.2 higher"),
    lambda evidence, healthy: evidence.accuracies["training"] - evidence.accuracies["judged"] >= 0.2,
    lambda evidence, healthy: _(
        "The accuracy is {training:.2f} on the training rows and {judged:.2f} on the validation rows."
    ).format(**evidence.accuracies),
)

# In the order of a search: what is decided by one look comes first
RULES = (
    Rule(
        "tokenizer",
        (_NONSENSE,),
        N_("The ids stand for other words than in pretraining, so nothing that the body knows is of use."),
    ),
    Rule(
        "frozen",
        (_STILL,),
        N_("Only the classifier learns, from what a body says that was trained for something else."),
    ),
    Rule(
        "zero_grad",
        (_GROWS, _SMOOTH),
        N_(
            "Each step adds its gradient to the earlier ones. The sum grows, and one more batch hardly turns "
            "it."
        ),
    ),
    Rule(
        "rate",
        (_FAR,),
        N_("Each step throws the weights far past where the gradient points, and pretraining is lost."),
    ),
    Rule(
        "leak",
        (_KNOWN,),
        N_(
            "The model has learned the validation rows by heart, so they no longer say how it does on new "
            "ones."
        ),
    ),
    Rule(
        "labels",
        (_GUESSES, _BY_HEART, _READABLE),
        N_(
            "Between a text and its label there is nothing to learn. The model can only learn the rows by "
            "heart."
        ),
    ),
)
