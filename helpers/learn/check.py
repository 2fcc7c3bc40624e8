"""Check what a learner answered: `check.padding_share(answer)`, and `.hint()` or `.solution()` when asked."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping, Sequence

from helpers.learn.exercise import Exercise, Names, NotMadeYet, is_stub


def exercises(number: int, names: Mapping) -> Check:
    """Return the checks of notebook `number`. `names` is `globals()`: a check computes with what is there.

    The source of the form check, hint, solution is Kaggle's learntools.
    """
    module = importlib.import_module(f"helpers.learn.notebook_{number:02}")
    return Check(module.EXERCISES, module.QUESTIONS, names)


class Check:
    """The exercises of a notebook by name, and how many of them are solved.

    `solved` holds the names of the solved exercises. It lives as long as the kernel, and nothing leaves it.
    """

    def __init__(self, given: Sequence[Exercise], questions: Sequence, names: Mapping):
        self.exercises = {exercise.name: exercise for exercise in given}
        self.questions = questions
        self.solved: set[str] = set()
        self._names = Names(names)
        self._listeners: list[Callable[[], None]] = []

    def __getattr__(self, name: str) -> Asked:
        if name.startswith("_") or name not in self.__dict__.get("exercises", ()):
            near = difflib.get_close_matches(name, self.exercises, 1) if not name.startswith("_") else []
            meant = f" Did you mean check.{near[0]}?" if near else ""
            raise AttributeError(
                f"No exercise is called {name}.{meant} There are: {', '.join(self.exercises)}."
            )
        return Asked(self, self.exercises[name])

    def __dir__(self):
        return [*super().__dir__(), *self.exercises]

    def listen(self, callback: Callable[[], None]) -> None:
        """Call `callback()` whenever an exercise is solved."""
        self._listeners.append(callback)

    def progress(self) -> str:
        """Say how many exercises are solved."""
        return f"{len(self.solved)} of {len(self.exercises)} exercises solved here."

    def quiz(self):
        """Return the panel of multiple-choice questions, with the progress at its foot."""
        from helpers.learn.quiz import Quiz  # an exercise needs no widgets

        return Quiz(self.questions, self)

    def told(self, exercise: Exercise, answer) -> str:
        """Return what the learner is told about `answer`, and note a solved exercise."""
        if is_stub(answer):
            return "Not answered yet"
        try:
            right, text = exercise.told(answer, self._names)
        except NotMadeYet as missing:
            return f"This check needs `{missing}`. Run the cells above first, then this one again."
        if right:
            self.solved.add(exercise.name)
            for callback in self._listeners:
                callback()
        return text


class Asked:
    """One exercise, as the learner asks for it: call it with an answer, or ask for its hint or solution."""

    def __init__(self, check: Check, exercise: Exercise):
        self._check = check
        self._exercise = exercise

    def __call__(self, answer) -> None:
        """Print whether `answer` is right, and what was."""
        print(self._check.told(self._exercise, answer))

    def hint(self) -> None:
        """Print a first help."""
        print(f"Hint: {self._exercise.hint}")

    def solution(self) -> None:
        """Print code that passes."""
        print(self._exercise.solution)

    def __repr__(self) -> str:
        name = f"check.{self._exercise.name}"
        minutes = self._exercise.minutes
        unit = "minute" if minutes == 1 else "minutes"
        return f"{name}(answer) checks your answer. After {minutes} {unit}: {name}.hint(), {name}.solution()"
