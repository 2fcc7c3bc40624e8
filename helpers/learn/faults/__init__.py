"""Six faults that a training can have, and the signs that give each of them away."""

from helpers.learn.faults.rules import QUESTIONS, RULES, Rule, Sign, named
from helpers.learn.faults.training import EXPLAINED, FAULTS, Evidence, Recipe, Rows, train

__all__ = [
    "EXPLAINED",
    "FAULTS",
    "QUESTIONS",
    "RULES",
    "Evidence",
    "Recipe",
    "Rows",
    "Rule",
    "Sign",
    "named",
    "train",
]
