"""Drag a slider through a training, and see its answers form: a dot for each text; click one and read it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as widgets
import numpy as np

from helpers.language import N_, _
from helpers.show import formed, plots
from helpers.show.pictures import Picture
from helpers.show.review import probability_bars
from helpers.show.shown import WIDE, Shown, faded
from helpers.train.runs import Run

_NOTHING = N_("No answers yet: train first, in the lab above, then run this cell again.")
_EXPLANATION = N_(
    "Each dot is a text, in the row of its true class; the thick line is where a right and sure answer "
    "stands. The colour says whether the most probable class is the right one: filled blue dots are right, "
    "hollow orange ones are wrong. Click a dot to read its text."
)
_POSITION = {
    True: N_("The position of a dot is the mean answer: the classes, averaged with their probabilities."),
    False: N_("The position of a dot is the probability of its true class."),
}
_BOX = (
    "border:1px solid rgba(128,128,128,0.6);border-radius:4px;padding:6px 8px;margin:4px 0;"
    "max-height:180px;overflow:auto;line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere"
)
_LEFT, _RIGHT = 96, 36  # pixels beside the dots
_HEIGHT = 380  # pixels for all rows: 7 for each of 50 dots, so that the middle of each can be clicked
_DOT = 12  # pixels
_BOTTOM = 40  # pixels for the names below


class TimeSlider(Shown):
    """A slider over the moments that `KeepMoments` kept of a training, and a dot for each text.

    It shows one of `runs` at a time, and needs neither its model nor its data. Runs that kept nothing are
    left out. All dots move by one new style sheet, so a drag sends three short messages.
    """

    def __init__(self, runs: Sequence[Run]):
        self.runs = [run for run in runs if run.moments and run.watched]
        if not self.runs:
            self.widget = widgets.HTML(_(_NOTHING))
            return

        # The controls
        names = [(_described(run), number) for number, run in enumerate(self.runs)]
        finished = [number for described, number in names if self.runs[number].status == "finished"]
        self.run = _dropdown(_("run"), names, (finished or [len(names) - 1])[-1])
        self.moment = widgets.SelectionSlider(
            options=[""],
            description=_("moment"),
            style={"description_width": "60px"},
            layout=widgets.Layout(width="auto", max_width="620px"),
        )
        self.text = _dropdown(_("text"), [""], 0)

        # The dots: the style sheet and the lines behind them, then a button for each text
        self._style = widgets.HTML(layout=widgets.Layout(display="none"))
        self._lines = widgets.HTML()
        self._position = widgets.HTML(layout=widgets.Layout(max_width=WIDE))
        layout = widgets.Layout(width=f"{_DOT}px", height=f"{_DOT}px")
        most = max(len(run.watched["texts"]) for run in self.runs)
        self.dots = [widgets.Button(layout=layout) for dot in range(most)]
        area = widgets.Box(
            [self._style, self._lines, *self.dots], layout=widgets.Layout(flex="1 1 420px", min_width="0")
        )
        self._class = f"moments-{area.model_id[:8]}"
        area.add_class(self._class)

        # What is said about them
        self.words = widgets.HTML()
        self.reading = widgets.HTML(layout=widgets.Layout(flex="1 1 280px", min_width="0"))
        self.widget = widgets.VBox(
            [
                self.run,
                self.moment,
                widgets.HTML(faded(_(_EXPLANATION)), layout=widgets.Layout(max_width=WIDE)),
                self._position,
                self.words,
                self.text,
                widgets.Box([area, self.reading], layout=widgets.Layout(flex_flow="row wrap")),
            ]
        )

        # What happens when they are used
        for number, dot in enumerate(self.dots):
            dot.on_click(lambda button, number=number: self.text.set_trait("value", number))
        self._choose_run()
        self.run.observe(lambda change: self._choose_run(), "value")
        self.moment.observe(lambda change: self._update(), "value")
        self.text.observe(lambda change: self._update(), "value")

    def sentence(self) -> str:
        """Say how many answers are right at the moment of the slider."""
        return formed.moment_sentence(self._run, self.moment.value) if self.runs else _(_NOTHING)

    def picture(self) -> Picture | None:
        """Draw the dots at the first, the middle and the last moment of the run; None if there is no run."""
        return formed.answers_formed(self._run) if self.runs else None

    @property
    def _run(self) -> Run:
        return self.runs[self.run.value]

    def _choose_run(self) -> None:
        """Give the controls the moments and texts of the chosen run, and show its end."""
        run = self._run
        self._shown = False
        self.moment.options = [
            (_("step {step:,}").format(step=moment["step"]), i) for i, moment in enumerate(run.moments)
        ]
        self.moment.value = len(run.moments) - 1
        titles = _titles(run)
        self.text.options = [(title, number) for number, title in enumerate(titles)]
        for dot, title in zip(self.dots, titles):
            dot.tooltip = title
        self._lines.value = _lines(run)
        self._position.value = faded(_(_POSITION[bool(run.watched["ordered"])]))
        self._shown = True
        self._update()

    def _update(self) -> None:
        if not self._shown:  # the controls change one after another
            return
        self._style.value = _style_sheet(self._class, self._run, self.moment.value, self.text.value)
        self.words.value = (
            f'<div role="status" style="line-height:1.5"><b>{escape(self.sentence())}</b></div>'
        )
        self.reading.value = _reading(self._run, self.moment.value, self.text.value)


def _dropdown(name: str, options: list, value: int) -> widgets.Dropdown:
    return widgets.Dropdown(
        options=options,
        index=value,
        description=name,
        style={"description_width": "60px"},
        layout=widgets.Layout(width="auto", max_width="620px"),
    )


def _described(run: Run) -> str:
    """Name a run by what tells it from others: its start, its rate, and the accuracy at its end."""
    parts = [run.name]
    if "start" in run.settings:
        parts.append(run.settings["start"])
    if "learning_rate" in run.settings:
        parts.append(f"learning_rate {run.settings['learning_rate']:.2g}")
    if accuracies := run.series("accuracy")[1]:
        parts.append(_("accuracy {accuracy:.3f}").format(accuracy=accuracies[-1]))
    return ", ".join(parts) + (f" ({_(run.status)})" if run.status != "finished" else "")


def _titles(run: Run) -> list[str]:
    """Name each text by its number, its true class and its first words."""
    names = run.watched["names"]
    return [
        f"{number}: {names[label]} · {_first_words(text)}"
        for number, (text, label) in enumerate(zip(run.watched["texts"], run.watched["labels"]), 1)
    ]


def _first_words(text: str, most: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]} …"


def _row_heights(run: Run) -> tuple[int, int]:
    """Return the number of rows, and the height of one in pixels."""
    classes = len(run.watched["names"])
    count = classes if classes <= formed.MOST_ROWS else 1
    return count, _HEIGHT // count


def _across(place: float) -> str:
    """Return the CSS length from the left edge to a place between 0 and 1."""
    return f"calc({_LEFT}px + (100% - {_LEFT + _RIGHT}px) * {place:.3f})"


def _style_sheet(kind: str, run: Run, moment: int, chosen: int) -> str:
    """Return CSS that puts each dot of the area `kind` in its place, and marks the `chosen` text.

    The browser moves a dot slowly when its place changes, unless the system asks for less movement.
    """
    # What all dots share; the doubled name counts for more than JupyterLab's own rules for buttons
    count, height = _row_heights(run)
    dot = f".{kind}.{kind} > button"
    rules = [
        f".{kind} {{position:relative; height:{count * height + _BOTTOM}px; overflow:hidden}}",
        f".{kind} > div {{position:absolute; inset:0; margin:0; height:auto; width:auto}}",
        f"{dot} {{position:absolute; min-width:0; margin:-{_DOT // 2}px 0 0 -{_DOT // 2}px; padding:0; "
        f"border:2px solid {plots.BLUE}; border-radius:50%; background:{plots.BLUE}; box-shadow:none; "
        "transition:left .4s}",
        f"{dot}:hover, {dot}:focus-visible {{outline:2px solid currentColor; outline-offset:1px; z-index:3}}",
        f"{dot}:nth-of-type({chosen + 1}) {{outline:3px solid currentColor; outline-offset:2px; z-index:2}}",
        f"{dot}:nth-of-type(n+{len(run.watched['texts']) + 1}) {{display:none}}",
        f"@media (prefers-reduced-motion: reduce) {{{dot} {{transition:none}}}}",
    ]

    # The place and the colour of each
    rows, lanes = formed.rows_and_lanes(run)
    tops = (count - rows - lanes) * height
    right = formed.right_at(run, moment)
    for number, (place, top) in enumerate(zip(formed.places(run, moment), tops), 1):
        wrong = "" if right[number - 1] else f"; background:transparent; border-color:{plots.RED}"
        rules.append(f"{dot}:nth-of-type({number}) {{left:{_across(place)}; top:{top:.0f}px{wrong}}}")
    return f"<style>{' '.join(rules)}</style>"


def _lines(run: Run) -> str:
    """Return HTML for what stands behind the dots: the rows with their names, and the classes below."""
    # The rows, the first class at the bottom
    names = run.watched["names"]
    count, height = _row_heights(run)
    parts = []
    for row in range(count):
        top = (count - 1 - row) * height
        name = names[row] if count == len(names) else _("all classes")
        parts.append(_word(name, f"left:4px; width:{_LEFT - 20}px; top:{top + height / 2 - 9:.0f}px"))
        parts.append(_rule(f"left:{_LEFT - 12}px; right:0; top:{top + height}px; height:1px", 0.35))
        goal = f"left:calc({_across(formed.goals(run)[row])} - 2px)"
        parts.append(_rule(f"{goal}; width:4px; top:{top + 6}px; height:{height - 12}px", 0.45))

    # The names below
    below = _("mean answer") if run.watched["ordered"] else _("probability of the true class")
    ends = {0: names[0], 1: names[-1]} if run.watched["ordered"] else {0: "0%", 1: "100%"}
    if run.watched["ordered"] and len(names) <= 6:
        ends = dict(zip(np.linspace(0, 1, len(names)).tolist(), names))
    for place, name in ends.items():
        centred = f"left:{_across(place)}; transform:translateX(-50%); max-width:80px"
        parts.append(_word(name, f"{centred}; top:{count * height + 3}px"))
    parts.append(
        _word(
            f"{below} →", f"left:{_LEFT}px; right:{_RIGHT}px; text-align:center; top:{count * height + 20}px"
        )
    )
    alt = _(
        "{count} dots, a row for each true class, from left to right: {below}. The words above give the "
        "numbers."
    ).format(count=len(run.watched["texts"]), below=below)
    return f'<div role="img" aria-label="{escape(alt)}">{"".join(parts)}</div>'


def _word(text: str, style: str) -> str:
    shorten = "overflow:hidden; text-overflow:ellipsis; white-space:nowrap; line-height:18px; font-size:12px"
    return f'<span title="{escape(text)}" style="position:absolute; {shorten}; {style}">{escape(text)}</span>'


def _rule(style: str, opacity: float) -> str:
    """Return a line in the colour of the letters, so that it is seen in a light and in a dark theme."""
    return f'<span style="position:absolute; background:currentColor; opacity:{opacity}; {style}"></span>'


def _reading(run: Run, moment: int, number: int) -> str:
    """Return HTML with a text, its true class, the answer at this moment, and how the answer changed."""
    names = run.watched["names"]
    probabilities = formed.probabilities_at(run, moment)[number]
    answer = probabilities.argmax()
    true = run.watched["labels"][number]
    label = escape(_("the text"))
    title = _("Text {number}: {name}").format(number=number + 1, name=names[true])
    told = (
        _("At step {step:,} the answer is {name} ({probability:.0%}): right.")
        if answer == true
        else _("At step {step:,} the answer is {name} ({probability:.0%}): wrong.")
    ).format(step=run.moments[moment]["step"], name=names[answer], probability=probabilities[answer])
    return (
        f'<div style="line-height:1.5"><b>{escape(title)}</b><br>{escape(told)}</div>'
        f'<div tabindex="0" role="region" aria-label="{label}" style="{_BOX}">'
        f"{escape(run.watched['texts'][number])}</div>"
        f"{probability_bars(probabilities, names)}"
        f'<div style="line-height:1.5">{escape(_history(run, number))}</div>'
    )


def _history(run: Run, number: int, most: int = 4) -> str:
    """Say in one sentence how the answer to a text changed over the moments of the training."""
    # The moments where the answer is another than before
    names = run.watched["names"]
    answers = [formed.probabilities_at(run, moment)[number].argmax() for moment in range(len(run.moments))]
    changes = [
        _("{name} from step {step:,}").format(name=names[answer], step=run.moments[moment]["step"])
        for moment, answer in enumerate(answers)
        if moment and answer != answers[moment - 1]
    ]

    if not changes:
        return _("The answer was {name} at every moment.").format(name=names[answers[0]])
    if len(changes) > most:
        text = _("The answer changed {count} times. At last it was {last}.")
        return text.format(count=len(changes), last=changes[-1])
    text = _("The answer was {name} at first, then {changes}.")
    return text.format(name=names[answers[0]], changes=_(", then ").join(changes))
