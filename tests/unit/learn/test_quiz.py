"""Protects a learner from a question that gives its answer away, or that tells them only "wrong"."""

import re

import ipywidgets as widgets
import pytest
from notebook_files import NOTEBOOKS, read

from helpers.learn import quiz
from helpers.learn.check import Check
from helpers.learn.exercise import Value
from helpers.learn.quiz import Option, Question, Quiz
from helpers.tools.questions import folded, questions_of

HOSTILE = "<script>alert(1)</script> & `<b>`"
QUESTIONS = (
    Question("First?", (Option("one", "no 1"), Option("two", "yes 2", right=True), Option("three", "no 3"))),
    Question("Second?", (Option("true", "yes", right=True), Option("false", "no"), Option(HOSTILE, HOSTILE))),
)
ASKING = [path for path in NOTEBOOKS if questions_of(path)]
each_notebook = pytest.mark.parametrize("path", ASKING, ids=lambda path: path.stem)


@pytest.fixture
def check():
    one = Value(name="one", minutes=1, hint="", solution="", right=lambda _: 1, because=lambda *_: "So.")
    return Check([one], QUESTIONS, {})


def shown(panel, number):
    """Return the reasons that stand visible below a question, by the classes that the style goes by."""
    box = panel.boxes[number]
    told = [name.removeprefix("quiz-told-") for name in box._dom_classes if name.startswith("quiz-told-")]
    reasons = box.children[-1].value
    return [re.search(rf'quiz-why-{name}[ "][^>]*>(.*?)</div>', reasons)[1] for name in told]


@each_notebook
def test_the_questions_fit_a_notebook(path):
    """Who has not read a question must not get it right: by the longest answer, or always the second."""
    questions = questions_of(path)
    assert 3 <= len(questions) <= 4
    for question in questions:
        assert 3 <= len(question.options) <= 4, question.text
        for option in question.options:
            assert len(re.findall(r"\w+", option.why)) >= 3, f"{option.text!r} has no reason"
    places = [[option.right for option in question.options].index(True) for question in questions]
    longest = [max(question.options, key=lambda option: len(option.text)).right for question in questions]
    assert len(set(places)) > 1 and not all(longest)


@each_notebook
def test_the_same_questions_stand_folded_in_the_notebook(path):
    """Where no widgets live, only this text is there. Run `python -m helpers.tools.questions`."""
    cells = read(path).cells
    ids = [cell.id for cell in cells]
    assert cells[ids.index("questions")].source == folded(questions_of(path))
    assert ids.index("questions") == ids.index("quiz") + 1


def test_the_folded_text_hides_the_answer_and_has_every_word():
    """An answer that stands beside its question is read before anybody thinks."""
    text = folded(QUESTIONS)
    first = text.split("\n\n")[1]
    assert first.index("First?") < first.index("</summary>") < first.index("<li>three</li>")
    assert first.index("<li>three</li>") < first.index("<summary>Answer</summary>") < first.index("yes 2")
    for question in QUESTIONS:
        for option in question.options:
            assert quiz.marked(option.text) in text and quiz.marked(option.why) in text
    assert "<script" not in text and "<code>&lt;b&gt;</code>" in text


def test_a_wrong_answer_gets_its_reason_and_may_be_changed(check):
    """A learner who is told only "wrong" learns by elimination."""
    panel = Quiz(QUESTIONS, check)
    assert shown(panel, 0) == shown(panel, 1) == []
    for choice, expected in {None: "Choose an answer first.", 0: "Not so.", 2: "no 3", 1: "yes 2"}.items():
        panel.answer(0, choice)
        (text,) = shown(panel, 0)
        assert expected in text and shown(panel, 1) == []


def test_each_button_checks_its_own_option():
    """Buttons made in a loop easily all check the last one."""
    panel = Quiz(QUESTIONS)
    buttons = [child for child in panel.boxes[1].children if isinstance(child, widgets.Button)]
    answered = []
    for button in buttons:
        button.click()
        answered.append(dict(panel.answers))
    assert answered == [{}, {1: 0}, {1: 1}, {1: 2}]


def test_the_line_of_progress_follows_an_exercise_that_is_solved_later(check, capsys):
    """Who goes back from the foot of the notebook to solve an exercise would read an old count."""
    panel = Quiz(QUESTIONS, check)
    assert panel.sentence() == "0 of 1 exercises solved here. 0 of 2 questions answered right."
    panel.answer(0, 1)
    panel.answer(1, 1)
    check.one(1)
    assert "1 of 1 exercises solved here. 1 of 2 questions answered right." in panel.progress.value
    panel.answer(0, 0)
    assert "0 of 2 questions" in panel.progress.value, "the last answer counts"


def test_without_exercises_the_line_speaks_of_questions_only():
    """Notebook 7 has no exercises: "0 of 0" would look like a fault."""
    assert Quiz(QUESTIONS, Check([], QUESTIONS, {})).sentence() == "0 of 2 questions answered right."


def test_a_screen_reader_finds_a_named_group_and_a_region_that_stays(check):
    """A live region that is put in anew with its text is often not announced."""
    panel = Quiz(QUESTIONS, check)
    options, *_, reasons = panel.boxes[0].children
    assert "<fieldset><legend>1. First?</legend>" in options.value
    assert options.value.count("<label><input") == options.value.count("</label>") == 3
    assert reasons.value.startswith('<div role="status" aria-live="polite">')
    before = options.value, reasons.value
    panel.answer(0, 1)
    assert before == (options.value, reasons.value)


def test_the_radio_buttons_of_two_panels_do_not_exclude_each_other():
    """JupyterLab shows two notebooks in one page: a choice in one would undo that in the other."""
    names = re.compile(r'name="([\w-]+)"')
    found = [names.findall(Quiz(QUESTIONS).boxes[number].children[0].value) for number in (0, 0, 1)]
    assert [len(set(group)) for group in found] == [1, 1, 1] and len({*found[0], *found[1], *found[2]}) == 3


def test_texts_are_never_markup():
    """A `<pad>` in an answer must be seen, and not become a tag."""
    box = Quiz(QUESTIONS).boxes[1]
    for part in (box.children[0].value, box.children[-1].value):
        assert "<script" not in part and "&lt;script&gt;" in part and "<code>&lt;b&gt;</code>" in part


def test_a_page_without_widgets_gets_the_progress_and_the_way_to_the_questions(check, monkeypatch, capsys):
    """An empty output would look like a fault."""
    published = []
    monkeypatch.setattr(quiz, "display", lambda bundle, raw: published.append(bundle))
    panel = Quiz(QUESTIONS, check)
    panel._ipython_display_()
    assert published[0]["text/plain"] == panel.sentence() and "unfold" in capsys.readouterr().out
    assert published[0][quiz.WIDGET_VIEW]["model_id"] == panel.widget.model_id


@pytest.mark.parametrize("rights", [(False, False), (True, True)])
def test_a_question_has_exactly_one_right_option(rights):
    """With none, nobody can solve it; with two, one of them is called wrong."""
    options = tuple(Option(str(right), "why", right) for right in rights)
    with pytest.raises(ValueError, match="One option has to be right"):
        Question("Which?", options)
