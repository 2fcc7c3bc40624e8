"""Protects a learner from a mystery that trains unasked, tells too much, or refuses a right answer."""

import re
import threading
import time

import pytest
from made_up_evidence import typical

from helpers.learn import mystery as module
from helpers.learn.faults import FAULTS, QUESTIONS, Recipe, Rows, named
from helpers.learn.mystery import MysteryFault
from helpers.show.lab.worker import Worker
from helpers.show.pictures import Picture

SHORT = 3  # steps of the made-up training


class Trainings:
    """Stands for `train`: the evidence that a fault typically leaves, at once."""

    def __init__(self):
        self.faults = []
        self.seeds = []
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, recipe, fault, seed, run):
        self.faults.append(fault)
        self.seeds.append(seed)
        for step in range(SHORT):
            self.go_on.wait(10)
            run.advance(step + 1)
            if run.stop_requested:
                return None
        return typical(fault, run)


@pytest.fixture
def trainings(monkeypatch):
    trainings = Trainings()
    monkeypatch.setattr(module, "train", trainings)
    rows = Rows([f"text {number}" for number in range(200)], [0] * 200)
    recipe = Recipe(None, None, 1e-3, rows, rows, rows, [f"{stars} stars" for stars in range(1, 6)])
    monkeypatch.setattr(Recipe, "of", lambda *given, **settings: recipe)
    return trainings


@pytest.fixture
def without_pictures(monkeypatch):
    """Draw one picture for all: drawing takes most of these tests' time."""
    picture = Picture(figsize=(1, 1))
    for name in ("curves", "giveaway"):
        monkeypatch.setattr(module.views, name, lambda *given: picture)
    monkeypatch.setattr(module.views, "answer", lambda *given: ("a sentence", "a picture"))


@pytest.fixture
def panel(trainings):
    return MysteryFault(None, None, None, 1e-3, seed=1)


def press_start(panel):
    panel._start.click()
    panel._worker.thread.join(20)


def disabled(panel):
    return {panel._choice.disabled, *(button.disabled for button in panel._questions.values())}


def test_nothing_trains_before_the_button_is_pressed(panel, trainings):
    """Run All must train nothing, and a learner must not be asked about a training that is not there."""
    panel._ipython_display_()
    assert trainings.faults == [] and panel.picture() is None
    assert "No training yet" in panel.sentence() and disabled(panel) == {True}
    assert panel._after.layout.display == "none"
    for early in (lambda: panel.ask("norms"), lambda: panel.answer("leak"), panel.show_answer):
        with pytest.raises(ValueError, match="no training yet"):
            early()


def test_the_healthy_training_comes_once(panel, trainings):
    press_start(panel)
    press_start(panel)
    assert trainings.faults[0] is None and None not in trainings.faults[1:]
    assert len(set(trainings.seeds)) == len(trainings.faults) == 3, "another seed for each"
    assert disabled(panel) == {False} and panel._after.layout.display is None
    assert "healthy" in panel.sentence() and "mystery 2" in panel.sentence()
    assert panel.picture().alt.count("training loss") == 2


def test_each_fault_comes_once_before_one_comes_again(panel, trainings, without_pictures):
    for _ in range(2 * len(FAULTS)):
        press_start(panel)
        panel.answer(panel._fault)
    drawn = trainings.faults[1:]
    assert set(drawn[:6]) == set(drawn[6:]) == set(FAULTS)
    again = MysteryFault(None, None, None, 1e-3, seed=1)
    for _ in range(6):
        press_start(again)
        again.answer(again._fault)
    assert trainings.faults[14:] == drawn[:6], "a teacher's seed gives everybody the same"


def test_a_fault_that_was_not_solved_comes_again(panel, trainings, without_pictures):
    panel._to_come = ["labels", "leak"]
    press_start(panel)
    panel.show_answer()
    for _ in range(2):
        press_start(panel)
        panel.answer(panel._fault)
    assert trainings.faults == [None, "leak", "labels", "leak"] and set(panel.solved) == {"labels", "leak"}
    assert panel._to_come == []


def put(panel, fault):
    """Begin with this fault."""
    panel._to_come = [fault]
    press_start(panel)
    assert named(panel.evidence, panel.healthy) == fault


@pytest.mark.parametrize("fault", FAULTS)
def test_the_right_fault_is_confirmed_with_the_learners_own_numbers(panel, fault):
    put(panel, fault)
    panel.ask("rows")
    panel._choice.value = fault
    panel._check_button.click()
    shown = panel._verdict.value + panel._explanation.value
    numbers = {
        "labels": "0.80 on the training rows",
        "tokenizer": "5% of the words",
        "zero_grad": "from 5 to 181",
        "rate": "by 160%",
        "leak": "0.90 on the validation rows",
        "frozen": "by 0%",
    }
    assert f"Right: {FAULTS[fault]}." in panel._verdict.value.replace("&#x27;", "'")
    assert numbers[fault] in shown and "You asked one question." in shown
    assert re.search(r'<img alt="[^"]+An arrow points at', panel._explanation.value)
    assert panel.solved == {fault: 1} and FAULTS[fault] in panel.sentence()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_fault_gets_a_hint_that_names_no_other(panel, fault, without_pictures):
    """The hint says what speaks against the answer. It must not give the right one away."""
    for asked in ((), tuple(QUESTIONS)):
        put(panel, fault)
        for question in asked:
            panel.ask(question)
        for wrong in set(FAULTS) - {fault}:
            hint = panel.answer(wrong)
            assert f"It is not {module._IT_IS_NOT[wrong]}." in hint and FAULTS[fault] not in hint
            if not asked and "Have you looked?" in hint:
                assert any(f"“{words}”" in hint for words in QUESTIONS.values())
            if asked:
                assert re.search(r"\d", hint.partition("would be:")[2]), "the numbers that were seen"
        assert panel.solved == {} and panel._explanation.value == ""


def test_a_hint_tells_no_number_that_was_not_asked_for(panel):
    put(panel, "leak")
    assert panel.answer("frozen") == (
        "It is not a frozen body. A sign of that would be: no weight of the body moves. "
        "Have you looked? Ask for “How far the weights moved”."
    )
    panel.ask("weights")
    assert "moved furthest changed by 6%" in panel.answer("frozen")


def test_what_is_asked_is_counted_once_and_shown_below(panel):
    put(panel, "labels")
    for question in (*QUESTIONS, "rows"):
        sentence = panel.ask(question)
        assert re.search(r"\d", sentence)
    shown = [answer.value for answer in panel._answers.children]
    assert len(shown) == len(panel.asked) == 6
    assert all("<table" in html or re.search(r'<img alt="[^"]{30,}"', html) for html in shown)
    assert "&lt;b&gt;good" in shown[list(QUESTIONS).index("rows")], "a text is no HTML"
    panel.answer("leak")
    panel.answer("labels")
    assert "Two questions were enough: “Accuracy on the training rows”" in panel._explanation.value
    assert "You asked six questions and named one wrong fault first." in panel._explanation.value
    put(panel, "leak")
    assert panel.asked == [] and panel._answers.children == () and panel._choice.value is None
    assert panel._explanation.value == ""


def test_an_answer_that_was_shown_does_not_count(panel, without_pictures):
    put(panel, "rate")
    panel._show_button.click()
    assert "It is: 100 times the learning rate." in panel._verdict.value
    assert "Right" in panel.answer("rate") and panel.solved == {}
    assert "Right" in panel.show_answer(), "the answer that was given stays"
    assert panel._next.layout.display is None and not panel._next.disabled
    panel._next.click()
    panel._worker.thread.join(20)
    assert panel._drawn == 2 and panel._next.layout.display == "none"
    assert "Solved: 0 of 6" in panel._record.value


def test_check_without_a_choice_asks_for_one(panel, without_pictures):
    put(panel, "rate")
    panel._check_button.click()
    assert "Choose a fault first." in panel._verdict.value and panel._wrong == 0
    assert 'role="status" aria-live="polite"' in panel._verdict.value
    with pytest.raises(ValueError, match="'labels', 'tokenizer'"):
        panel.answer("typo")


def test_stop_ends_it_and_the_same_fault_comes_next(panel, trainings, without_pictures):
    press_start(panel)
    panel.answer(panel._fault)
    trainings.go_on.clear()
    panel._start.click()
    while panel._worker.current is None:
        time.sleep(0.01)
    assert panel._start.disabled and not panel._stop.disabled and disabled(panel) == {True}
    panel._stop.click()
    trainings.go_on.set()
    panel._worker.thread.join(20)
    assert "Stopped." in panel._message.value and panel.evidence is None and panel.picture() is None
    press_start(panel)
    assert trainings.faults[-1] == trainings.faults[-2]


def test_one_training_at_a_time_in_a_kernel(panel, trainings):
    """A lab's training and this one would share the random state."""
    lab = Worker(lambda working: None, lambda: None, print)
    lab.begin()
    with lab.working():
        panel._start.click()
        assert "Another panel of this notebook trains" in panel._message.value and trainings.faults == []
        with pytest.raises(RuntimeError, match="A training is running"):
            panel.train()


def test_without_widgets_the_same_by_code(panel, capsys, without_pictures):
    panel.train()
    assert "mystery 1" in capsys.readouterr().out
    assert panel.answer(panel._fault).startswith("Right: ")
