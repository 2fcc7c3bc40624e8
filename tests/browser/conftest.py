"""Starts JupyterLab on loopback and a headless Chromium, to test what a learner sees."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from notebook_files import ROOT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PICTURES = ROOT / "runs" / "screenshots"
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # cells out of view stay in the page
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


def pytest_collection_modifyitems(items):
    if CHROMIUM is None and not os.environ.get("BROWSER_REQUIRED"):
        for item in items:
            if "browser" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="no Chromium here: install the package chromium"))


class Lab:
    """A running JupyterLab, and one page in it."""

    def __init__(self, url: str, token: str, page):
        self.url = url
        self.token = token
        self.page = page

    def open(self, notebook: str, width: int = 1200) -> None:
        self.page.set_viewport_size({"width": width, "height": 1000})
        self.page.goto(
            f"{self.url}/lab/tree/notebooks/{notebook}?token={self.token}&reset",
            wait_until="domcontentloaded",
        )
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        kernel = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel"
        self.page.wait_for_function(f"() => {kernel}?.status === 'idle'", timeout=60_000)
        self.page.evaluate("() => jupyterapp.shell.collapseLeft()")

    def put(self, notebook: str, cells: Sequence[str]) -> None:
        """Write a notebook of these code cells beside the course's own, in the server's copy."""
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip()) for source in cells])
        # otherwise the page asks for a kernel
        made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        body = json.dumps({"type": "notebook", "content": made}).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.url}/api/contents/notebooks/{notebook}", body, headers, method="PUT"
        )
        urllib.request.urlopen(request, timeout=20).close()

    def run_all(self, seconds: float = 240) -> None:
        run = "jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.ended = true })"
        self.page.evaluate(f"() => {{ window.ended = false; {run} }}")
        self.page.wait_for_function("() => window.ended", timeout=seconds * 1000)

    def run_cell(self, marker: str) -> None:
        """Run the cell whose source has `marker`, and wait for its end."""
        self.cell(marker).locator(".cm-content").first.click()
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-cell')")

    def restart(self) -> None:
        """Restart the kernel, as the menu does once the learner has confirmed."""
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        self.page.wait_for_function(
            "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'",
            timeout=60_000,
        )

    def ask(self, code: str):
        """Return the value of a Python expression in the notebook's kernel, by the page's own channel."""
        run = """async code => {
            const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const future = kernel.requestExecute({code, store_history: false});
            let text = '';
            future.onIOPub = message => {
                text += message.content.text || (message.content.traceback || []).join('\\n');
            };
            await future.done; return text }"""
        text = self.page.evaluate(run, f"import json as _json; print('¤' + _json.dumps({code}))")
        assert "¤" in text, text
        return json.loads(text.rpartition("¤")[2])

    def cell(self, marker: str):
        """Find the cell whose source has `marker`."""
        return self.page.locator(
            ".jp-CodeCell", has=self.page.locator(".jp-InputArea", has_text=marker)
        ).first

    def alternative_texts(self) -> list[str]:
        """Return the alternative text of every picture below a cell."""
        return self.page.locator(".jp-OutputArea img").evaluate_all("all => all.map(img => img.alt)")

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")


def startup_code(root: Path, profile: str, **fields) -> str:
    """Return code that makes the sample smaller, so that Run All takes less.

    It goes into the kernel's own startup file: the notebooks stay as they are.
    """
    return f"""
import dataclasses, sys
sys.path.insert(0, {str(root)!r})
from helpers.profiles import PROFILES
PROFILES[{profile!r}] = dataclasses.replace(PROFILES[{profile!r}], **{fields!r})
"""


@contextmanager
def running_lab(home: Path, env: dict, profile: str, command: Sequence[str] = (), **fields):
    """Start JupyterLab on a copy of the repository, both in `home`. Yields address, token and process.

    `fields` replace those of the profile. `command` starts the server: `binder/start`, for one.
    """
    copy = home / "repository"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "runs", "__pycache__", ".venv"))
    for name, values in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    startup = home / "ipython" / "profile_default" / "startup" / "00_smaller.py"
    startup.parent.mkdir(parents=True)
    startup.write_text(startup_code(copy, profile, **fields))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    env = env | {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "FINETUNE_PROFILE": profile,
    }
    command = [
        *command,
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--expose-app-in-browser",
        f"--port={port}",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={copy}",
    ]
    with open(home / "lab.log", "w") as log:
        process = subprocess.Popen(command, env=env, cwd=copy, stdout=log, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/api/status?token={token}", home / "lab.log")
        yield address, token, process
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.3)
    raise TimeoutError(log.read_text()[-2000:])


@contextmanager
def chromium():
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Start a JupyterLab whose notebooks run in seconds. Yields address and token."""
    env = os.environ | {"HF_HUB_OFFLINE": "1"}
    with running_lab(
        tmp_path_factory.mktemp("lab"), env, "offline", train_size=160, eval_size=80, num_train_epochs=1
    ) as (address, token, _):
        yield address, token


@pytest.fixture(scope="session")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def lab(server, browser):
    address, token = server
    page = browser.new_page()
    yield Lab(address, token, page)
    page.close()
