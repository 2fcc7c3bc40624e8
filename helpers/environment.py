"""Where we are: host, device, precision, cores, memory, and whether the Hugging Face Hub answers."""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")  # where Linux says what a container may use, in its newer and in its older form


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

    @property
    def half_precision(self):
        """The 16-bit type that this machine trains well in, for `torch.autocast`; None where float32 is better."""
        import torch

        return torch.bfloat16 if self.bf16 else torch.float16 if self.fp16 else None


def detect_machine() -> Machine:
    """Look at the machine; loads torch."""
    device, name, memory = _device()
    bf16, fp16 = _precision(device)
    return Machine(host=_host(), device=device, device_name=name, memory_gb=memory, cores=cores(), bf16=bf16, fp16=fp16)


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


def _host() -> str:
    if "COLAB_RELEASE_TAG" in os.environ:
        return "Google Colab"
    if "BINDER_REPO_URL" in os.environ:
        return "Binder"
    if Path("/home/studio-lab-user").exists():
        return "SageMaker Studio Lab"
    return "local"


def cores(cgroups: Path = _CGROUPS) -> int:
    """Cores that this process is granted: a container sees all of its host's, and may use a few."""
    seen = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    granted = _numbers(cgroups / "cpu.max") or _numbers(cgroups / "cpu/cpu.cfs_quota_us", cgroups / "cpu/cpu.cfs_period_us")
    return max(1, min(seen, round(granted[0] / granted[1]))) if granted and granted[0] > 0 else seen


def memory_gb(cgroups: Path = _CGROUPS) -> float:
    """GiB of memory that this process is granted, which in a container can be less than the machine has."""
    import psutil

    limit = _numbers(cgroups / "memory.max") or _numbers(cgroups / "memory/memory.limit_in_bytes")
    return min([psutil.virtual_memory().total, *(limit or [])]) / 2**30


def other_kernels_gb() -> float:
    """GiB that other notebooks' kernels hold."""
    import psutil

    held = 0
    for process in psutil.process_iter(["pid", "cmdline"]):
        if "ipykernel_launcher" in (process.info["cmdline"] or []) and process.pid != os.getpid():
            with suppress(psutil.Error):
                held += process.memory_info().rss
    return held / 2**30


def _numbers(*files: Path) -> list[int] | None:
    """What Linux has written into these files; None without them, and where it says "max", for no limit."""
    try:
        return [int(word) for file in files for word in file.read_text(encoding="utf-8").split()]
    except (OSError, ValueError):
        return None


def _device() -> tuple[str, str, float]:
    """Device type as torch spells it, its name, and the memory for tensors in GiB."""
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return "cuda", properties.name, properties.total_memory / 2**30
    if torch.backends.mps.is_available() and _mps_works():
        return "mps", "Apple GPU", memory_gb()
    return "cpu", platform.machine(), memory_gb()


def _mps_works() -> bool:
    """In a virtual machine on a Mac, the GPU is there and has no memory."""
    import torch

    try:
        torch.ones(1, device="mps").item()
    except RuntimeError:
        return False
    return True


def _precision(device: str) -> tuple[bool, bool]:
    """(bf16, fp16): half precision only where it is safe and pays."""
    import torch

    if device == "cuda":
        bf16 = torch.cuda.get_device_capability()[0] >= 8  # Ampere; older GPUs emulate bf16 slowly
        return bf16, not bf16
    return device == "cpu" and _bf16_is_faster(), False


@cache
def _bf16_is_faster() -> bool:
    """Whether this CPU multiplies in bf16 at least half as fast again as in float32: some have units for it, others emulate it.

    No flag of PyTorch's tells for every maker of CPUs. Kept, so that the answer does not change within a kernel. Where bf16 is a hundred
    times slower, as on CPUs without any units for it, a single product tells.
    """
    import torch

    def seconds(dtype, limit: float = float("inf")) -> float:
        left, right = torch.randn(512, 768, dtype=dtype), torch.randn(768, 768, dtype=dtype)
        best = float("inf")
        for _ in range(5):
            began = time.perf_counter()
            left @ right
            best = min(best, time.perf_counter() - began)
            if best > limit:
                break
        return best

    single = seconds(torch.float32)
    return single > 1.5 * seconds(torch.bfloat16, limit=20 * single)
