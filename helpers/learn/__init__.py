"""Exercises that check themselves, questions, and what else a learner does and is told."""

from helpers.learn.check import exercises

__all__ = ["exercises"]
