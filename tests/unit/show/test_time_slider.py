"""Protects a learner from dots that stand elsewhere than the answers, and from bars of another change."""

import re

import numpy as np
import pytest
from seen import HOSTILE, LABELS, Read

from helpers.show import TimeSlider, formed
from helpers.train.runs import Run


def made_run(name="made", classes=5, ordered=True, texts=10, names=LABELS):
    """A run whose model first guesses, then is half sure, then is sure. Its last text stays wrong."""
    labels = np.arange(texts) % classes
    answers = np.eye(classes)[labels]
    answers[-1] = np.eye(classes)[(labels[-1] + 1) % classes]
    run = Run(name)
    run.watched = {
        "texts": [f"{HOSTILE} number {i}" for i in range(texts)],
        "labels": labels.tolist(),
        "names": list(names[:classes]),
        "ordered": ordered,
    }
    for step, sureness in ((0, 0.0), (8, 0.5), (1_200, 1.0)):
        probabilities = (1 - sureness) / classes + sureness * answers
        run.moments.append({"step": step, "probabilities": probabilities.tolist()})
    return run


@pytest.fixture
def run():
    return made_run()


@pytest.fixture
def slider(run):
    return TimeSlider([Run("without"), run])


def styled(slider):
    """Return for each dot its place from 0 to 1, its top in pixels, and whether it is hollow."""
    found = re.findall(
        r"nth-of-type\(\d+\) \{left:calc\(\d+px \+ .*?\* ([\d.]+)\); top:(\d+)px(.*?)\}", slider._style.value
    )
    return [(float(place), int(top), "transparent" in more) for place, top, more in found]


def reading(slider):
    return Read(re.sub(r' (tabindex|role|aria-label)="[^"]*"', "", slider.reading.value))


def test_the_dots_move_from_the_middle_to_their_class(slider, run):
    """The picture says what the model knows: at first nothing."""
    slider.moment.value = 0
    assert [place for place, _, _ in styled(slider)] == [0.5] * 10
    slider.moment.value = 1
    halfway = [place for place, _, _ in styled(slider)]
    slider.moment.value = 2
    stars = np.array(run.watched["labels"]) / 4
    at_the_end = [place for place, _, _ in styled(slider)]
    assert at_the_end == pytest.approx([*stars[:-1], 0.0]), "the last text is taken for the first class"
    assert halfway == pytest.approx((0.5 + np.array(at_the_end)) / 2)


def test_a_dot_stands_in_the_row_of_its_true_class_and_no_dot_hides_another(slider, run):
    places = styled(slider)
    assert len({(place, top) for place, top, _ in places}) == len({top for _, top, _ in places}) == 10
    for label, (_, top, _) in zip(run.watched["labels"], places):
        assert (4 - label) * 76 < top < (5 - label) * 76


def test_a_hollow_dot_is_a_wrong_answer(slider):
    assert [hollow for _, _, hollow in styled(slider)] == [False] * 9 + [True]


def test_the_sentence_counts_what_the_dots_show(slider):
    assert slider.sentence() == (
        "Step 1,200: 9 of 10 answers are right. The true class gets 90% of the probability on average; a "
        "guess gives it 20%."
    )
    slider.moment.value = 1
    assert "Step 8: 9 of 10" in slider.words.value and "gets 55%" in slider.words.value


def test_a_click_shows_the_whole_text_and_how_its_answer_changed(slider, run):
    slider.dots[9].click()
    read = reading(slider)
    assert run.watched["texts"][9] in read.text and "script" not in read.tags and "b" in read.tags
    assert f"Text 10: {LABELS[4]}" in read.text and f"the answer is {LABELS[0]} (100%): wrong." in read.text
    assert slider.text.value == 9 and "nth-of-type(10) {outline" in slider._style.value
    slider.text.value = 1
    assert f"{LABELS[1]} (100%): right." in reading(slider).text


def test_every_dot_says_what_it_is_without_the_picture(slider):
    """Fifty buttons without a name would be a wall for whoever uses a screen reader."""
    titles = [dot.tooltip for dot in slider.dots]
    assert titles[3].startswith(f"4: {LABELS[3]} · <script>") and len(set(titles)) == 10
    assert [title for title, _ in slider.text.options] == titles


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([1, 1, 1], "The answer was b at every moment."),
        ([0, 1, 1], "The answer was a at first, then b from step 1."),
        ([0, 1, 2], "The answer was a at first, then b from step 1, then c from step 2."),
        ([0, 1, 0, 1, 0, 1], "The answer changed 5 times. At last it was b from step 5."),
    ],
)
def test_the_history_names_each_change_once(answers, said):
    from helpers.show.moments import _history

    run = Run("changes")
    run.watched = {"names": ["a", "b", "c"]}
    run.moments = [
        {"step": step, "probabilities": [np.eye(3)[answer].tolist()]} for step, answer in enumerate(answers)
    ]
    assert _history(run, 0) == said


def test_classes_without_an_order_move_towards_their_own_probability():
    """There is no middle between politics and sport."""
    slider = TimeSlider([made_run(ordered=False)])
    assert [place for place, _, _ in styled(slider)] == [1] * 9 + [0]
    slider.moment.value = 0
    assert [place for place, _, _ in styled(slider)] == [0.2] * 10
    assert "probability of the true class" in slider._lines.value


def test_many_classes_share_a_row_and_stay_apart():
    slider = TimeSlider([made_run(classes=20, texts=40, names=[f"class {i}" for i in range(20)])])
    assert "all classes" in slider._lines.value and len({top for _, top, _ in styled(slider)}) == 40
    assert slider.picture().alt


def test_another_run_brings_its_own_moments_and_texts(run):
    """A dot of the last run would tell of a text that this run never saw."""
    short = made_run("short", texts=4)
    short.moments.pop()
    slider = TimeSlider([run, short])
    assert slider._run is short and len(slider.dots) == 10
    assert "nth-of-type(n+5) {display:none}" in slider._style.value
    slider.run.value = 0
    assert slider.moment.value == 2 and len(slider.text.options) == 10 and len(styled(slider)) == 10


def test_the_last_finished_run_is_shown_first_and_each_says_what_it_is(run):
    """A list of numbers does not say which run is which, and a stopped run shows no whole training."""
    run.settings = {"start": "frozen body", "learning_rate": 5e-4}
    run.log_evaluation(1_200, 1.0, accuracy=0.512)
    run.status = "finished"
    stopped = made_run("later")
    stopped.status = "stopped"
    slider = TimeSlider([run, stopped])
    assert slider._run is run
    assert [name for name, _ in slider.run.options] == [
        "made, frozen body, learning_rate 0.0005, accuracy 0.512",
        "later (stopped)",
    ]


def test_without_moments_it_says_what_to_do():
    """Run All comes here before the learner has trained anything."""
    slider = TimeSlider([Run("without")])
    assert "train first" in slider.sentence() and slider.picture() is None


def test_a_page_without_widgets_has_three_moments_in_a_picture(slider):
    picture = slider.picture()
    first, _, last = picture.axes
    assert [ax.get_title() for ax in picture.axes] == ["step 0", "step 8", "step 1,200"]
    np.testing.assert_allclose(first.collections[0].get_offsets()[:, 0], 0.5)
    assert last.collections[0].get_offsets()[:, 0].max() == 1
    assert "Step 8: 9 of 10 answers" in picture.alt
    with pytest.raises(ValueError, match="has kept no moments"):
        formed.answers_formed(Run("without"))


def test_the_bars_are_the_measured_changes_side_by_side():
    runs = [Run("pretrained"), Run("frozen <b>"), Run("without")]
    runs[0].moved = {"embeddings": 0.046, "layer 1": 0.5, "head": 1.25}
    runs[1].moved = {"embeddings": 0.0, "layer 1": 0.0, "head": 6.7}
    picture = formed.layers_moved(*runs)
    body, head = picture.axes
    assert [bar.get_width() for bar in body.patches] == [0.046, 0.5, 0, 0]
    assert [bar.get_width() for bar in head.patches] == [1.25, 6.7]
    assert [text.get_text() for text in body.texts] == ["4.6%", "50%", "0", "0"]
    assert [label.get_text() for label in head.get_yticklabels()] == ["classifier"]
    assert "scale of its own" in head.get_title()
    assert [label.get_text() for label in body.get_yticklabels()] == ["embeddings", "layer 1"]
    middles = [bar.get_y() + bar.get_height() / 2 for bar in body.patches]
    assert np.round(middles).tolist() == [0, 1, 0, 1], "the bars of a part stand at its name"
    assert "pretrained: embeddings 4.6%, layer 1 50%, classifier 125%." in picture.alt
    assert "frozen <b>: embeddings 0" in picture.alt
    colours = {bar.get_facecolor() for bar in body.patches}
    assert len(colours) == 2 and len({bar.get_hatch() for bar in body.patches}) == 2
    with pytest.raises(ValueError, match="KeepMovement"):
        formed.layers_moved(Run("without"))
