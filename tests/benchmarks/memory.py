"""Measure how much memory the course takes on Binder.

    python tests/benchmarks/memory.py [--full] [--keep] [--no-limit]

The script starts JupyterLab through `binder/start`, in a memory cgroup with Binder's limit of 2 GB. Outside
of it, a headless Chromium runs the three notebooks one after the other, each in a kernel of its own, which it
shuts down before the next notebook. With `--keep` it runs them once more and keeps all kernels alive. In the
lab of notebooks 2 and 3, it presses Run once more. A loopback Hub serves the profile `small` in its real
sizes to an empty cache: a BERT of 4 layers x 256 with 30,522 pieces, and 10,000 + 10,000 synthetic reviews.

Ten times a second, the script reads the resident memory of the server and of everything it started from
/proc. It adds up one notebook's kernel and the server as RSS, which counts a page that both use twice. It
adds up all kernels as PSS, which counts it once. To see what an environment variable changes, set it for this
command. Where the limit kills a kernel, its row ends there; `--no-limit` shows by how much the limit was too
small.

Without `--full`, the notebooks train on 200 reviews for one epoch. The peak comes from the largest batches, 8
reviews of 512 pieces forward and backward, and from what malloc keeps of earlier ones. A few dozen batches
have both. `--full` may keep somewhat more: take it as the judge.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser.conftest import Lab, chromium, running_lab
from hub.server import LoopbackHub, Repository
from notebook_files import NOTEBOOKS

from helpers.profiles import PROFILES

LIMIT = 2 << 30
REQUIRED = 1_500_000_000  # Binder's "2G", and what is to suffice
SMALLER = {"train_size": 200, "eval_size": 200, "num_train_epochs": 1}
BERT_MINI_PIECES = 30_522
ROWS = {"train": 20_000, "test": 20_000}
# What cgroup v1 and v2 call things: limit, limit of memory and swap, highest use, how often the limit was
# hit, kills, and anonymous memory.
V1 = {
    "limit": "memory.limit_in_bytes",
    "swap": "memory.memsw.limit_in_bytes",
    "peak": "memory.max_usage_in_bytes",
    "kills": ("memory.oom_control", "oom_kill"),
    "anonymous": ("memory.stat", "total_rss"),
}
V2 = {
    "limit": "memory.max",
    "swap": "memory.swap.max",
    "peak": "memory.peak",
    "kills": ("memory.events", "oom_kill"),
    "anonymous": ("memory.stat", "anon"),
}


class MemoryGroup:
    """A cgroup with a memory limit. Raises OSError where none can be made."""

    def __init__(self, limit: int):
        v1 = Path("/sys/fs/cgroup/memory")
        self.names, parent = (V1, v1) if v1.is_dir() else (V2, Path("/sys/fs/cgroup"))
        self.folder = parent / f"course-{os.getpid()}-{limit >> 20}"
        self.folder.mkdir()
        try:
            (self.folder / self.names["limit"]).write_text(str(limit))
            if (swap := self.folder / self.names["swap"]).exists():
                swap.write_text(str(limit) if self.names is V1 else "0")
        except OSError:
            self.folder.rmdir()
            raise

    @property
    def command(self) -> list[str]:
        """Return the words that start a command in the group: put them before it."""
        return ["sh", "-c", f'echo $$ > {self.folder}/cgroup.procs && exec "$@"', "sh"]

    def __enter__(self) -> MemoryGroup:
        return self

    def __exit__(self, *_) -> None:
        for pid in (self.folder / "cgroup.procs").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        for _ in range(50):
            try:
                return self.folder.rmdir()
            except OSError:  # the kernel has not buried them yet
                time.sleep(0.1)

    def peak(self) -> int:
        """Return the highest use in bytes, page cache included."""
        path = self.folder / self.names["peak"]
        return int(path.read_text()) if path.exists() else 0

    def value(self, name: str) -> int:
        file, key = self.names[name]
        lines = dict(line.split() for line in (self.folder / file).read_text().splitlines())
        return int(lines.get(key, 0))


def limit_is_enforced() -> bool:
    """Return whether a process that takes 300 MB is killed in a group of 200 MB, and print the answer."""
    code = "taken = bytearray(300 << 20); taken[::4096] = bytes(len(taken[::4096]))"
    try:
        with MemoryGroup(200 << 20) as trial:
            ended = subprocess.run([*trial.command, sys.executable, "-c", code], check=False).returncode
    except OSError as error:
        print(f"No memory limit, only samples: {error}")
        return False
    enforced = ended == -signal.SIGKILL
    print(
        "A process of 300 MB in a group of 200 MB was"
        f" {'killed: the limit is enforced' if enforced else 'not killed: only samples'}"
    )
    return enforced


@contextmanager
def memory_group(limited: bool):
    """Make a group with Binder's limit, or return None."""
    if not limited:
        yield None
        return
    with MemoryGroup(LIMIT) as group:
        yield group
        print(
            f"\nThe group's peak, page cache included: {group.peak() / 1e6:,.0f} of {LIMIT / 1e6:,.0f} MB;"
            f" killed: {group.value('kills')}\n"
        )


class Sampler(threading.Thread):
    """Sample ten times a second, and keep the highest values since `begin`."""

    def __init__(self, server: psutil.Process, group: MemoryGroup | None):
        super().__init__(daemon=True)
        self.server = server
        self.group = group
        self.ended = threading.Event()
        self.begin()

    def begin(self) -> None:
        """Count what is started from now on as the next notebook's."""
        self.earlier = {process.pid for process in self.server.children(recursive=True)}
        self.peaks: dict[str, int] = {}

    def run(self) -> None:
        while not self.ended.wait(0.1):
            for name, value in self.sample().items():
                self.peaks[name] = max(value, self.peaks.get(name, 0))

    def sample(self) -> dict[str, int]:
        server, server_pss = resident(self.server)
        started = {process.pid: resident(process) for process in self.server.children(recursive=True)}
        kernel = sum(rss for pid, (rss, _) in started.items() if pid not in self.earlier)
        return {
            "kernel": kernel,
            "server": server,
            "together": kernel + server,
            "all": server_pss + sum(pss for _, pss in started.values()),
            "anonymous": self.group.value("anonymous") if self.group else 0,
        }


def resident(process: psutil.Process) -> tuple[int, int]:
    """Return RSS and PSS. Where there is no PSS, return RSS twice; for a process that has ended, zeros."""
    try:
        memory = process.memory_full_info()
    except psutil.AccessDenied:
        memory = process.memory_info()
    except psutil.Error:
        return 0, 0
    return memory.rss, getattr(memory, "pss", memory.rss)


def warn_of_others() -> None:
    """Print a warning if other programs use PyTorch now.

    PSS divides a library's pages among all who use it, so the course's share would look smaller.
    """
    for process in psutil.process_iter():
        try:
            if any("libtorch_cpu" in mapped.path for mapped in process.memory_maps()):
                print(f"Process {process.pid} uses PyTorch too: the sum over all kernels (PSS) is too small")
        except psutil.Error:
            pass


def build(folder: Path) -> list[Repository]:
    """Write what `small` asks the Hub for, in its real sizes, and what the time estimate needs of `full`."""
    from bytes_served import write_repository
    from hub.repositories import mini_layout
    from transformers import BertConfig

    full = PROFILES["full"]
    small = PROFILES["small"]
    BertConfig(vocab_size=28_996).save_pretrained(folder / "base")
    return [
        Repository("models", full.model, {full.model_revision: folder / "base"}, main=full.model_revision),
        Repository(
            "models",
            small.model,
            {small.model_revision: mini_layout(folder / "mini", BERT_MINI_PIECES)},
            main=small.model_revision,
        ),
        write_repository(folder / "yelp", ROWS),
    ]


def run_notebook(lab: Lab, name: str, seconds: float) -> None:
    """Run all cells, and the lab once more where there is one."""
    lab.open(name)
    lab.run_all(seconds)
    if lab.page.locator("[data-mime-type='application/vnd.jupyter.error']").count():
        raise RuntimeError(f"{name}: a cell ended with an error")
    sizes = lab.ask(
        "[profile.name, len(dataset['train']), len(dataset['test']), load_config(profile).vocab_size]"
    )
    if sizes != ["small", 10_000, 10_000, BERT_MINI_PIECES]:
        raise RuntimeError(f"{name} ran with {sizes}")
    if lab.ask("'panel' in globals()"):
        lab.ask("panel.run().status")


@contextmanager
def sampled_lab(hub: LoopbackHub, home: Path, group: MemoryGroup | None, fields: dict):
    """Start a JupyterLab in the group. Yields the lab and its sampler."""
    env = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    env |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf_home"), "PATH": path}
    command = [*(group.command if group else []), str(ROOT / "binder" / "start")]
    home.mkdir()
    with (
        running_lab(home, env, "small", command, **fields) as (address, token, process),
        chromium() as browser,
    ):
        sampler = Sampler(psutil.Process(process.pid), group)
        sampler.start()
        try:
            yield Lab(address, token, browser.new_page()), sampler
        finally:
            sampler.ended.set()
            sampler.join()


def measure(hub: LoopbackHub, home: Path, group: MemoryGroup | None, fields: dict, keep: bool):
    """Yield each notebook's name, its peaks, and whether it ran to its end. Stop after one that did not."""
    with sampled_lab(hub, home, group, fields) as (lab, sampler):
        for notebook in NOTEBOOKS:
            sampler.begin()
            try:
                run_notebook(lab, notebook.name, seconds=1200 if fields else 3600)
            except Exception:
                if not (group and group.value("kills")):
                    raise
                yield notebook.stem, sampler.peaks, False
                return
            yield notebook.stem, sampler.peaks, True
            if not keep:
                lab.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the profile's own numbers of reviews and epochs")
    parser.add_argument(
        "--keep", action="store_true", help="once more with the kernels of earlier notebooks kept"
    )
    parser.add_argument("--no-limit", action="store_true", help="only sample")
    options = parser.parse_args()
    fields = {} if options.full else SMALLER
    warn_of_others()
    limited = not options.no_limit and limit_is_enforced()
    columns = {
        "kernel": "its kernel",
        "server": "server",
        "together": "both",
        "all": "with kernels kept (PSS)",
        "anonymous": "group: anonymous",
    }
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: with PyTorch loaded here, its pages would be shared with the kernels'.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
            repositories = other.submit(build, Path(folder)).result()
        for keep, title in {False: "one kernel at a time", True: "all kernels kept"}.items():
            if keep and not options.keep:
                continue
            print(
                f"\n| {title}: peak in MB | {' | '.join(columns.values())} |\n|---|{'---:|' * len(columns)}",
                flush=True,
            )
            highest = 0
            ended = True
            with LoopbackHub(repositories) as hub, memory_group(limited) as group:
                for name, peaks, ended in measure(
                    hub, Path(folder) / title.replace(" ", "-"), group, fields, keep
                ):
                    highest = max(highest, peaks["all" if keep else "together"])
                    row = [f"{peaks[column] / 1e6:,.0f}" for column in columns]
                    print(f"| {name}{'' if ended else ', killed'} | {' | '.join(row)} |", flush=True)
            verdict = "below" if highest < REQUIRED and ended else "NOT below"
            print(
                f"{title}: {highest / 1e6:,.0f} MB{'' if ended else ' when one was killed'}, {verdict}"
                f" {REQUIRED / 1e6:,.0f} MB",
                flush=True,
            )
    warn_of_others()


if __name__ == "__main__":
    main()
