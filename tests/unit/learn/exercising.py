"""What must hold for the exercises of every notebook. A test file makes a class of it, for its notebook:

    from exercising import Exercising

    class TestNotebook1(Exercising):
        number = 1
        ways = {"pad": [with_a_loop, with_tensors, with_pad_sequence]}  # right ones, written differently
        wrong = {"share": {"real / computed": "share of the real tokens"}}  # wrong code, words of its hint

        def names(self):
            "What the notebook holds where the exercises stand, small and made up."
            return {"counts": …}

        def others(self):
            "The same names with other data, on which every right value is another."
            return {"counts": …}

pytest then runs the methods below for that class. With `names`, every wrong answer of an exercise has to be
another value. `ways` needs an entry for each `Function`. Leave `others` out if no exercise is a `Value`. With
`wrong`, each mistake of the exercises that it names needs its code: an expression, or a whole function.
"""

import contextlib
import io
import math
import re
from typing import ClassVar

import numpy as np
import torch
from notebook_files import NOTEBOOKS, code_cells

from helpers.learn.check import exercises
from helpers.learn.exercise import Function, Value, plain, same


class Exercising:
    number: int
    ways: ClassVar[dict[str, list]] = {}
    wrong: ClassVar[dict[str, dict[str, str]]] = {}

    def names(self) -> dict:
        raise NotImplementedError

    def others(self) -> dict:
        return {}

    def check(self, names):
        return exercises(self.number, names)

    def of_kind(self, kind):
        return [exercise for exercise in self.check({}).exercises.values() if isinstance(exercise, kind)]

    def cells(self):
        """Return {exercise: (the source of its cell, the name of its answer)}, in the notebook's order."""
        path = next(path for path in NOTEBOOKS if int(path.name[:2]) == self.number)
        found = {}
        for cell in code_cells(path):
            for name, answer in re.findall(r"^check\.(\w+)\((\w+)\)", cell.source, re.MULTILINE):
                found[name] = cell.source, answer
        return found

    def test_the_notebook_asks_each_exercise_and_a_stub_is_quiet(self):
        """A check that fails on `...` would stop Run All, and an exercise in no cell cannot be solved."""
        cells = self.cells()
        given = self.check({}).exercises
        assert list(cells) == list(given), "in the order of the notebook"
        for source in dict.fromkeys(source for source, _ in cells.values()):
            minutes = [given[name].minutes for name in cells if cells[name][0] == source]
            assert [
                int(number) for number in re.findall(r"your turn \((\d+) minutes?\): ", source)
            ] == minutes
            printed = run(source, {"check": self.check(self.names())} | self.names())
            assert printed.count("Not answered yet\n") == len(minutes), printed
            assert "Right" not in printed and "Not yet" not in printed, printed

    def test_every_solution_passes(self):
        """A learner who gives up and pastes it must not be told that it is wrong."""
        for name, (_, answer) in self.cells().items():
            names = self.names()
            check = self.check(names)
            run(check.exercises[name].solution, names)
            text = check.told(check.exercises[name], names[answer])
            assert name in check.solved and text.startswith("Right"), f"{name}: {text}"

    def test_every_mistake_gets_its_own_hint_and_no_other(self):
        """A hint for another mistake sends the learner away from the right place."""
        names = self.names()
        check = self.check(names)
        for exercise in check.exercises.values():
            hints = [mistake.hint for mistake in exercise.mistakes]
            assert len(set(hints)) == len(hints), exercise.name
            for mistake in exercise.mistakes:
                wrong = mistake.gives if isinstance(exercise, Function) else mistake.gives(check._names)
                text = check.told(exercise, wrong)
                said = [hint for hint in hints if hint in text]
                assert said == [mistake.hint] and text.startswith("Not yet"), f"{exercise.name}: {text}"
        assert check.solved == set()

    def test_what_learners_write_gets_the_hint_that_fits_it(self):
        """A mistake that computes something else than its hint says would agree with itself, above."""
        check = self.check(self.names())
        for name, codes in self.wrong.items():
            exercise = check.exercises[name]
            unused = [mistake.hint for mistake in exercise.mistakes]
            for code, words in codes.items():
                names = self.names()
                function = re.match(r"def (\w+)", code)
                run(code if function else f"given = {code}", names)
                text = check.told(exercise, names[function[1] if function else "given"])
                assert words in text and text.startswith("Not yet"), f"{name}, {code}: {text}"
                unused = [hint for hint in unused if hint not in text]
            assert unused == [], f"{name}: no code for these hints"

    def test_the_right_value_of_one_dataset_is_wrong_on_another(self):
        """A constant in a check would be right here and wrong on the learner's own data."""
        check = self.check(self.names())
        elsewhere = self.check(self.others())
        for exercise in self.of_kind(Value):
            value = exercise.right(check._names)
            assert check.told(exercise, value).startswith("Right")
            assert not elsewhere.told(exercise, value).startswith("Right"), exercise.name

    def test_every_kind_of_number_is_taken(self):
        """Learners compute with Python, NumPy and PyTorch. None of them may be refused for it."""
        check = self.check(self.names())
        for exercise in self.of_kind(Value):
            right = plain(exercise.right(check._names))
            for given in kinds(right):
                text = check.told(exercise, given)
                assert text.startswith("Right"), f"{exercise.name}, {type(given)}: {text}"

    def test_a_function_may_be_written_in_three_ways(self):
        """Who solves it in another way than we do has solved it."""
        for exercise in self.of_kind(Function):
            assert len(self.ways[exercise.name]) >= 3, exercise.name
            for function in self.ways[exercise.name]:
                text = self.check(self.names()).told(exercise, function)
                assert text.startswith("Right"), f"{exercise.name}, {function}: {text}"

    def test_a_strange_answer_gets_one_sentence(self):
        """Whatever a learner writes, no traceback: a wrong kind, NaN, a function that stops."""

        def stops(*_, **__):
            raise KeyError("oops")

        check = self.check(self.names())
        for exercise in check.exercises.values():
            for answer in ("?", None, True, math.nan, [], [math.nan, math.inf], {}, stops, print, object()):
                text = check.told(exercise, answer)
                assert not text.startswith("Right") and len(text) < 400, f"{exercise.name}: {text}"
        assert check.solved == set()


def run(source, names):
    """Run code with these names, as a cell does. Return what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(source, names)
    return printed.getvalue()


def kinds(value):
    """Yield a right value in each kind in which a learner may have computed it."""
    if isinstance(value, list):
        yield tuple(value)
        if all(isinstance(item, (int, float)) for item in value):
            yield from ([np.float64(item) for item in value], np.array(value), torch.tensor(value))
    elif isinstance(value, (int, float)):
        yield from (float(value), np.float64(value), np.float32(value), np.array(value), torch.tensor(value))
        if same(value, round(value), 0):
            yield int(value)
