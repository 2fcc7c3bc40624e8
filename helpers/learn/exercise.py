"""What an exercise is: the right answer, and the typical mistakes, each with its own hint.

A check never compares with a constant. It computes the right answer from what the notebook holds, so
it is right on every profile and on the learner's own data.
"""

from __future__ import annotations

import dis
import linecache
import math
import numbers
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, ValuesView
from dataclasses import dataclass
from decimal import Decimal

import torch

from helpers.language import _


class NotMadeYet(LookupError):
    """A check needs a name that no cell has made yet."""


class Names:
    """The names of the learner's notebook: `names.labels` is what the notebook calls `labels`."""

    def __init__(self, names: Mapping):
        self._names = names

    def __getattr__(self, name: str):
        if name not in self._names:
            raise NotMadeYet(name)
        return self._names[name]


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer, and the hint for whoever gives it, marked with `N_`.

    For a `Value`, `gives(names)` computes the wrong answer. For a `Function`, `gives` is the wrong function.
    """

    hint: str
    gives: Callable


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """What every exercise has. Its texts are marked with `N_`, and translated where they are shown.

    `minutes` is how long to try at most, `hint` a first help, `solution` code that passes. `mistakes` are
    tried in their order, and the first that gives the learner's answer has the hint.
    """

    name: str
    minutes: int
    hint: str
    solution: str
    mistakes: tuple[Mistake, ...] = ()

    def told(self, answer, names: Names) -> tuple[bool, str]:
        """Return whether `answer` is right, and what the learner is told."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Value(Exercise):
    """The answer is a number, a text, or a list of these.

    `right(names)` computes it. Numbers may be off by `tolerance`. `because(right, names)` says what is right,
    and why. Where several answers are right, `accepts(answer, names)` compares instead.
    """

    right: Callable
    because: Callable
    tolerance: float = 0.005
    accepts: Callable | None = None

    def told(self, answer, names: Names) -> tuple[bool, str]:
        right = plain(self.right(names))
        given = plain(answer)
        if problem := _unfit(given, right):
            return False, problem
        if self.accepts(given, names) if self.accepts else self._same(given, right):
            return True, praise(self.because(right, names))
        for mistake in self.mistakes:
            if self._same(given, plain(mistake.gives(names))):
                return False, not_yet(_(mistake.hint))
        if _is_number(right) and given and round(right, _decimals(given)) == given:
            text = _("Not yet: {answer} is right as far as it goes. Give two digits more.")
            return False, text.format(answer=shown(given))
        text = _("Not yet: {answer} is not it. check.{name}.hint() helps.")
        return False, text.format(answer=shown(given), name=self.name)

    def _same(self, one, other) -> bool:
        return same(one, other, self.tolerance)


@dataclass(frozen=True, kw_only=True)
class Function(Exercise):
    """The answer is a function. It is run on small tensors, and so are the right one and the wrong ones.

    `outcome(function, names)` runs a function and returns what it gave and changed, as a dict from words to
    values, such as `_("the loss that it returns")`. Two functions are the same if their outcomes are, within
    `tolerance`. `because` says what the right function does.
    """

    right: Callable
    outcome: Callable
    because: str
    tolerance: float = 1e-5

    def told(self, answer, names: Names) -> tuple[bool, str]:
        if not callable(answer):
            text = _("A function was expected, and this is {answer}.")
            return False, text.format(answer=shown(plain(answer)))
        try:
            given = self._outcome(answer, names)
        except NotMadeYet:
            raise
        except Exception as error:
            return False, _stopped(answer, error)

        right = self._outcome(self.right, names)
        if same(given, right, self.tolerance):
            return True, praise(_(self.because))
        for mistake in self.mistakes:
            if same(given, self._outcome(mistake.gives, names), self.tolerance):
                return False, not_yet(_(mistake.hint))
        text = _("Not yet. {difference} check.{name}.hint() helps.")
        return False, text.format(difference=_difference(given, right, self.tolerance), name=self.name)

    def _outcome(self, function: Callable, names: Names) -> dict:
        # The notebook's own random numbers go on as if nothing had happened
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns of some of the mistakes, before the hint does
            return {word: plain(value) for word, value in self.outcome(function, names).items()}


def praise(reason: str) -> str:
    """Say that an answer is right, and why. `reason` is whole sentences in the chosen language."""
    return _("Right. {reason}").format(reason=reason)


def not_yet(hint: str) -> str:
    """Say that an answer is not right yet. `hint` is whole sentences in the chosen language."""
    return _("Not yet. {hint}").format(hint=hint)


def plain(value):
    """Turn tensors, arrays, NumPy's numbers, fractions and tuples into Python's own numbers and lists."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().tolist()
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, range, Iterator, ValuesView)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (numbers.Real, Decimal)) and not isinstance(value, (int, float)):
        return float(value)  # a Fraction, for one
    return value


def same(one, other, tolerance: float) -> bool:
    """Return whether two plain values are equal. Numbers may be off by `tolerance`."""
    if _is_number(one) and _is_number(other):
        # A computed 0.215 - 0.21 is a little above 0.005
        return one == other or abs(one - other) <= tolerance * (1 + 1e-9)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair, tolerance) for pair in zip(one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key], tolerance) for key in one)
    if isinstance(one, str) and isinstance(other, str):
        return one.strip() == other.strip()
    return one is other or (type(one) is type(other) and one == other)


def is_stub(answer) -> bool:
    """Return whether the learner has written nothing yet: `...`, a list of it, or a function of only that."""
    if isinstance(answer, (list, tuple)):
        return any(item is ... for item in answer)
    code = getattr(answer, "__code__", None)
    if code is None:
        return answer is ...
    loaded = {"LOAD_CONST", "RETURN_CONST"}
    idle = loaded | {"RESUME", "NOP", "RETURN_VALUE", "POP_TOP"}
    steps = list(dis.get_instructions(code))
    constants = [step.argval for step in steps if step.opname in loaded]
    return {step.opname for step in steps} <= idle and all(value in (None, ...) for value in constants)


def shown(value) -> str:
    """Write a value for a message: numbers with four digits, and nothing longer than 60 characters."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if _is_number(value):
        return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    if isinstance(value, list):
        text = f"[{', '.join(map(shown, value[:8]))}{', …' if len(value) > 8 else ''}]"
    else:
        text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _decimals(number: float) -> int:
    """Return how many digits of a number stand behind its point."""
    return len(repr(float(number)).partition(".")[2].rstrip("0"))


def _unfit(given, right) -> str | None:
    """Say what is wrong with the kind of answer, if anything is. The right answer shows the kind."""
    if bad := [item for item in _numbers(given) if not math.isfinite(item)]:
        text = _("The answer contains {value}, which is no number. Somewhere you divide by zero, or use one.")
        return text.format(value=bad[0])
    if _kind(given) != _kind(right):
        text = _("{kind} was expected, and this is {answer}.")
        return text.format(kind=_kind(right), answer=shown(given))
    if isinstance(right, list) and len(given) != len(right):
        text = _("A list of {expected} was expected, and this one has {came}.")
        return text.format(expected=len(right), came=len(given))
    return None


def _kind(value) -> str:
    if _is_number(value):
        return _("A number")
    names = {
        bool: _("True or False"),
        str: _("A text"),
        list: _("A list"),
        dict: _("A dict"),
        type(None): "None",
    }
    return names.get(type(value), _("A {type}").format(type=type(value).__name__))


def _numbers(value) -> Iterator[float]:
    if _is_number(value):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)


def _difference(given: dict, right: dict, tolerance: float) -> str:
    """Name the first part of two outcomes that differs."""
    word = next(word for word in right if not same(given.get(word), right[word], tolerance))
    if isinstance(right[word], (list, dict)) and isinstance(given.get(word), type(right[word])):
        return _("A small test differs in {what}.").format(what=word)  # too many numbers for one sentence
    text = _("A small test differs in {what}: {given} instead of {right}.")
    return text.format(what=word, given=shown(given.get(word)), right=shown(right[word]))


def _stopped(function: Callable, error: Exception) -> str:
    """Say in which line of the learner's function an error was raised."""
    first_line = (str(error).splitlines() or [""])[0]
    kind = f"{type(error).__name__}: {first_line[:200]}"
    code = getattr(function, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    if not own:  # it was called with other arguments than it takes, or it returned something else
        if "argument" in first_line:
            return _("Your function could not be called: {error}").format(error=kind)
        return _("What your function returns does not fit: {error}").format(error=kind)
    line = own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno)
    number = own[-1].lineno - code.co_firstlineno + 1
    text = _("Your function stopped in its line {number}, `{line}`: {error}")
    return text.format(number=number, line=line.strip(), error=kind)
