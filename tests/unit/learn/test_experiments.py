"""Protects a learner of notebook 4 from an unfair comparison, and from a verdict on other runs."""

import json
import re
import time

import numpy as np
import pytest
from notebook_files import ROOT
from transformers import TrainingArguments

from helpers.learn.experiment_panel import Experiments
from helpers.learn.experiments import EXPERIMENTS, OUTCOMES, compare, judged, measured
from helpers.profiles import PROFILES
from helpers.show.lab import HyperparameterPanel
from helpers.show.lab.controls import Controls
from helpers.show.told import told_apart
from helpers.train import Run, planned_steps

ARGS = TrainingArguments(
    output_dir="out", learning_rate=5e-4, num_train_epochs=3, per_device_train_batch_size=8, seed=42
)
FOUND = json.loads((ROOT / "helpers" / "offline" / "experiments" / "experiments.json").read_text("utf-8"))
BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}
each_experiment = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=BY_NAME)


# What is compared


@pytest.mark.parametrize(
    ("name", "changed"),
    {
        "rate": {"learning_rate": (5e-5, 5e-4)},
        "twice": {"learning_rate": (5e-4, 1e-3)},
        "start": {"start": ("random weights", "pretrained")},
        "frozen": {"start": ("frozen body", "pretrained")},
        "decay": {"weight_decay": (0.0, 0.3)},
        "texts": {"train_size": (500, 1_000), "num_train_epochs": (6, 3)},
    }.items(),
)
def test_the_two_ways_to_train_differ_in_nothing_else(name, changed):
    """A second difference would make it impossible to say what the accuracy comes from."""
    lab = Controls(ARGS, train_rows=1_000, layers=2).defaults
    first, second = (arm.settings(lab) for arm in (BY_NAME[name].first, BY_NAME[name].second))
    assert first.keys() == second.keys() == lab.keys(), "the lab has a control for each"
    different = {key: (first[key], second[key]) for key in lab if first[key] != second[key]}
    assert different == changed


def test_half_the_texts_make_as_many_steps():
    """With more steps, not the texts but the steps would be compared."""
    lab = Controls(ARGS, train_rows=1_000, layers=2).defaults
    steps = [
        planned_steps(settings["train_size"], 8, settings["num_train_epochs"])
        for settings in (arm.settings(lab) for arm in (BY_NAME["texts"].first, BY_NAME["texts"].second))
    ]
    assert steps[0] == pytest.approx(steps[1], rel=0.01)


# What is called different


def test_one_training_each_is_told_apart_as_in_the_lab():
    """The lab and the experiments must not contradict each other about the same two runs."""
    for gap in (0.03, 0.04, 0.043, 0.046, 0.05):
        runs = [Run(name, settings={"eval_size": 1_000}) for name in ("a", "b")]
        for run, accuracy in zip(runs, (0.5, 0.5 + gap)):
            run.log_evaluation(1, 1.0, accuracy=accuracy)
        found = compare([0.5], [0.5 + gap], 1_000)
        assert (found.outcome == "neither") == ("cannot be told apart" in told_apart(*runs)), gap


def test_equal_trainings_are_hardly_ever_called_different():
    """Twenty bundled trainings differ in their seed only. Three accuracies that lie close together by chance
    would make any difference look certain.
    """
    answers = np.load(ROOT / "helpers" / "offline" / "answers" / "answers.npz")
    accuracies = (answers["seeds"].argmax(-1) == answers["labels"])[:, :1_000].mean(axis=1)
    random = np.random.default_rng(0)
    for seeds in (1, 3, 5):
        groups = [np.split(random.permutation(accuracies)[: 2 * seeds], 2) for _ in range(500)]
        false = [compare(list(one), list(other), 1_000).outcome != "neither" for one, other in groups]
        found = [compare(list(one), list(other + 0.05), 1_000).outcome == "second" for one, other in groups]
        assert np.mean(false) < 0.02 and (seeds == 1 or np.mean(found) > 0.9), seeds


def test_an_arm_without_an_accuracy_is_refused():
    with pytest.raises(ValueError, match="at least one accuracy"):
        compare([0.5], [], 1_000)


@pytest.mark.parametrize(
    ("prediction", "outcome", "said"),
    [
        ("first", "first", "so it came out"),
        ("second", "second", "so it came out"),
        ("neither", "neither", "so it came out"),
        ("first", "second", "the other way round"),
        ("second", "first", "the other way round"),
        ("first", "neither", "do not show it"),
        ("second", "neither", "do not show it"),
        ("neither", "first", "they can"),
        ("neither", "second", "they can"),
        (None, "first", "predicted nothing"),
    ],
)
def test_a_prediction_is_judged_by_what_came_out(prediction, outcome, said):
    assert said in judged(prediction, outcome, BY_NAME["rate"])


def test_the_claim_in_the_panel_is_the_claim_of_the_notebook():
    """The panel judges the claim, so it must be the one that the learner read above it."""
    notebook = json.loads((ROOT / "notebooks" / "04_lab.ipynb").read_text("utf-8"))
    text = "".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    assert [experiment.claim for experiment in EXPERIMENTS if f'*"{experiment.claim}"*' not in text] == []


@pytest.mark.parametrize(
    ("name", "refuted", "holding"),
    [
        ("rate", {"second"}, {"first"}),
        ("decay", {"first"}, {"second"}),
        ("twice", set(), {"first", "second"}),
    ],
)
def test_a_claim_is_judged_and_no_difference_decides_nothing(name, refuted, holding):
    """Not seeing a difference is no proof that there is none, so it may not refute a claim."""
    said = {outcome: BY_NAME[name].about_the_claim(outcome) for outcome in OUTCOMES}
    assert {outcome for outcome, text in said.items() if "is refuted" in text} == refuted
    assert {outcome for outcome, text in said.items() if "holds here" in text} == holding
    assert "neither refuted nor supported" in said["neither"]


# The panel


class Training:
    """Stands for the notebook's `train`: the accuracy follows the learning rate and, a little, the seed."""

    def __init__(self):
        self.settings, self.stops_at = [], None
        self.by_rate = {5e-5: 0.40, 5e-4: 0.55, 1e-3: 0.555}

    def __call__(self, args, run, train_size, start, freeze):
        self.settings.append((args.learning_rate, args.seed))
        for step in range(1, 21):
            run.log(step, 1.6 - step / 40)
        if len(self.settings) == self.stops_at:
            run.request_stop()
        else:
            run.log_evaluation(20, 1.2, accuracy=self.by_rate[args.learning_rate] + args.seed / 10_000)


@pytest.fixture
def training():
    return Training()


@pytest.fixture
def lab(training, tmp_path):
    return HyperparameterPanel(training, ARGS, train_rows=1_000, eval_rows=1_000, folder=tmp_path, layers=2)


@pytest.fixture
def experiments(lab):
    return Experiments(lab, PROFILES["offline"])


def pressed(panel):
    panel._button.click()
    end = time.monotonic() + 60
    while panel._lab.training:
        assert time.monotonic() < end
        time.sleep(0.01)


def said(panel):
    return panel._message.value + panel._result.value


def test_without_a_prediction_nothing_is_trained(experiments, training):
    """Whoever predicts after the result has learned nothing."""
    pressed(experiments.rate)
    assert training.settings == [] and "First say" in said(experiments.rate)
    experiments.rate._choice.value = "first"
    assert "First say" not in said(experiments.rate), "it was said"


def test_the_learners_own_runs_decide(experiments, training, lab):
    """Here the high rate is the worse one. What we measured must not judge the learner's prediction."""
    training.by_rate = {5e-5: 0.55, 5e-4: 0.30}
    panel = experiments.rate
    panel._choice.value = "first"
    pressed(panel)
    assert training.settings == [(5e-5, 42), (5e-4, 42)] and len(lab.runs) == 2
    assert "5e-5: 0.554; 5e-4: 0.304" in panel.sentence() and "so it came out" in panel.sentence()
    assert "Ours, means of 5 seeds each on the bundled data." in panel.sentence()
    assert "So the claim holds here." in panel.sentence()
    assert "Yours made 20 steps each, ours 375." in panel.sentence()
    assert panel.picture().alt.count("5e-5, seed 42") == 1
    assert panel.sentence().split(": ", 1)[1][:40] in said(panel), "the page says the same"


def test_nothing_is_given_away_before_the_run(experiments):
    """The result on the page would be the learner's prediction."""
    for experiment in EXPERIMENTS:
        panel = getattr(experiments, experiment.name)
        pages = [
            child.value for child in panel.widget.children if isinstance(getattr(child, "value", 0), str)
        ]
        assert panel.picture() is None and "not run yet" in panel.sentence()
        assert not any("Ours" in page or experiment.because[:20] in page for page in pages)


def test_a_training_is_not_repeated_and_a_told_prediction_stays(experiments, training):
    """Three seeds after one train twice more each. A prediction that could be changed now would always be
    right.
    """
    panel = experiments.rate
    panel._choice.value = "neither"
    pressed(panel)
    panel._more.value = True
    assert panel._planned.value.startswith("4 trainings to run; 2 with the same settings are in the lab")
    pressed(panel)
    assert len(training.settings) == len(set(training.settings)) == 6 and panel._choice.disabled
    assert "means of 3 seeds each" in panel.sentence() and "they can" in panel.sentence()
    # Another experiment shares the runs at the lab's own rate
    experiments.twice.run("neither")
    assert len(training.settings) == 9 and "so it came out" in experiments.twice.sentence()


def test_a_stopped_experiment_is_not_told_and_goes_on(experiments, training, lab):
    """Half an experiment says nothing, and the half that is there must not be lost."""
    training.stops_at = 2
    panel = experiments.rate
    panel._choice.value = "second"
    pressed(panel)
    assert "1 of 2 trainings did not finish" in said(panel) and "not run yet" in panel.sentence()
    assert not panel._choice.disabled and not panel._button.disabled
    pressed(panel)
    assert training.settings == [(5e-5, 42), (5e-4, 42), (5e-4, 42)] and "so it came out" in panel.sentence()


def test_moved_sliders_change_no_experiment(experiments, training, lab):
    lab.controls.set(learning_rate=1e-3, train_size=500, start="frozen body")
    experiments.rate.run("second")
    assert training.settings == [(5e-5, 42), (5e-4, 42)]
    assert {run.settings["start"] for run in lab.runs} == {"pretrained"}


def test_a_wrong_name_is_named(experiments):
    with pytest.raises(AttributeError, match=r"Did you mean experiments\.frozen"):
        _ = experiments.frozn
    with pytest.raises(ValueError, match='"neither"'):
        experiments.rate.run("third")


# What we measured


@each_experiment
def test_each_experiment_was_measured(experiment):
    """The panel says five seeds on the bundled data."""
    comparison, seeds, steps = measured(experiment)
    assert seeds == 5 and steps == pytest.approx(375, rel=0.02) and 0.2 < comparison.second < 0.7


def test_what_the_explanations_say_was_measured():
    """They were written for these figures. A new measurement may need new words."""
    outcomes = {name: measured(experiment)[0].outcome for name, experiment in BY_NAME.items()}
    assert outcomes == dict.fromkeys(("rate", "start", "frozen"), "second") | dict.fromkeys(
        ("twice", "decay", "texts"), "neither"
    )
    trainings = FOUND["trainings"]
    lab, half = trainings["5e-4"], trainings["half the texts, twice the epochs"]
    assert min(np.subtract(half["eval_loss"], lab["eval_loss"])) > 0, "higher with each of the five seeds"

    # Each decimal number of a text is one of the figures
    steps = np.arange(375)
    figures = {
        "rate": [trainings["5e-5"]["eval_loss"], np.log(5)],
        "frozen": [trainings["frozen body, 16 times the rate"]["accuracy"]],
        "decay": [100 * (5e-4 * (1 - steps / 375) * 0.3).sum()],
        "texts": [run[loss] for run in (lab, half) for loss in ("training_loss", "eval_loss")],
    }
    for name, experiment in BY_NAME.items():
        said = re.findall(r"\d\.\d+", experiment.because)
        for number in said:
            decimals = len(number.split(".")[1])
            right = [f"{np.mean(figure):.{decimals}f}" for figure in figures[name]]
            assert number in right, (name, number, right)
        assert bool(said) == (name in figures)


def test_the_measured_file_says_how_it_was_made():
    assert FOUND["experiments"].keys() == BY_NAME.keys() and FOUND["profile"] == "offline"
    assert (ROOT / FOUND["command"].split()[1]).exists() and FOUND["eval_size"] == 1_000
    lab = Controls(ARGS, train_rows=1_000, layers=2).defaults
    for name, experiment in BY_NAME.items():
        for arm, trained in zip((experiment.first, experiment.second), FOUND["experiments"][name]):
            measured_with = FOUND["trainings"][trained]["settings"]
            assert measured_with.items() <= arm.settings(lab).items(), "the experiment has changed since"
