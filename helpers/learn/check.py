"""Check what a learner answered: `check.padding_share(answer)`, and `.hint()` or `.solution()` when asked."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping, Sequence

from helpers.language import _, ngettext
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
            known = [] if name.startswith("_") else [*self.exercises, "quiz", "progress"]
            near = difflib.get_close_matches(name, known, 1)
            text = _("No exercise is called {name}. There are: {names}.")
            if near:
                text = _("No exercise is called {name}. Did you mean check.{near}? There are: {names}.")
            names = ", ".join(self.exercises)
            raise AttributeError(text.format(name=name, near="".join(near), names=names))
        return Asked(self, self.exercises[name])

    def __dir__(self):
        return [*super().__dir__(), *self.exercises]

    def __repr__(self) -> str:
        solved = {name: _("check.{name} (solved)").format(name=name) for name in self.solved}
        names = [solved.get(name, f"check.{name}") for name in self.exercises]
        return "\n".join([self.progress(), *names])

    def listen(self, callback: Callable[[], None]) -> None:
        """Call `callback()` whenever an exercise is solved."""
        self._listeners.append(callback)

    def progress(self) -> str:
        """Say how many exercises are solved."""
        text = _("{solved} of {all} exercises solved here.")
        return text.format(solved=len(self.solved), all=len(self.exercises))

    def quiz(self):
        """Return the panel of multiple-choice questions, with the progress at its foot."""
        from helpers.learn.quiz import Quiz  # an exercise needs no widgets

        return Quiz(self.questions, self)

    def told(self, exercise: Exercise, answer) -> str:
        """Return what the learner is told about `answer`, and note a solved exercise."""
        if is_stub(answer):
            return _("Not answered yet")
        try:
            right, text = exercise.told(answer, self._names)
        except NotMadeYet as missing:
            text = _("This check needs `{name}`. Run the cells above first, then this one again.")
            return text.format(name=missing)
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

    def __call__(self, *answers) -> None:
        """Print whether the one answer is right, and what was."""
        if len(answers) != 1:
            text = _(
                "One answer was expected, {check}(answer), and {count} came. Put several values into "
                "one pair of brackets: {check}((1, 2))."
            )
            print(text.format(check=f"check.{self._exercise.name}", count=len(answers)))
            return
        print(self._check.told(self._exercise, answers[0]))

    @property
    def hint(self) -> Printed:
        """`hint()` prints a first help."""
        return Printed(_("Hint: {hint}").format(hint=_(self._exercise.hint)))

    @property
    def solution(self) -> Printed:
        """`solution()` prints code that passes."""
        return Printed(_(self._exercise.solution))

    def __repr__(self) -> str:
        text = ngettext(
            "{check}(answer) checks your answer. After {minutes} minute: {check}.hint(), {check}.solution()",
            "{check}(answer) checks your answer. After {minutes} minutes: {check}.hint(), {check}.solution()",
            self._exercise.minutes,
        )
        return text.format(check=f"check.{self._exercise.name}", minutes=self._exercise.minutes)


class Printed:
    """A text that is printed when it is called. Whoever forgets the brackets is told so."""

    def __init__(self, text: str):
        self._text = text

    def __call__(self) -> None:
        print(self._text)

    def __repr__(self) -> str:
        return _("The brackets are missing: put () behind it.")
