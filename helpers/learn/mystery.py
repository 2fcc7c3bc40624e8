"""The mystery fault: something is wrong with a training; ask for evidence, and name the fault."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets as widgets
import numpy as np

from helpers.language import N_, _, ngettext
from helpers.learn.faults import (
    EXPLAINED,
    FAULTS,
    QUESTIONS,
    RULES,
    Evidence,
    Recipe,
    Rule,
    named,
    train,
    views,
)
from helpers.show.lab.worker import Worker
from helpers.show.pictures import Picture
from helpers.show.shown import PARAGRAPH, WIDE, Shown, draw, faded, image
from helpers.train.recording import recording
from helpers.train.runs import Run

_RULES = {rule.fault: rule for rule in RULES}
_COUNTED = (
    N_("No questions"),
    N_("One question"),
    N_("Two questions"),
    N_("Three questions"),
    N_("Four questions"),
    N_("Five questions"),
    N_("Six questions"),
)
_WRONG = (
    N_("one wrong fault"),
    N_("two wrong faults"),
    N_("three wrong faults"),
    N_("four wrong faults"),
    N_("five wrong faults"),
    N_("six wrong faults"),
)
_START = N_("Start a training with a fault")
_IT_IS_NOT = FAULTS | {"zero_grad": N_("the missing zero_grad")}  # as it stands after these words


class MysteryFault(Shown):
    """A button that trains with one of six faults, the evidence, questions, and the faults to choose from.

    `new_model(seed)` returns a fresh classifier, and `tokenizer` is its own. `reviews` maps "train" and
    "validation" to datasets with the columns "text" and "label". `learning_rate` is one that suits the model.
    `settings` are fields of `Recipe`, such as `epochs`, or its arguments `rows` and `judged`. With the same
    `seed`, the same faults come in the same order.

    The first press trains twice: without a fault, to compare with, and with one. All six faults come once
    before one comes again. For people who prefer code: `train()`, `ask("norms")`, `answer("labels")` and
    `show_answer()` do what the buttons do.
    """

    def __init__(
        self,
        new_model: Callable,
        reviews,
        tokenizer,
        learning_rate: float,
        *,
        seed: int | None = None,
        **settings,
    ):
        self.recipe = Recipe.of(new_model, reviews, tokenizer, learning_rate, **settings)
        self._random = np.random.default_rng(seed)
        self._worker = Worker(self._switch, lambda: self._show_progress(_("Stopping …")), self._say)

        # What changes while it is used
        self.healthy: Evidence | None = None
        self.evidence: Evidence | None = None
        self.asked: list[str] = []
        self.solved: dict[str, int] = {}  # fault → how many questions it took
        self._fault: str | None = None
        self._to_come: list[str] = []
        self._wrong = 0
        self._over = False  # whether this fault is solved or shown
        self._drawn = 0  # how many trainings with a fault came to their end
        self._build()
        self._switch(False)

    # For people who prefer code

    def train(self) -> None:
        """Train with a fault in this cell. Raises RuntimeError while another training runs."""
        self._worker.begin()
        with self._worker.working():
            self._train()
        print(self.sentence())

    def ask(self, question: str) -> str:
        """Ask for one of `QUESTIONS`, such as "norms". Returns a sentence; the panel shows more.

        Raises ValueError for an unknown question, and before the first training.
        """
        self._check(question, QUESTIONS)
        if question not in self.asked:
            self.asked.append(question)
        sentence, details = views.answer(question, self.evidence, self.healthy, self.recipe.label_names)
        self._add(question, sentence, details)
        told = _("{question}: below. {questions} so far.")
        self._count.value = _status(
            told.format(question=_(QUESTIONS[question]), questions=_(_COUNTED[len(self.asked)]))
        )
        return sentence

    def answer(self, fault: str) -> str:
        """Say which of `FAULTS` it is. Returns whether that is right, and why.

        Raises ValueError for an unknown fault, and before the first training.
        """
        self._check(fault, FAULTS)
        if fault == self._fault:
            if not self._over:
                self.solved[fault] = len(self.asked)
            self._explain(_("Right: {fault}.").format(fault=_(FAULTS[fault])))
        else:
            self._wrong += 1
            self._tell(self._hint(_RULES[fault]))
        return self._told

    def show_answer(self) -> str:
        """Name the fault and say what gives it away. It does not count as solved."""
        self._check(self._fault, FAULTS)
        if not self._over:  # after "Right", the answer is there already
            self._explain(_("It is: {fault}.").format(fault=_(FAULTS[self._fault])))
        return self._told

    # What the panel shows

    def picture(self) -> Picture | None:
        """Draw the curves of the training with a fault and of the healthy one; None before the first."""
        return None if self.evidence is None else views.curves(self.evidence, self.healthy)

    def sentence(self) -> str:
        """Say what the curves show, and how many faults are solved."""
        if self.evidence is None:
            nothing = _("No training yet. Press “{button}”, or call .train().").format(button=_(_START))
            return f"{nothing} {self._record_text()}"
        return f"{self.evidence.run.summary()} {self.healthy.run.summary()} {self._record_text()}"

    def _build(self) -> None:
        # Buttons
        self._start = _button(_(_START), self._start_clicked, "primary")
        self._stop = _button(_("Stop"), lambda: self._worker.stop(), "warning")
        self._questions = {
            key: _button(_(words), lambda key=key: self.ask(key)) for key, words in QUESTIONS.items()
        }
        options = [(f"{_(words)}: {_(EXPLAINED[fault])}", fault) for fault, words in FAULTS.items()]
        self._choice = widgets.RadioButtons(options=options, value=None, layout=widgets.Layout(width="auto"))
        self._check_button = _button(_("Check"), self._check_clicked, "primary")
        self._show_button = _button(_("Show the answer"), self.show_answer)
        self._next = _button(_("Next fault"), self._start_clicked, "primary")
        self._next.layout.display = "none"

        # Texts and pictures
        self._bar = widgets.IntProgress(min=0, max=1, layout=widgets.Layout(width=WIDE, max_width="34em"))
        self._progress = widgets.HTML()
        self._message = widgets.HTML()
        self._curves = image()
        self._mistakes = widgets.HTML()
        self._count = widgets.HTML()
        self._answers = widgets.VBox()
        self._verdict = widgets.HTML()
        self._explanation = widgets.HTML()
        self._record = widgets.HTML()

        # From top to bottom; what is there only after a training stands in one box
        wrap = widgets.Layout(display="flex", flex_flow="row wrap")
        self._after = widgets.VBox(
            [
                self._curves,
                self._mistakes,
                widgets.HTML(
                    _("<b>Ask for evidence.</b> Each button is one question: ask for as few as you can.")
                ),
                widgets.Box(list(self._questions.values()), layout=wrap),
                self._count,
                self._answers,
                widgets.HTML(_("<b>Which fault is it?</b>")),
                self._choice,
                widgets.Box([self._check_button, self._show_button], layout=wrap),
            ]
        )
        self.widget = widgets.VBox(
            [
                widgets.Box([self._start, self._stop], layout=wrap),
                widgets.HTML(
                    faded(
                        _(
                            "The first time it trains twice: once without a fault, to compare with. It takes "
                            "few texts, so that it is quick: the healthy training overfits, but nothing is "
                            "broken."
                        )
                    )
                ),
                self._bar,
                self._progress,
                self._message,
                self._after,
                self._verdict,
                self._explanation,
                self._record,
                self._next,
            ],
            layout=widgets.Layout(width=WIDE),
        )
        self._after.layout.display = "none"
        self._say("")
        self._record.value = escape(self._record_text())

    def _say(self, message: str, details: str = "") -> None:
        """Say how the training goes, at the top."""
        title = _("Details")
        folded = f"<details><summary>{title}</summary><pre>{escape(details)}</pre></details>"
        self._message.value = _status(message) + (folded if details else "")

    def _tell(self, verdict: str) -> None:
        """Say what an answer is worth, below the choice."""
        self._told = verdict
        self._verdict.value = _status(verdict)

    def _show_progress(self, text: str) -> None:
        self._progress.value = escape(text)

    def _switch(self, working: bool) -> None:
        """While it trains, nothing can be started or named."""
        self._start.disabled = self._next.disabled = working
        self._stop.disabled = not working
        for widget in (*self._questions.values(), self._choice, self._check_button, self._show_button):
            widget.disabled = working or self.evidence is None
        if not working:
            self._show_progress(_("Ready."))

    def _record_text(self) -> str:
        if not self.solved:
            return _("Solved: 0 of {faults}.").format(faults=len(FAULTS))
        told = "; ".join(
            f"{_(FAULTS[fault])} ({_(_COUNTED[count]).lower()})" for fault, count in self.solved.items()
        )
        left = len(FAULTS) - len(self.solved)
        text = (
            _("Solved: {solved} of {faults}: {told}. {left} left.")
            if left
            else _("Solved: {solved} of {faults}: {told}. None left.")
        )
        return text.format(solved=len(self.solved), faults=len(FAULTS), told=told, left=left)

    def _add(self, question: str, sentence: str, details: str) -> None:
        """Show an answer below the buttons; one that is there already stays."""
        heading = f"<b>{escape(_(QUESTIONS[question]))}</b>"
        if all(heading not in shown.value for shown in self._answers.children):
            shown = widgets.HTML(
                f'{heading}<div style="{PARAGRAPH}">{escape(sentence)}</div>{details}',
                layout={"max_width": WIDE},
            )
            self._answers.children = (*self._answers.children, shown)

    # Telling

    def _check(self, given: str | None, known: dict) -> None:
        if self.evidence is None:
            raise ValueError(
                _("There is no training yet. Press “{button}”, or call .train().").format(button=_(_START))
            )
        if given not in known:
            raise ValueError(
                _("Expected one of {known}, got {given!r}.").format(
                    known=", ".join(map(repr, known)), given=given
                )
            )

    def _hint(self, rule: Rule) -> str:
        """Say which of the signs of a fault that was wrongly named is missing, or where to look for it."""
        missing = [sign for sign in rule.signs if not sign.holds(self.evidence, self.healthy)]
        name = _(_IT_IS_NOT[rule.fault])
        if not missing:
            return _("It is not {fault}, though its signs are there. Another fault has clearer ones.").format(
                fault=name
            )
        seen = [sign for sign in missing if sign.question is None or sign.question in self.asked]
        sign = (seen or missing)[0]
        text = _("It is not {fault}. A sign of that would be: {sign}.").format(fault=name, sign=_(sign.words))
        if seen:
            return f"{text} {sign.told(self.evidence, self.healthy)}"
        look = _("Have you looked? Ask for “{question}”.").format(question=_(QUESTIONS[sign.question]))
        return f"{text} {look}"

    def _explain(self, verdict: str) -> None:
        """End this fault: say the verdict, the rule, and what gives the fault away in this training."""
        self._over = True
        rule = _RULES[self._fault]
        told = rule.told(self.evidence, self.healthy)
        if named(self.evidence, self.healthy) != self._fault:
            told += " " + _("In this training the signs are weaker than the rule wants: that happens.")
        count = len(rule.questions)
        enough = ngettext("{questions} was enough: {names}.", "{questions} were enough: {names}.", count)
        enough = enough.format(
            questions=_(_COUNTED[count]), names=", ".join(f"“{_(QUESTIONS[key])}”" for key in rule.questions)
        )
        asked = _(_COUNTED[len(self.asked)]).lower()
        if self._wrong:
            asked = _("You asked {questions} and named {faults} first.").format(
                questions=asked, faults=_wrong_faults(self._wrong)
            )
        else:
            asked = _("You asked {questions}.").format(questions=asked)
        self._tell(f"{verdict} {told} {_(rule.why)}")
        the_rule = _("<b>The rule:</b> {rule}.").format(rule=escape(rule.words))
        parts = [the_rule, escape(f"{enough} {asked}")]
        picture = views.giveaway(self._fault, self.evidence, self.healthy)
        png = image(picture).value
        table = views.read_and_written(self.evidence) if self._fault == "tokenizer" else ""
        self._explanation.value = "".join(f"<div>{part}</div>" for part in parts) + table + png
        self._record.value = escape(self._record_text())
        self._next.layout.display = None

    # Training

    def _train(self) -> None:
        # Leave the last fault
        self.evidence = None
        self._after.layout.display = self._next.layout.display = "none"
        self._explanation.value = self._verdict.value = self._count.value = ""
        self._say("")
        self._bar.max = self.recipe.steps * (1 if self.healthy else 2)
        self._bar.value = 0

        # A training to compare with, once
        if self.healthy is None:
            self.healthy = self._train_once(None, "healthy")
        if self.healthy is None:
            return

        # The fault. One that was not solved comes again later, and an interrupted one comes at once.
        if self._fault is not None and self._fault not in self.solved:
            self._to_come.insert(0, self._fault)
        self._fault = None
        if not self._to_come:
            self._to_come = self._random.permutation(list(FAULTS)).tolist()
        evidence = self._train_once(self._to_come[-1], f"mystery {self._drawn + 1}")
        if evidence is not None:
            self._fault = self._to_come.pop()
            self._drawn += 1
            self._show(evidence)

    def _train_once(self, fault: str | None, name: str) -> Evidence | None:
        """Train with a seed that was not there yet. Returns None if the training was stopped."""
        run = Run(name)
        before = self._bar.value
        run.listen(lambda run: self._follow(run, before))
        evidence = None
        try:
            self._worker.current = run
            with recording(run, say=self._say):
                evidence = train(self.recipe, fault, int(self._random.integers(2**31)), run)
        finally:
            self._worker.current = None
        if evidence is None and run.status == "stopped":
            self._say(_("Stopped. Nothing was trained to its end; start again when you like."))
        return evidence

    def _follow(self, run: Run, before: int) -> None:
        """Show the progress, in the thread that trains."""
        if self._worker.stopping and not run.stop_requested:
            run.request_stop()  # somebody pressed Stop between two trainings
        self._bar.value = before + run.step
        if not run.stop_requested:
            self._show_progress(
                _("{name}: step {step:,} of {steps:,}").format(
                    name=run.name, step=run.step, steps=self.recipe.steps
                )
            )

    def _show(self, evidence: Evidence) -> None:
        """Show a new training, and forget what was asked about the last one."""
        # What is known so far
        self.evidence = evidence
        self.asked = []
        self._wrong = 0
        self._over = False

        # The page
        for shown in self._answers.children:
            shown.close()
        self._answers.children = ()
        self._choice.value = None
        draw(self._curves, self.picture())
        self._mistakes.value = views.mistakes(evidence, self.recipe)
        self._after.layout.display = None
        self._say(_("Something is wrong with this training. Compare it with the healthy one. What is it?"))

    # Buttons

    def _start_clicked(self) -> None:
        if self._worker.busy:
            self._say(_("Another panel of this notebook trains. Press Stop, or wait for its end."))
        else:
            self._worker.in_background(self._train)

    def _check_clicked(self) -> None:
        if self._choice.value is None:
            self._tell(_("Choose a fault first."))
        else:
            self.answer(self._choice.value)


def _status(text: str) -> str:
    """Return HTML that a screen reader reads aloud when it changes."""
    style = f"overflow-wrap:anywhere;padding:4px 0;{PARAGRAPH}"
    return f'<div role="status" aria-live="polite" style="{style}">{escape(text)}</div>'


def _wrong_faults(count: int) -> str:
    """Write a count of 1 or more in words, and a large one in digits."""
    return _(_WRONG[count - 1]) if count <= len(_WRONG) else _("{n} wrong faults").format(n=count)


def _button(label: str, clicked: Callable[[], object], style: str = "") -> widgets.Button:
    button = widgets.Button(description=label, button_style=style, layout=widgets.Layout(width="auto"))
    button.on_click(lambda button: clicked())
    return button
