"""Take the README's pictures: of a real training, in JupyterLab, in a real browser.

After you change the lab or the confusion matrix, this command takes them again in a few minutes:

    python -m helpers.tools.pictures

It runs notebook 2 on a copy of the course in a temporary folder, with the bundled model and reviews. Your
notebooks and runs stay as they are. It needs Playwright (`pip install -r tests/requirements.txt`) and a
Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
NOTEBOOK = "notebooks/02_train_with_trainer.ipynb"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

_NOT_COPIED = shutil.ignore_patterns(".*", "runs", "out", "__pycache__")
_SETTINGS = {
    # Keep cells that are out of view in the page
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    # Ask nothing on the first start
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
_BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_PAGE = {"width": 1160, "height": 2400}  # so high that the whole lab fits
_SHARPNESS = 1.5  # pixels of a picture per pixel of the page
_LONGEST_TRAINING = 15 * 60_000  # in milliseconds, on a slow machine
_LARGE = 200_000  # bytes
_LEARNING_RATES = {"5e-05": ("ArrowLeft", 20), "0.005": ("ArrowRight", 40)}  # which key, how often
# A margin around what is photographed, and no numbers of cells
_STYLE = """
    .photographed { padding: 12px !important; box-sizing: border-box; }
    .photographed.jp-OutputArea { max-width: 584px; }
    .jp-OutputPrompt { display: none !important; }
"""


def take(chromium: str | None = None) -> list[Path]:
    """Take all the pictures and return their files. `chromium` leads to the browser."""
    # The browser
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.exit("Playwright is missing. Install it with: pip install -r tests/requirements.txt")

    # A real training, then its pictures
    with (
        tempfile.TemporaryDirectory() as folder,
        jupyterlab(Path(folder)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=_BROWSER)
        page = browser.new_page(viewport=_PAGE, device_scale_factor=_SHARPNESS)
        page.set_default_timeout(60_000)
        open_notebook(page, address)
        run_up_to_the_lab(page)
        compare_learning_rates(page)
        files = photograph(page)
        browser.close()
    return files


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """Start a JupyterLab on a copy of the course in `folder`, and yield the notebook's address.

    At the end, stop it.
    """
    # The copy and the settings
    copy = folder / "course"
    shutil.copytree(ROOT, copy, ignore=_NOT_COPIED)
    for name, values in _SETTINGS.items():
        path = folder / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")

    # A free port, and a token
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)

    # The server
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [
        f"--port={port}",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={copy}",
    ]
    environment = os.environ | {
        "FINETUNE_PROFILE": "offline",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "hub"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    log = folder / "jupyterlab.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=copy, stdout=output, stderr=subprocess.STDOUT
        )

    # Wait until it answers, and stop it at the end
    try:
        _wait_for(port, log)
        yield f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?token={token}&reset"
    finally:
        process.terminate()
        process.wait(20)


def open_notebook(page, address: str) -> None:
    """Open the notebook and wait for its kernel."""
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    kernel = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel"
    page.wait_for_function(f"() => {kernel}?.status === 'idle'")
    page.evaluate("() => jupyterapp.shell.collapseLeft()")


def run_up_to_the_lab(page) -> None:
    """Run the notebook's cells from the first to the lab. Raise RuntimeError if one of them fails."""
    for command in ("run-all-above", "run-cell"):
        _cell(page, "panel = HyperparameterPanel(").locator(".cm-content").click()
        page.evaluate(f"() => jupyterapp.commands.execute('notebook:{command}')")
    errors = page.locator("[data-mime-type='application/vnd.jupyter.error']")
    if errors.count():
        raise RuntimeError(f"A cell has failed:\n{errors.first.inner_text()}")
    _lab(page).wait_for()


def compare_learning_rates(page) -> None:
    """Train in the lab with a tenth of the notebook's learning rate, then with ten times that rate."""
    lab = _lab(page)
    for value, (key, times) in _LEARNING_RATES.items():
        # Move the slider, and wait until the kernel knows
        lab.locator(".widget-slider", has_text="learning_rate").locator(".noUi-handle").focus()
        for _ in range(times):
            page.keyboard.press(key)
        known = "code => [...document.querySelectorAll('textarea')].some(area => area.value.includes(code))"
        page.wait_for_function(known, arg=f"learning_rate={value},")

        # Press Run, and wait for its end
        lab.locator("button:text-is('Run')").click()
        lab.locator("button:text-is('Stop'):enabled").wait_for()
        lab.locator("button:text-is('Stop'):disabled").wait_for(timeout=_LONGEST_TRAINING)


def photograph(page) -> list[Path]:
    """Write each picture in the light and in the dark theme, and return the files."""
    # What is to be seen
    lab = _lab(page)
    lab.get_by_text("The code for these settings").click()  # folds it
    result = _cell(page, "plots.confusion_heatmap(").locator(".jp-OutputArea")
    page.add_style_tag(content=_STYLE)
    for place in (lab, result):
        place.evaluate("place => place.classList.add('photographed')")

    # No button looks touched
    page.evaluate("() => document.activeElement.blur()")
    page.mouse.move(0, 0)

    # The pictures
    files = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    for theme, name in THEMES.items():
        page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
        page.wait_for_timeout(2_000)  # until the colours have faded over
        for subject, place in {"lab": lab, "result": result}.items():
            file = PICTURES / f"{subject}-{theme}.png"
            place.evaluate("place => place.scrollIntoView({block: 'center'})")  # away from the edges
            place.screenshot(path=file)
            _make_smaller(file)
            files.append(file)
    return files


def _cell(page, source: str):
    """Find the cell whose code has `source`."""
    return page.locator(".jp-CodeCell", has=page.locator(".jp-InputArea", has_text=source)).first


def _lab(page):
    """Find the lab's widgets in the page."""
    return _cell(page, "panel = HyperparameterPanel(").locator(".jp-OutputArea .widget-vbox").first


def _make_smaller(file: Path) -> None:
    """Reduce a large file to 256 colours, which halves it. Nobody sees a difference."""
    if file.stat().st_size > _LARGE:
        with Image.open(file) as picture:
            smaller = picture.convert("RGB").quantize(256)
        smaller.save(file, optimize=True)


def _wait_for(port: int, log: Path, seconds: float = 60) -> None:
    """Wait until the server listens. Raise TimeoutError with the end of its log if it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
            return
        except OSError:
            time.sleep(0.3)
    raise TimeoutError(log.read_text(encoding="utf-8")[-2000:])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--chromium",
        metavar="PATH",
        default=shutil.which("chromium") or shutil.which("google-chrome"),
        help="the browser; without it chromium or google-chrome of this machine, or else Playwright's own",
    )
    for file in take(parser.parse_args().chromium):
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1000:.0f} kB")
