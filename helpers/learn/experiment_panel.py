"""Predict, run, be told: the panel of one experiment, and all experiments of notebook 4 by name."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator
from html import escape

import ipywidgets as widgets

from helpers.language import _, ngettext
from helpers.learn.experiments import EXPERIMENTS, Comparison, Experiment, compare, judged, measured
from helpers.profiles import PROFILES, Profile
from helpers.show import plots
from helpers.show.lab import HyperparameterPanel
from helpers.show.lab.plan import seconds_text
from helpers.show.lab.theme import PICTURE_CLASS, style_html
from helpers.show.pictures import Picture
from helpers.show.shown import PARAGRAPH, WIDE, Shown, draw, image
from helpers.train.runs import Run

_MORE_SEEDS = 3


class Experiments:
    """The experiments by name: `experiments.rate` is a panel. Its trainings are runs of the lab.

    `profile` decides whether our own measurement was made on the learner's data.
    """

    def __init__(self, lab: HyperparameterPanel, profile: Profile):
        bundled = profile.key == PROFILES["offline"].key
        self._panels = {each.name: ExperimentPanel(each, lab, bundled) for each in EXPERIMENTS}

    def __getattr__(self, name: str) -> ExperimentPanel:
        if name.startswith("_") or name not in self._panels:
            near = difflib.get_close_matches(name, self.__dict__.get("_panels", ()), 1)
            text = (
                _("No experiment is called {name}. Did you mean experiments.{near}?")
                if near
                else _("No experiment is called {name}.")
            )
            raise AttributeError(text.format(name=name, near=near[0] if near else ""))
        return self._panels[name]

    def __dir__(self):
        return [*super().__dir__(), *self._panels]


class ExperimentPanel(Shown):
    """A prediction, a button that trains in both ways, and then what came out.

    The prediction is judged by the learner's own trainings. A training that the lab's list holds already is
    not repeated. `bundled` says whether the lab trains on the data that we measured on.
    """

    def __init__(self, experiment: Experiment, lab: HyperparameterPanel, bundled: bool):
        self.experiment = experiment
        self.prediction: str | None = None
        self._lab = lab
        self._bundled = bundled
        self._told: list[str] = []
        self._runs: dict[str, list[Run]] = {"first": [], "second": []}
        self._build()
        self._show_plan()

    # For people who prefer code

    def run(self, prediction: str | None = None, seeds: int | None = None) -> None:
        """Do in this cell what the button does: train with `seeds` seeds each, and print what came out.

        `prediction` is "first", "second" or "neither". Raises ValueError for another one, and RuntimeError if
        a training is running.
        """
        if prediction not in (None, *self.experiment.predictions()):
            raise ValueError(
                _('prediction must be "first", "second" or "neither", got {prediction!r}.').format(
                    prediction=prediction
                )
            )
        self._seeds = seeds or self.experiment.seeds
        if prediction is not None and self.prediction is None:
            self._choice.value = prediction
        self._begin()
        self._lab.run_each(self._missing(), self._ended)
        print(self.sentence())

    # What the panel shows

    def picture(self) -> Picture | None:
        """Draw the curves of the trainings so far, a colour for each way to train; None before the first."""
        named = [
            dataclasses.replace(run, name=f"{self._arm(side).name}, seed {run.settings['seed']}")
            for side, runs in self._runs.items()
            for run in runs
        ]
        numbers = [number for number, runs in enumerate(self._runs.values()) for run in runs]
        return plots.loss_curve(*named, numbers=numbers) if named else None

    def sentence(self) -> str:
        """Say what came out, or that the experiment has not been run yet."""
        return _("{first} against {second}: {told}").format(
            first=_(self._arm("first").name),
            second=_(self._arm("second").name),
            told=" ".join(self._told) or _("not run yet."),
        )

    def _build(self) -> None:
        options = [(text, outcome) for outcome, text in self.experiment.predictions().items()]
        self._choice = widgets.ToggleButtons(options=options, value=None, style={"button_width": "auto"})
        self._more = widgets.Checkbox(
            value=self.experiment.seeds > 1,
            description=_("{n} seeds each").format(n=_MORE_SEEDS),
            indent=False,
            layout=widgets.Layout(width="auto"),
        )
        self._button = widgets.Button(description=_("Run the experiment"), button_style="primary")
        self._stop = widgets.Button(description=_("Stop"), button_style="warning", disabled=True)
        self._planned = widgets.HTML()
        self._message = widgets.HTML()
        self._follow = widgets.VBox(self._lab.progress)
        self._follow.layout.display = "none"
        self._curve = image()
        self._curve.add_class(PICTURE_CLASS)
        self._result = widgets.HTML()

        # What they do
        self._choice.observe(lambda change: self._say(""), names="value")
        self._more.observe(lambda change: self._seeds_chosen(), names="value")
        self._button.on_click(lambda button: self._clicked())
        self._stop.on_click(lambda button: self._lab.stop())
        self._seeds = self.experiment.seeds

        # From top to bottom
        for button in (self._button, self._stop):
            button.layout.width = "auto"
        wrap = widgets.Layout(display="flex", flex_flow="row wrap", align_items="center")
        question = _("Which will end with the higher validation accuracy?")
        style = widgets.HTML(style_html(), layout=widgets.Layout(display="none"))
        self.widget = widgets.VBox(
            [
                style,
                widgets.HTML(f"<i>“{escape(_(self.experiment.claim))}”</i>"),
                widgets.HTML(f"<b>{question}</b>"),
                self._choice,
                widgets.Box([self._button, self._stop, self._more], layout=wrap),
                self._planned,
                self._follow,
                self._message,
                self._curve,
                self._result,
            ],
            layout=widgets.Layout(width=WIDE),
        )

    def _seeds_chosen(self) -> None:
        self._seeds = _MORE_SEEDS if self._more.value else 1
        self._show_plan()

    def _show_plan(self) -> None:
        missing = self._missing()
        count = len(missing)
        to_run = ngettext("{n} training to run", "{n} trainings to run", count).format(n=count)
        parts = [to_run if missing else _("No trainings to run")]
        if there := 2 * self._seeds - count:
            text = ngettext(
                "{n} with the same settings is in the lab's list already",
                "{n} with the same settings are in the lab's list already",
                there,
            )
            parts.append(text.format(n=there))
        seconds = self._lab.seconds(missing)
        if missing and seconds is not None:
            parts.append(_("about {duration} (an estimate)").format(duration=seconds_text(seconds)))
        self._planned.value = escape(f"{'; '.join(parts)}.")

    # The trainings

    def _arm(self, side: str):
        return self.experiment.first if side == "first" else self.experiment.second

    def _wanted(self) -> Iterator[tuple[str, dict]]:
        """Yield the side and the settings of each training, seed by seed."""
        lab = self._lab.controls.defaults
        for seed in range(lab["seed"], lab["seed"] + self._seeds):
            for side in self._runs:
                yield side, self._arm(side).settings(lab) | {"seed": seed}

    def _there(self, settings: dict) -> Run | None:
        """Return the latest finished run of the lab with these settings, if there is one."""
        for run in reversed(self._lab.runs):
            same = all(run.settings.get(name) == value for name, value in settings.items())
            if same and run.status == "finished" and run.series("accuracy")[1]:
                return run
        return None

    def _missing(self) -> list[dict]:
        return [settings for side, settings in self._wanted() if self._there(settings) is None]

    def _clicked(self) -> None:
        if self.prediction is None and self._choice.value is None:
            self._say(_("First say what you expect."))
        elif self._lab.training:
            self._say(_("Another panel trains. Press Stop in the lab to end that training, or wait."))
        else:
            self._begin()
            self._lab.run_each(self._missing(), self._ended, background=True)

    def _begin(self) -> None:
        self._switch(True)
        self._to_run = len(self._missing())
        self._planned.value = ""  # what stood there is no longer to come
        self._say(self._training(1))

    def _training(self, number: int) -> str:
        """Say which training comes next; "" after the last one."""
        if number > self._to_run:
            return ""
        return _("Training {number} of {all} …").format(number=number, all=self._to_run)

    def _switch(self, training: bool) -> None:
        """Let nobody change the prediction or press Run while it trains. A prediction that was told stays."""
        self._follow.layout.display = None if training else "none"
        self._button.disabled = training
        self._more.disabled = training
        self._stop.disabled = not training
        self._choice.disabled = training or self.prediction is not None

    def _ended(self, run: Run | None) -> None:
        """Show a training that ended, or the end of all."""
        for side, runs in self._runs.items():
            found = [self._there(settings) for wanted, settings in self._wanted() if wanted == side]
            runs[:] = [each for each in found if each is not None]
        if (picture := self.picture()) is not None:
            draw(self._curve, picture)
        if run is not None:
            following = self._to_run - len(self._missing()) + 1
            self._say(f"{run.summary()} {self._training(following)}".rstrip())
            return

        # The end of all
        self._show_plan()
        if missing := len(self._missing()):
            text = _("Not told yet: {missing} of {all} trainings did not finish. Run again.")
            self._say(text.format(missing=missing, all=2 * self._seeds))
        else:
            self._say("")
            self.prediction = self.prediction or self._choice.value
            self._tell()
        self._switch(False)

    # What came out

    def _tell(self) -> None:
        # The learner's own trainings
        accuracies = [[run.series("accuracy")[1][-1] for run in runs] for runs in self._runs.values()]
        rows = self._runs["first"][0].settings["eval_size"]
        found = compare(*accuracies, rows)
        yours = _("Yours, one seed each.") if self._seeds == 1 else _("Yours, means of {seeds} seeds each.")
        self._told = [
            f"{yours.format(seeds=self._seeds)} {self._in_words(found)}",
            judged(self.prediction, found.outcome, self.experiment),
            self.experiment.about_the_claim(found.outcome),
        ]
        if self._seeds == 1:
            self._told.append(
                _("One seed each leaves much to chance. Tick “3 seeds each” and run again to learn more.")
            )

        # Ours
        if (ours := measured(self.experiment)) is not None:
            comparison, seeds, steps = ours
            text = (
                _("Ours, means of {seeds} seeds each on the bundled data.")
                if self._bundled
                else _(
                    "Ours, means of {seeds} seeds each on the bundled data, not on your model and your texts."
                )
            )
            self._told.append(f"{text.format(seeds=seeds)} {self._in_words(comparison)}")
            if abs((made := self._runs["first"][0].step) - steps) > steps / 20:
                text = _("Yours made {steps} steps each, ours {our_steps}.")
                self._told.append(text.format(steps=made, our_steps=steps))
            self._told.append(_(self.experiment.because))

        bold = self._told[1:3]
        paragraphs = "".join(
            f"<p style='margin:4px 0'>{f'<b>{escape(text)}</b>' if text in bold else escape(text)}</p>"
            for text in self._told
        )
        self._result.value = f'<div role="status" style="{PARAGRAPH}">{paragraphs}</div>'

    def _in_words(self, comparison: Comparison) -> str:
        return comparison.sentence(_(self._arm("first").name), _(self._arm("second").name))

    def _say(self, text: str) -> None:
        self._message.value = f'<div role="status">{escape(text)}</div>' if text else ""
