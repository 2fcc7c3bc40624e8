"""Multiple-choice questions at a notebook's end, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from uuid import uuid4

import ipywidgets as widgets
from IPython.display import display

from helpers.language import _
from helpers.show.shown import WIDE, WIDGET_VIEW

_NO_CHOICE = "none"
_HEADING = '<h2 style="margin:4px 0">{}</h2>'
# The radio buttons of ipywidgets know no arrow keys, since they have no common name. So the browser's own
# radio buttons stand in HTML. Python cannot read these. So each option has a button "Check" of its own, and
# this style shows the one whose option is chosen. The reasons stand on the page from the start, hidden: a
# screen reader announces what appears inside a live region, but not a live region that is new itself.
_STYLE = """<style>
.quiz-question {word-break: keep-all}
.quiz-question fieldset {border: 0; margin: 0; padding: 0; min-width: 0}
.quiz-question legend {font-weight: bold; line-height: 1.4; padding: 0; margin-bottom: 4px; width: 100%}
.quiz-question label {display: flex; align-items: baseline; line-height: 1.4; padding: 3px 0; cursor: pointer}
.quiz-question fieldset input {flex: none; margin: 0 8px 0 2px}
.quiz-question .quiz-why {display: none; line-height: 1.4; padding: 2px 8px; border-left: 4px solid #D55E00}
.quiz-question .quiz-why.quiz-right {border-color: #009E73}
.quiz-question .quiz-check {display: none}
.quiz-question:not(:has(input:checked)) .quiz-check-none {display: inline-block}
</style>"""


@dataclass(frozen=True)
class Option:
    """One possible answer. `why` says why it is right or wrong.

    The texts of options and questions are marked with `N_`, and may hold `code` between backticks.
    """

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with exactly one right option."""

    text: str
    options: tuple[Option, ...]

    def __post_init__(self):
        right = sum(option.right for option in self.options)
        if right != 1:
            raise ValueError(f"One option has to be right, but {right} are: {self.text!r}. Mark one of them.")


class Quiz:
    """The questions of one notebook, and a line of progress below them.

    `check` holds the notebook's exercises. The line follows when one of them is solved later. A wrong answer
    gets its reason; the learner may answer again.
    """

    def __init__(self, questions: Sequence[Question], check=None):
        self.questions = tuple(questions)
        self.check = check
        self.answers: dict[int, int] = {}  # the option last checked, by the question's number from 0
        self.boxes = [self._box(number, question) for number, question in enumerate(self.questions)]
        self.progress = widgets.HTML()
        heading = _("Check yourself")
        self.widget = widgets.VBox(
            [
                widgets.HTML(_STYLE + _choices_style(self.questions) + _HEADING.format(heading)),
                *self.boxes,
                self.progress,
            ],
            layout=widgets.Layout(width=WIDE),
        )
        if check is not None:
            check.listen(self._update)
        self._update()

    def answer(self, number: int, choice: int | None) -> None:
        """Check option `choice` of question `number`, both counted from 0. None: nothing is chosen yet."""
        box = self.boxes[number]
        for name in [name for name in box._dom_classes if name.startswith("quiz-told")]:
            box.remove_class(name)
        box.add_class(f"quiz-told-{_NO_CHOICE if choice is None else choice}")
        if choice is not None:
            self.answers[number] = choice
        self._update()

    def sentence(self) -> str:
        """Say how many exercises are solved and how many questions are answered right."""
        right = sum(self.questions[number].options[choice].right for number, choice in self.answers.items())
        told = _("{right} of {all} questions answered right.").format(right=right, all=len(self.questions))
        if self.check is None or not self.check.exercises:
            return told
        return f"{self.check.progress()} {told}"

    def _ipython_display_(self) -> None:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        display({"text/plain": self.sentence(), WIDGET_VIEW: view}, raw=True)
        print(_("No questions with buttons here? The same ones stand below: unfold them."))

    def _update(self) -> None:
        self.progress.value = f"<b>{self.sentence()}</b>"

    def _box(self, number: int, question: Question) -> widgets.VBox:
        """Return the widgets of one question: its options, the buttons that check, the reasons."""
        buttons = []
        for choice in (None, *range(len(question.options))):
            tooltip = _("Check the answer to question {number}").format(number=number + 1)
            button = widgets.Button(description=_("Check"), tooltip=tooltip)
            button.add_class("quiz-check")
            button.add_class(f"quiz-check-{_NO_CHOICE if choice is None else choice}")
            button.on_click(lambda button, choice=choice: self.answer(number, choice))
            buttons.append(button)
        parts = [widgets.HTML(_options(number, question)), *buttons, widgets.HTML(_reasons(question))]
        box = widgets.VBox(parts, layout=widgets.Layout(margin="0 0 14px 0"))
        box.add_class("quiz-question")
        return box


def marked(text: str) -> str:
    """Return `text` as HTML: what stands between backticks becomes code, the rest stays text."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _options(number: int, question: Question) -> str:
    """Return the radio buttons. Those of one name exclude each other, also in another notebook on the page.

    Without the attribute of each button, JupyterLab takes the arrow keys for itself.
    """
    name = f"quiz-{uuid4().hex}"
    labels = "".join(
        f'<label><input type="radio" name="{name}" class="quiz-option-{choice}" data-lm-suppress-shortcuts>'
        f"<span>{marked(_(option.text))}</span></label>"
        for choice, option in enumerate(question.options)
    )
    legend = f"<legend>{number + 1}. {marked(_(question.text))}</legend>"
    return f"<fieldset>{legend}{labels}</fieldset>"


def _reasons(question: Question) -> str:
    """Return all reasons in a live region, hidden until their option is checked."""
    first = _("Choose an answer first.")
    told = [f'<div class="quiz-why quiz-why-{_NO_CHOICE}">{first}</div>']
    for choice, option in enumerate(question.options):
        sign, kind = (_("✓ Right."), " quiz-right") if option.right else (_("✗ Not so."), "")
        said = _("You said “{answer}”. {why}").format(
            answer=marked(_(option.text).rstrip(".")), why=marked(_(option.why))
        )
        told.append(f'<div class="quiz-why quiz-why-{choice}{kind}"><b>{sign}</b> {said}</div>')
    return f'<div role="status" aria-live="polite">{"".join(told)}</div>'


def _choices_style(questions: Sequence[Question]) -> str:
    """Return the style that shows the button of the chosen option, and the reason of the checked one."""
    choices = range(max((len(question.options) for question in questions), default=0))
    buttons = "".join(
        f".quiz-question:has(.quiz-option-{n}:checked) .quiz-check-{n} {{display: inline-block}}\n"
        for n in choices
    )
    reasons = "".join(f".quiz-told-{n} .quiz-why-{n} {{display: block}}\n" for n in (_NO_CHOICE, *choices))
    return f"<style>{buttons}{reasons}</style>"
