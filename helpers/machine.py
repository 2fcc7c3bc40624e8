"""Find out what the course needs to know about the machine: host, device, precision, cores and memory."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from helpers.language import N_

# Linux (cgroups) says here how much a container may use. Versions 1 and 2 use different files.
_CGROUPS = Path("/sys/fs/cgroup")
# How long OpenMP's threads spin before they sleep: GNU's runtime (Linux) counts turns, LLVM's (macOS) and
# Intel's (Windows) count milliseconds. `python tests/benchmarks/speed.py --parts together` compares some.
_SHORT_SPIN = {"GOMP_SPINCOUNT": "500", "KMP_BLOCKTIME": "1"}


@dataclass(frozen=True)
class Machine:
    """The facts about a machine that the notebooks use.

    `bf16` and `fp16` are ready for `TrainingArguments`. Both are False if float32 is best for training. The
    batch sizes are presets that fit `bert-base` at 512 tokens into the device's memory.
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
        """Return "bf16", "fp16" or "float32"."""
        if self.bf16:
            return "bf16"
        return "fp16" if self.fp16 else "float32"

    @property
    def half_precision(self):
        """Return the 16-bit type for `torch.autocast` in which this machine trains well; None for float32."""
        import torch

        if self.bf16:
            return torch.bfloat16
        return torch.float16 if self.fp16 else None


def detect_machine() -> Machine:
    """Look at the machine. This loads torch."""
    device, name, memory = _device()
    bf16, fp16 = _precision(device)
    return Machine(
        host=_host(),
        device=device,
        device_name=name,
        memory_gb=memory,
        cores=cores(),
        bf16=bf16,
        fp16=fp16,
    )


def is_busy() -> bool:
    """Return whether other programs leave us less than three quarters of our cores. It takes 0.2 seconds."""
    import psutil

    total = psutil.cpu_count()
    in_use = psutil.cpu_percent(interval=0.2) / 100 * total
    return total - in_use < 0.75 * cores()


def let_threads_sleep() -> bool:
    """Let OpenMP's threads sleep soon while they wait. Return False if it is too late: PyTorch is loaded.

    By default they spin: they hold their core while they wait, and slow down every other program, above all
    a second training. OpenMP reads the setting when PyTorch loads it. A setting of the user's own stays.
    """
    if any(name in os.environ for name in ("OMP_WAIT_POLICY", *_SHORT_SPIN)):
        return True
    if "torch" in sys.modules:
        return False
    os.environ.update(_SHORT_SPIN)
    return True


def _host() -> str:
    if "COLAB_RELEASE_TAG" in os.environ:
        return "Google Colab"
    if "BINDER_REPO_URL" in os.environ:
        return "Binder"
    if Path("/home/studio-lab-user").exists():
        return "SageMaker Studio Lab"
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ or Path("/kaggle/working").exists():
        return "Kaggle"
    # In a container and in WSL, VS Code sets the second only
    if "VSCODE_PID" in os.environ or "VSCODE_CWD" in os.environ:
        return "VS Code"
    return N_("local")


def cores(cgroups: Path = _CGROUPS) -> int:
    """Count the cores that this process may use.

    A container sees all cores of its host, but may use only a few of them.
    """
    seen = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    newer = cgroups / "cpu.max"
    older = cgroups / "cpu"
    granted = _numbers(newer) or _numbers(older / "cpu.cfs_quota_us", older / "cpu.cfs_period_us")
    # Without a limit there are no numbers, or the first of them is -1
    if not granted or granted[0] <= 0:
        return seen
    return max(1, min(seen, round(granted[0] / granted[1])))


def memory_gb(cgroups: Path = _CGROUPS) -> float:
    """Return the memory that this process may use, in GiB.

    In a container it can be less than the machine has.
    """
    import psutil

    limit = _numbers(cgroups / "memory.max") or _numbers(cgroups / "memory/memory.limit_in_bytes")
    return min([psutil.virtual_memory().total, *(limit or [])]) / 2**30


def other_kernels_gb() -> float:
    """Return the memory that the kernels of other notebooks hold, in GiB."""
    import psutil

    held = 0
    for process in psutil.process_iter(["pid", "cmdline"]):
        if "ipykernel_launcher" in (process.info["cmdline"] or []) and process.pid != os.getpid():
            with suppress(psutil.Error):
                held += process.memory_info().rss
    return held / 2**30


def _numbers(*files: Path) -> list[int] | None:
    """Read the numbers in these files of Linux. Return None if a file is missing, or says "max": no limit."""
    try:
        return [int(word) for file in files for word in file.read_text(encoding="utf-8").split()]
    except (OSError, ValueError):
        return None


def _device() -> tuple[str, str, float]:
    """Return the device as torch spells it, its name, and its memory for tensors in GiB."""
    import torch

    if torch.cuda.is_available():
        name, memory, _ = _first_gpu()
        return "cuda", name, memory
    if torch.backends.mps.is_available() and _mps_works():
        return "mps", "Apple GPU", memory_gb()
    return "cpu", platform.machine(), memory_gb()


def _first_gpu() -> tuple[str, float, float]:
    """Return the name of the first GPU, its memory in GiB, and its compute capability.

    With several GPUs, the driver's program answers. PyTorch would start CUDA in this process, and then
    `notebook_launcher` could not start a process for each GPU.
    """
    import torch

    if torch.cuda.device_count() > 1:
        first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        asked = ["--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
        with suppress(OSError, subprocess.SubprocessError, ValueError):
            answer = subprocess.run(
                ["nvidia-smi", "-i", first, *asked], capture_output=True, text=True, timeout=30, check=True
            )
            name, mebibytes, capability = answer.stdout.strip().rsplit(", ", 2)
            return name, float(mebibytes) / 1024, float(capability)
    properties = torch.cuda.get_device_properties(0)
    capability = properties.major + properties.minor / 10
    return properties.name, properties.total_memory / 2**30, capability


def _mps_works() -> bool:
    """Try the GPU of a Mac: inside a virtual machine it is listed, but has no memory."""
    import torch

    try:
        torch.ones(1, device="mps").item()
    except RuntimeError:
        return False
    return True


def _precision(device: str) -> tuple[bool, bool]:
    """Return (bf16, fp16). Half precision is on only if it is safe and makes training faster."""
    if device == "cuda":
        # Since Ampere (8.0); older GPUs emulate bf16 slowly
        _, _, capability = _first_gpu()
        return capability >= 8, capability < 8
    return device == "cpu" and _bf16_is_faster(), False


@cache
def _bf16_is_faster() -> bool:
    """Measure whether this CPU multiplies matrices in bf16 at least 1.5 times as fast as in float32.

    Some CPUs have units for bf16. Others emulate it, up to a hundred times slower. PyTorch has no flag that
    tells them apart for every maker. The answer is cached, so that it does not change within a kernel.
    """
    import torch

    pairs = [
        (torch.randn(512, 768, dtype=dtype), torch.randn(768, 768, dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16)
    ]
    ratios = []
    # In turns: another program that takes the cores for a moment must not slow one of the two only
    for _ in range(15):
        seconds = []
        for left, right in pairs:
            began = time.perf_counter()
            left @ right
            seconds.append(time.perf_counter() - began)
        ratios.append(seconds[0] / seconds[1])
        # Do not wait long for a CPU that emulates
        if ratios[-1] < 0.05:
            return False
    return statistics.median(ratios) > 1.5
