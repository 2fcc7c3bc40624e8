"""Where we are: host, packages, device, precision, cores, memory, and whether the Hugging Face Hub answers."""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
import urllib.request
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements.txt"
_NOT_FOR_THE_KERNEL = {"jupyterlab"}  # a front end: Colab and others bring their own
_REPORTED = ("torch", "transformers", "datasets", "evaluate")


@dataclass(frozen=True)
class Machine:
    """What the notebooks need to know of the machine.

    `bf16` and `fp16` are ready for `TrainingArguments`; both are False where training is best done in float32.
    The batch sizes are presets that fit `bert-base` at 512 tokens into the device's memory.
    """

    host: str
    device: str
    device_name: str
    memory_gb: float
    cores: int
    bf16: bool
    fp16: bool
    train_batch_size: int = 8
    eval_batch_size: int = 32

    @property
    def precision(self) -> str:
        return "bf16" if self.bf16 else "fp16" if self.fp16 else "float32"


def detect_machine() -> Machine:
    """Look at the machine; loads torch."""
    device, name, memory_gb = _device()
    bf16, fp16 = _precision(device)
    return Machine(host=_host(), device=device, device_name=name, memory_gb=memory_gb, cores=_cores(), bf16=bf16, fp16=fp16)


def check_packages(requirements: Path = REQUIREMENTS) -> None:
    """Raise ImportError, with the command that helps, when a package is missing or too old or too new."""
    problems = [problem for line in requirements.read_text(encoding="utf-8").splitlines() if (problem := _problem(line))]
    if problems:
        raise ImportError(
            f"This kernel ({sys.executable}) lacks what the course needs: {'; '.join(problems)}. "
            f"Run `%pip install -r {requirements}` in a cell, then restart the kernel."
        )


def versions() -> str:
    """The versions that matter when asking for help, on one line."""
    packages = [f"{name} {metadata.version(name)}" for name in _REPORTED]
    return " · ".join([f"Python {platform.python_version()}", *packages])


def hub_answers(timeout: float = 3.0) -> bool:
    """Whether the Hugging Face Hub (or `HF_ENDPOINT`) answers within `timeout` seconds.

    Name resolution can hang far longer than any socket timeout, hence the thread. A captive portal answers with a
    page of its own, hence the look at the content.
    """
    if offline_is_set():
        return False
    answered = threading.Event()

    def ask() -> None:
        url = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/") + "/api/models/google-bert/bert-base-cased"
        try:
            with urllib.request.urlopen(url, timeout=timeout) as response:
                if "id" in json.load(response):
                    answered.set()
        except (OSError, ValueError):
            pass  # no network, no such server, or not the Hub's JSON: all mean "no"

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    return answered.is_set()


def offline_is_set() -> bool:
    """Whether `HF_HUB_OFFLINE` says so, in the spellings that huggingface_hub takes."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def use_caches_only(only: bool) -> None:
    """Tell the libraries, loaded or not, whether to try the network at all.

    Without it, each file of a warm cache is asked for several times, with pauses, before the cache is taken.
    """
    if only:
        os.environ["HF_HUB_OFFLINE"] = "1"
    else:
        os.environ.pop("HF_HUB_OFFLINE", None)
    for module in ("huggingface_hub.constants", "datasets.config"):
        if module in sys.modules:
            sys.modules[module].HF_HUB_OFFLINE = only


def _problem(line: str) -> str:
    from packaging.requirements import Requirement

    line = line.partition("#")[0].strip()
    if not line:
        return ""
    requirement = Requirement(line)
    if requirement.name in _NOT_FOR_THE_KERNEL:
        return ""
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    if requirement.specifier.contains(version, prereleases=True):
        return ""
    return f"{requirement.name} is {version}, expected {requirement.specifier}"


def _host() -> str:
    if "COLAB_RELEASE_TAG" in os.environ:
        return "Google Colab"
    if "BINDER_SERVICE_HOST" in os.environ:
        return "Binder"
    if Path("/home/studio-lab-user").exists():
        return "SageMaker Studio Lab"
    return "local"


def _cores() -> int:
    """Cores this process may use, which in a container can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _device() -> tuple[str, str, float]:
    """Device type as torch spells it, its name, and the memory for tensors in GiB."""
    import psutil
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return "cuda", properties.name, properties.total_memory / 2**30
    memory_gb = psutil.virtual_memory().total / 2**30
    if torch.backends.mps.is_available():
        return "mps", "Apple GPU", memory_gb
    return "cpu", platform.machine(), memory_gb


def _precision(device: str) -> tuple[bool, bool]:
    """(bf16, fp16): half precision only where it is safe and pays."""
    if device != "cuda":
        return False, False
    import torch

    bf16 = torch.cuda.get_device_capability()[0] >= 8  # Ampere; older GPUs emulate bf16 slowly
    return bf16, not bf16
