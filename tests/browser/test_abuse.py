"""Protects an impatient learner: fast clicks, drags, a reload, a restart or a second panel lose nothing."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.faults

PREPARE = """
import threading, time
from pathlib import Path
from transformers import TrainingArguments
from helpers.train.steps import planned_steps
from helpers.show.lab.panel import HyperparameterPanel
args = TrainingArguments(
    output_dir="out",
    num_train_epochs=2,
    per_device_train_batch_size=8,
    learning_rate=1e-4,
    seed=1,
    report_to="none",
)
seen, at_once, pause, preparation = [], 0, 0.05, 0.3

def train(args, run, train_size, start="pretrained", freeze=0):
    global at_once
    at_once += 1
    assert at_once == 1, "two trainings at once"
    try:
        time.sleep(preparation)  # a model is loaded; then Trainer starts the run anew
        run.start()
        steps = planned_steps(train_size, args.per_device_train_batch_size, args.num_train_epochs)
        for step in range(1, 1 + steps):
            time.sleep(pause)
            run.log(step, 1.6 - step / 400, learning_rate=args.learning_rate)
            seen.append([run.name, args.learning_rate, args.num_train_epochs])
            if run.stop_requested:
                return "half a model"
        run.log_evaluation(step, 1.2, accuracy=0.5)
        return "a model"
    finally:
        at_once -= 1
"""
FIRST = """
panel = HyperparameterPanel(
    train, args, train_rows=80, eval_rows=100, folder="../runs/abuse", layers=4
)
panel
"""
SECOND = """
other = HyperparameterPanel(train, args, train_rows=80, eval_rows=100, folder="../runs/abuse_other")
other
"""
AGAIN = "panel  # shown again"


@pytest.fixture(scope="module")
def opened(lab):
    lab.put("abuse.ipynb", [PREPARE, FIRST, SECOND, AGAIN])
    lab.open("abuse.ipynb")
    lab.run_all()
    return lab


@pytest.fixture
def place(opened):
    """Return the first panel on the page. After the test, nothing trains."""
    opened.ask(
        "panel.controls.reset() or other.controls.reset() or globals().update(pause=0.05, preparation=0.3)"
    )
    yield opened.cell("panel = Hyper")
    opened.ask("panel.stop(wait=True)")


def button(place, name):
    return place.get_by_role("button", name=name, exact=True)


def wait_for(lab, condition: str, seconds: float = 30):
    """Wait until this expression is true in the kernel."""
    for _ in range(int(seconds * 5)):
        if lab.ask(condition):
            return
        lab.page.wait_for_timeout(200)
    raise AssertionError(f"never came about: {condition}")


def check_idle(lab, place, panel: str = "panel"):
    """Check that nothing is left over.

    No training runs, Run can be pressed and Stop cannot. Each run has ended and is on the disk. The page
    shows no error.
    """
    wait_for(lab, f"not {panel}.training")
    expect(button(place, "Run")).to_be_enabled()
    expect(button(place, "Stop")).to_be_disabled()
    assert lab.ask(
        "[at_once, sum('train' in str(thread) or 'guarded' in str(thread) for thread in"
        " threading.enumerate())]"
    ) == [0, 0]
    assert lab.ask(f"[{panel}._worker.active, {panel}._worker.current, {panel}._growing]") == [
        None,
        None,
        None,
    ]
    assert lab.ask(f"{{run.status for run in {panel}.runs}} <= {{'finished', 'stopped'}}")
    assert lab.ask(
        f"sorted(path.stem for path in {panel}._folder.folder.glob('*'))"
        f" == sorted(run.name.replace(' ', '_') for run in {panel}.runs)"
    )
    assert place.get_by_role("button", name="Delete", exact=True).count() == lab.ask(f"len({panel}.runs)")
    assert place.get_by_text("Stopping …").count() == 0
    assert (
        lab.page.get_by_text("Traceback").count() == 0
        and lab.page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    )


def press_run(lab, place, panel: str = "panel"):
    """Press Run, and check that a training begins."""
    done = lab.ask("len(seen)")
    expect(button(place, "Run")).to_be_enabled()
    button(place, "Run").click()
    wait_for(lab, f"{panel}.training and len(seen) > {done + 2}")


def boxes(place, selector: str):
    """Return left, top, right and bottom of all that is visible, in pixels of the page."""
    corners = "const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]"
    return place.locator(selector).evaluate_all(
        f"all => all.filter(e => e.offsetParent).map(e => {{ {corners} }})"
    )


def test_sliders_and_curve_are_on_one_screen_and_on_a_narrow_page_one_under_the_other(opened, place):
    """A slider is there to be moved while one sees the curve. The curve once stood below all sliders."""
    page = opened.page
    page.evaluate("() => jupyterapp.shell.expandLeft()")
    page.set_viewport_size({"width": 1200, "height": 800})
    output = place.locator(".jp-OutputArea-child").first
    output.evaluate("element => element.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)
    (screen,) = boxes(page, ".jp-Notebook:visible .jp-WindowedPanel-outer")
    controls = ".widget-slider, .widget-dropdown, .widget-text, .progress, .widget-hprogress"
    left = [*boxes(place, controls), *boxes(place, "button.mod-primary, button.mod-warning")]
    right = boxes(place, "img")
    assert len(left) >= 13 and len(right) == 2 and screen[2] - screen[0] < 900
    for box in (*left, *right):
        assert screen[0] <= box[0] and box[2] <= screen[2] and screen[1] <= box[1] and box[3] <= screen[3]
    assert max(box[2] for box in left) <= min(box[0] for box in right), "beside each other, not over"
    assert right[0][3] <= right[1][1], "the schedule above the curve"
    wide = "e => e.scrollWidth > e.clientWidth + 1"
    assert not output.evaluate(wide) and not page.locator(".jp-WindowedPanel-outer").first.evaluate(wide)
    opened.picture("one-screen")

    # On a narrow page
    page.evaluate("() => jupyterapp.shell.collapseLeft()")
    page.set_viewport_size({"width": 600, "height": 1000})
    page.wait_for_timeout(500)
    assert max(box[3] for box in boxes(place, controls)) <= min(box[1] for box in boxes(place, "img"))
    assert not output.evaluate(wide)

    # With the side bar open, too, no slider may vanish
    page.evaluate("() => jupyterapp.shell.expandLeft()")
    page.wait_for_timeout(500)
    opened.picture("side-bar-600")
    tracks = boxes(place, ".widget-slider .slider-container, .widget-slider .slider")
    assert tracks and min(box[2] - box[0] for box in tracks) > 60
    page.set_viewport_size({"width": 1200, "height": 1000})


def test_guess_then_run_then_told(opened, place):
    """By keyboard. A list that is left alone is no guess."""
    opened.ask("panel.controls.set(num_train_epochs=1)")
    place.locator(".widget-dropdown", has_text="my guess").locator("select").focus()
    opened.page.keyboard.press("End")
    wait_for(opened, "panel.controls.guess.value == 1")
    press_run(opened, place)
    check_idle(opened, place)
    expect(place.get_by_text("You said 1.00, it is 0.500 ± 0.050: 0.50 too high.")).to_be_visible()
    expect(place.get_by_text("The loss was still falling in the last half")).to_be_visible()
    assert opened.ask("[panel.runs[-1].settings['guess'], panel.controls.guess.value]") == [1, -1]
    press_run(opened, place)
    check_idle(opened, place)
    expect(place.get_by_text("You said")).to_have_count(0)
    expect(place.get_by_text("so these two cannot be told apart")).to_be_visible()
    opened.picture("guess-told")


@pytest.mark.parametrize("pause", [0, 30, 150])
def test_twenty_fast_clicks_on_run_and_stop(opened, place, pause):
    """A second Run must not train beside the first. A Stop must not wait for the next training."""
    spots = []
    for name in ("Run", "Stop"):
        button(place, name).scroll_into_view_if_needed()
        box = button(place, name).bounding_box()
        spots.append((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    before = opened.ask("len(panel.runs)")
    opened.ask("panel.controls.set(num_train_epochs=10)")
    for click in range(20):
        opened.page.mouse.click(*spots[click % 2])
        opened.page.wait_for_timeout(pause)
    opened.page.wait_for_timeout(500)
    check_idle(opened, place)
    ended = opened.ask(f"[run.status for run in panel.runs[{before}:]]")
    assert set(ended) == {"stopped"} if pause == 150 else ended, "the page had the time to enable Stop"
    runs = opened.ask("len(panel.runs)")
    opened.ask("panel.controls.set(num_train_epochs=1)")
    press_run(opened, place)
    check_idle(opened, place)
    assert opened.ask("[len(panel.runs), panel.runs[-1].status]") == [runs + 1, "finished"]
    opened.picture(f"abuse-clicks-{pause}")


def test_stop_while_the_model_is_loaded(opened, place):
    """The start of the training clears the run. A Stop from before it must stay."""
    opened.ask("panel.controls.set(num_train_epochs=10) or globals().update(preparation=2.0)")
    done = opened.ask("len(seen)")
    button(place, "Run").click()
    button(place, "Stop").click()  # as soon as the page allows it
    expect(place.get_by_text("Stopping …")).to_be_visible()
    check_idle(opened, place)
    assert opened.ask(f"[panel.runs[-1].status, len(seen) - {done}]") == ["stopped", 1]


def test_twenty_clicks_before_the_page_can_answer(opened, place):
    """A script or a stuck mouse sends all of them before the kernel has seen the first."""
    runs = opened.ask("len(panel.runs)")
    opened.ask("panel.controls.set(num_train_epochs=1)")
    button(place, "Run").evaluate("element => { for (let click = 0; click < 20; click++) element.click() }")
    wait_for(opened, f"len(panel.runs) > {runs} and not panel.training")
    opened.page.wait_for_timeout(300)
    check_idle(opened, place)
    assert opened.ask("len(panel.runs)") == runs + 1


def test_sliders_dragged_during_training(opened, place):
    # on a slow machine, too, the training outlasts what is done meanwhile
    opened.ask("panel.controls.set(num_train_epochs=10) or globals().update(pause=0.3)")
    press_run(opened, place)
    handle = place.locator(".widget-slider", has_text="learning_rate").locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.page.mouse.down()
    for offset in (60, -40, 80, 20, 50):
        opened.page.mouse.move(box["x"] + offset, box["y"] + box["height"] / 2, steps=8)
    opened.page.mouse.up()
    wait_for(opened, "panel.controls.values()['learning_rate'] != 1e-4")
    opened.ask("panel.controls.set(num_train_epochs=3)")
    done = opened.ask("len(seen)")
    wait_for(opened, f"len(seen) > {done + 5}")
    name = opened.ask("panel._worker.current.name")
    assert opened.ask(f"[args for args in seen if args[0] == {name!r} and args[1:] != [1e-4, 10]]") == [], (
        "what trains keeps its settings"
    )
    assert opened.ask(
        "[panel._worker.current.settings['learning_rate'],"
        " panel._worker.current.settings['num_train_epochs']]"
    ) == [1e-4, 10]
    opened.picture("abuse-dragged")
    button(place, "Stop").click()
    check_idle(opened, place)
    expect(place.get_by_text("could not be drawn")).to_have_count(0)


def test_two_panels_in_one_notebook(opened, place):
    """They share the kernel's random state, so only one trains. The other says why its Run is off, and it can
    stop the training.
    """
    second = opened.cell("other = Hyper")
    opened.ask(
        "[lab.controls.set(num_train_epochs=10) for lab in (panel, other)] and globals().update(pause=0.2)"
    )
    press_run(opened, place)
    expect(button(second, "Run")).to_be_disabled()
    expect(button(second, "Stop")).to_be_enabled()
    expect(
        second.get_by_text("A training is running in another panel. Press Stop to end it.")
    ).to_be_visible()
    second.scroll_into_view_if_needed()
    opened.picture("abuse-second-panel")
    button(second, "Stop").click()
    check_idle(opened, place)
    assert opened.ask("panel.runs[-1].status") == "stopped"
    press_run(opened, second, "other")
    expect(button(place, "Run")).to_be_disabled()
    button(second, "Stop").click()
    check_idle(opened, second, "other")
    check_idle(opened, place)
    expect(second.get_by_text("Ready.")).to_have_count(0)  # its own last run is said there


def test_the_cell_run_again_during_training_shows_the_run_at_its_end(opened, place):
    """The new panel knows nothing of the old one's run, and the learner no longer sees the old panel."""
    opened.ask("panel.controls.set(num_train_epochs=5) or globals().update(pause=0.2)")
    press_run(opened, place)
    name = opened.ask("panel._worker.current.name")
    opened.run_cell("panel = Hyper")
    assert opened.ask(f"panel.training and {name!r} not in [run.name for run in panel.runs]")
    expect(place.get_by_text("A training is running in another panel. Press Stop to end it.")).to_be_visible()
    wait_for(opened, "not panel.training")
    expect(place.get_by_role("checkbox", name=name, exact=True)).to_be_visible()
    opened.run_cell("panel  # shown again")
    check_idle(opened, place)
    assert opened.ask("[panel.runs[-1].name, panel.runs[-1].status]") == [name, "finished"]


def test_the_page_reloaded_during_training(opened, place):
    """The kernel goes on. The panel shown again is the same one, with the run in it."""
    opened.ask("panel.controls.set(num_train_epochs=10) or globals().update(pause=0.5)")
    press_run(opened, place)
    name = opened.ask("panel._worker.current.name")
    opened.open("abuse.ipynb")
    assert opened.ask("panel.training"), "a reload ends nothing"
    opened.run_cell("panel  # shown again")
    shown = opened.cell("panel  # shown again")
    expect(shown.get_by_text(f"{name}: running")).to_be_visible()
    curve = shown.locator("img").nth(1)
    picture = curve.get_attribute("src")
    expect(curve).not_to_have_attribute("src", picture, timeout=20_000)
    expect(button(shown, "Run")).to_be_disabled()
    opened.picture("abuse-reloaded")
    button(shown, "Stop").click()
    check_idle(opened, shown)
    assert opened.ask("[panel.runs[-1].name, panel.runs[-1].status]") == [name, "stopped"]


def test_the_kernel_restarted(opened, place):
    """The panel finds again in the folder what had ended. What was training stopped with the kernel, and
    nothing claims otherwise.
    """
    what = "[[run.name, run.status, len(run.history), run.settings.get('guess')] for run in panel.runs]"
    before = opened.ask(what)
    assert [guess for *_, guess in before].count(1) == 1, "the guess of a test above"
    opened.ask("panel.controls.set(num_train_epochs=10)")
    press_run(opened, opened.cell("panel  # shown again"))
    name = opened.ask("panel._worker.current.name")
    opened.restart()
    for marker in ("import threading", "panel = Hyper", "other = Hyper"):
        opened.run_cell(marker)
    place = opened.cell("panel = Hyper")
    assert opened.ask(what)[:-1] == before
    assert opened.ask("[panel.runs[-1].name, panel.runs[-1].status]") == [name, "stopped"]
    check_idle(opened, place)
    opened.ask("panel.controls.set(num_train_epochs=1)")
    press_run(opened, place)
    check_idle(opened, place)
    assert opened.ask("len(panel.runs)") == len(before) + 2
    place.scroll_into_view_if_needed()
    opened.picture("abuse-restarted")
