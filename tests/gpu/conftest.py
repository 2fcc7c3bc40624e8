"""The GPU tests: one at a time, skipped where no GPU is, and with their figures at the end."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "benchmarks")]

from tiny_sizes import ON_CPU

FIGURES = pytest.StashKey[list]()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Run `pytest tests/gpu` in one process. Others on the same GPU would spoil its times and its memory.

    It sees one GPU: among several, `Trainer` would divide each batch.
    """
    paths = [Path(argument.split("::")[0]).resolve() for argument in config.args]
    if all(path == HERE or HERE in path.parents for path in paths):
        config.option.numprocesses = 0
        config.option.dist = "no"
        if ON_CPU:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")


def pytest_configure(config):
    config.stash[FIGURES] = []


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[FIGURES]:
        terminalreporter.section("measured")
        terminalreporter.write("\n".join(config.stash[FIGURES]) + "\n")


@pytest.fixture(scope="session")
def machine():
    """The machine with its GPU, or the CPU in its place if GPU_TESTS_ON_CPU is 1."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("These tests need a GPU for themselves. Run them alone: python -m pytest tests/gpu")

    import torch

    from helpers.machine import detect_machine

    if not ON_CPU and not torch.cuda.is_available():
        pytest.skip("PyTorch sees no NVIDIA GPU. With GPU_TESTS_ON_CPU=1 the CPU tries the tests, tiny.")
    return detect_machine()


@pytest.fixture(scope="session")
def on_gpu(machine):
    """Whether the figures count: on a CPU, the tests only show that they run."""
    return machine.device == "cuda"


@pytest.fixture(scope="session")
def say(pytestconfig, machine):
    """Keep a line for the summary."""
    figures = pytestconfig.stash[FIGURES]
    figures.append(f"{machine.device_name}, {machine.precision}" + ("" if not ON_CPU else ", TINY SIZES"))
    return figures.append
