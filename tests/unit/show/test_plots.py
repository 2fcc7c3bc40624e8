"""Protects a learner from a figure that promises what it does not show."""

import io
import subprocess
import sys

import numpy as np
import pytest
from alternatives import Pictures, says_too_little
from matplotlib.figure import Figure
from notebook_files import ROOT
from PIL import Image

from helpers.data.padding import PADDING_STRATEGIES, batch_lengths, padding_cost
from helpers.judge import Reliability
from helpers.show import judged, plots
from helpers.train.runs import Run
from helpers.train.scale import Memory

RELIABLE = Reliability(np.array([0.4, 0.8]), np.array([0.3, 0.7]), np.array([10, 30]))
LENGTHS = np.random.default_rng(0).lognormal(4.6, 0.8, 200).astype(int).clip(5, 512)


def some_run(name="a"):
    run = Run(name)
    run.start()
    for step in range(1, 21):
        run.log(step, 1.6 - step / 40)
    run.log_evaluation(20, 1.2, accuracy=0.5)
    return run


def texts(figure):
    figure.draw_without_rendering()  # tick labels exist only then
    return " ".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))


FIGURES = {
    "length_histogram": (
        lambda: plots.length_histogram(LENGTHS, 512),
        ["limit of the model: 512", f"mean: {LENGTHS.mean():.0f}"],
    ),
    "padding_bars": (
        lambda: plots.padding_bars([padding_cost(LENGTHS, 8, s) for s in PADDING_STRATEGIES]),
        ["group_by_length", "% padding"],
    ),
    "batch_lengths": (
        lambda: plots.padded_batches({s: batch_lengths(LENGTHS, 8, s) for s in PADDING_STRATEGIES}, 512),
        ["longest"],
    ),
    "loss_curve": (
        lambda: plots.loss_curve(some_run()),
        ["training loss", "validation loss", "validation accuracy"],
    ),
    "two_loss_curves": (
        lambda: plots.loss_curve(some_run("first"), some_run("second")),
        ["first", "second", "(● validation)"],
    ),
    "memory_bars": (
        lambda: plots.memory_bars({"DDP": Memory(4e10, 4e10, 8e10), "FSDP": Memory(1e10, 1e10, 2e10)}, 80),
        ["DDP", "160.0", "40.0", "a GPU of 80 GB", "optimizer"],
    ),
    "loss_comparison": (
        lambda: plots.loss_comparison(some_run("loop"), some_run("Trainer")),
        ["loop", "Trainer", "one thousandth"],
    ),
    "confusion_matrix": (
        lambda: plots.confusion_heatmap(np.diag([7, 8, 9]), ["x", "y", "z"]),
        ["predicted", "7", "z"],
    ),
    "size_curves": (
        lambda: judged.size_curves({"BERT": {250: [0.4, 0.5], 1_000: [0.6]}, "TF-IDF": {250: [0.3]}}),
        ["BERT", "TF-IDF", "1,000", "training rows"],
    ),
    "winners_fall": (
        lambda: judged.winners_fall(np.linspace(0.6, 0.7, 50), np.linspace(0.5, 0.6, 50)),
        ["on fresh rows: mean 0.550", "on the rows that chose it: mean 0.650"],
    ),
    "intervals": (
        lambda: judged.intervals(["short", "$1"], [0.5, 0.6], [(0.4, 0.6), (0.5, 0.7)], 0.55, "share", "all"),
        ["short", "share", "all"],
    ),
    "reliability_diagram": (
        lambda: judged.reliability_diagram({"raw": RELIABLE, "scaled": RELIABLE}),
        ["raw", "scaled", "as sure as right", "confidence"],
    ),
    "coverage": (
        lambda: judged.coverage(np.linspace(0, 1, 9), np.linspace(1, 0.5, 9), 0.5),
        ["on all rows: 0.500", "the surest first"],
    ),
    "power_curve": (
        lambda: judged.power_curve(np.array([10, 100, 1_000]), np.array([0.1, 0.5, 0.9]), 800),
        ["0.8 with 800 rows", "rows to judge on"],
    ),
    "accuracy_in_context": (
        lambda: plots.accuracy_in_context(0.5, 0.016, {"guessing": 0.2}),
        ["guessing", "0.500"],
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_says_what_it_shows(name):
    draw, expected = FIGURES[name]
    figure = draw()
    assert isinstance(figure, Figure)
    shown = texts(figure)
    assert [text for text in expected if text not in shown] == []


ALTS = {
    "length_histogram": f"{LENGTHS.size} texts: mean {LENGTHS.mean():.0f}, median {np.median(LENGTHS):.0f}",
    "padding_bars": f"longest {padding_cost(LENGTHS, 8, 'longest').computed_tokens:,}, of which",
    "batch_lengths": "group_by_length",
    "loss_curve": "training loss 1.58 → 1.10; validation loss 1.20, accuracy 0.500",
    "two_loss_curves": "second: running after 20 steps",
    "memory_bars": "beside a limit of 80 GB: DDP 160.0; FSDP 40.0",
    "loss_comparison": "loop and Trainer over 20 steps. Their largest difference is 0, that of",
    "confusion_matrix": "Right: x 7 of 7, y 8 of 8, z 9 of 9. Most frequent mistakes: none.",
    "size_curves": "BERT: 0.450 with 250 rows, 0.600 with 1,000 rows. TF-IDF: 0.300 with 250 rows.",
    "winners_fall": "in 50 draws: on the rows that chose it, mean 0.650, from 0.600 to 0.700; on fresh rows",
    "intervals": "share, points with intervals: short 0.500 (0.400 to 0.600); $1 0.600 (0.500 to 0.700)",
    "reliability_diagram": "raw, calibration error 0.100: right in 0.30 where 0.40 sure, right in 0.70 where",
    "coverage": "0.938 on the surest 10%, 0.875 on the surest 25%, 0.750 on the surest 50%",
    "power_curve": "10% with 10 rows, 80% with 800, 90% with 1,000.",
    "accuracy_in_context": "this run 0.500 ± 0.016 (standard error); guessing 0.200.",
}


@pytest.mark.parametrize("name", FIGURES)
def test_the_alternative_text_tells_the_numbers_that_are_drawn(name):
    draw, _ = FIGURES[name]
    alt = draw().alt
    assert ALTS[name] in alt and not says_too_little(alt), alt


def test_a_confusion_matrix_names_the_most_frequent_mistakes():
    alt = plots.confusion_heatmap(np.array([[7, 2, 0], [0, 8, 5], [1, 0, 9]]), ["x", "y", "z"]).alt
    assert "x 7 of 9, y 8 of 13, z 9 of 10" in alt
    assert alt.endswith("y taken for z, 5 times; x taken for y, 2 times; z taken for x, 1 times.")
    names = [f"class {number}" for number in range(20)]
    assert (
        "class 19 3 of 3. Most frequent mistakes: none."
        in plots.confusion_heatmap(3 * np.eye(20, dtype=int), names).alt
    )


def test_the_alternative_text_is_in_what_a_front_end_gets():
    """JupyterLab shows the HTML. The text may hold what would end the attribute."""
    figure = plots.loss_comparison(some_run('"><script>'), some_run("b"))
    bundle, metadata = figure._repr_mimebundle_()
    (picture,) = Pictures(bundle["text/html"]).found
    assert picture["alt"] == metadata["image/png"]["alt"] == bundle["text/plain"] == figure.alt
    assert "<script" not in bundle["text/html"]
    assert picture["src"] == f"data:image/png;base64,{bundle['image/png']}"


def test_figures_show_themselves_without_pyplot():
    """Without pyplot's inline backend a bare Figure prints as <Figure size …>."""
    data, size = plots.length_histogram(LENGTHS, 512)._repr_png_()
    image = Image.open(io.BytesIO(data))
    assert image.width > size["width"] > 0, "more pixels than it takes up, for sharp text"
    assert np.asarray(image.convert("L")).std() > 5, "not blank"


def test_an_empty_run_is_an_empty_plot():
    """The live curve is drawn before the first step."""
    assert plots.loss_curve(Run("new")).axes[0].get_lines() == []


def test_no_legend_promises_what_is_not_drawn():
    """Before the first evaluation there is no accuracy to name."""
    run = Run("young")
    run.log(1, 1.6)
    left, right = plots.loss_curve(run, growing=True).axes
    assert (
        "validation loss" not in texts(plots.loss_curve(run, growing=True))
        and left.get_legend() is not None
        and right.get_legend() is None
    )


def test_without_an_evaluation_there_is_no_empty_picture_of_it():
    """An empty picture looked as if something had failed."""
    run = Run("loop")
    run.log(1, 1.6)
    assert len(plots.loss_curve(run).axes) == 1 and "accuracy" not in texts(plots.loss_curve(run))


def test_the_legend_of_many_runs_leaves_their_curves_to_be_seen():
    """Two lines of legend for each of five runs lay across the left picture."""
    figure = plots.loss_curve(*(some_run(f"run {number}") for number in range(30)))
    figure.draw_without_rendering()
    legend = figure.axes[0].get_legend().get_window_extent()
    assert legend.height < 0.4 * figure.axes[0].get_window_extent().height


def test_loss_curve_shows_the_run_s_own_numbers():
    lines = plots.loss_curve(some_run()).axes[0].get_lines()
    assert lines[0].get_ydata().tolist() == some_run().series("loss")[1]


def test_smoothing_starts_at_the_first_value():
    """An uncorrected moving average starts at zero and shows a rise that never was."""
    line = plots.loss_curve(some_run()).axes[0].get_lines()[1]
    assert line.get_ydata()[0] == pytest.approx(some_run().history[0]["loss"])


@pytest.mark.parametrize("name", [r"$\href{x}$", "between $10 and $5", r"\$"])
def test_a_name_with_dollars_is_no_formula(name):
    """Names come from files and from datasets. One that was no valid formula ended the cell."""
    figures = [
        plots.loss_curve(some_run(name), some_run("b")),
        plots.loss_comparison(some_run(name), some_run("b")),
        plots.confusion_heatmap(np.eye(2, dtype=int), [name, "b"]),
    ]
    for figure in figures:
        drawn = figure._repr_png_()[0]
        assert Image.open(io.BytesIO(drawn)).size[0] > 100
        assert plots.plain(name) in texts(figure)


def test_a_style_that_wants_latex_is_no_trouble_without_it():
    """With `text.usetex: True` in a matplotlibrc, every figure ended in a RuntimeError."""
    code = (
        "import matplotlib, shutil; matplotlib.rcParams['text.usetex'] = True; shutil.which = lambda _: None;"
        "from helpers.show import plots; print(len(plots.loss_curve()._repr_png_()[0]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 1_000
