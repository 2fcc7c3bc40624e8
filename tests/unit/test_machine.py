"""Protects a learner from a device, a precision or a memory size that the machine does not have."""

import os
import sys
import time
import types

import psutil
import pytest
import torch

from helpers import machine
from helpers.machine import cores, detect_machine, memory_gb


@pytest.mark.parametrize(
    ("device", "faster", "precision"),
    [("cpu", False, "float32"), ("cpu", True, "bf16"), ("mps", True, "float32")],
)
def test_a_machine_without_a_gpu_gets_half_precision_only_where_it_pays(
    monkeypatch, device, faster, precision
):
    """On a CPU or a Mac, fp16 is an error in the first training step. On most CPUs, bf16 is slower than
    float32.
    """
    monkeypatch.setattr(machine, "_device", lambda: (device, "test", 8.0))
    monkeypatch.setattr(machine, "_bf16_is_faster", lambda: faster)
    assert detect_machine().precision == precision


def test_bf16_is_measured_once_in_a_kernel():
    """The measurement is noisy. Two setup cells that disagree would train differently."""
    machine._bf16_is_faster.cache_clear()
    first = machine._bf16_is_faster()
    assert isinstance(first, bool) and machine._bf16_is_faster.cache_info().misses == 1
    assert machine._bf16_is_faster() is first and machine._bf16_is_faster.cache_info().misses == 1


def test_a_cpu_that_emulates_bf16_is_found_out_by_one_product(monkeypatch):
    """Five products took six seconds of the setup cell."""
    multiply = torch.Tensor.__matmul__
    slow = []

    def emulated(left, right):
        if left.dtype is torch.bfloat16:
            slow.append(left.shape)
            time.sleep(1)
        return multiply(left.float(), right.float())

    monkeypatch.setattr(torch.Tensor, "__matmul__", emulated)
    machine._bf16_is_faster.cache_clear()
    assert machine._bf16_is_faster() is False and len(slow) == 1
    machine._bf16_is_faster.cache_clear()


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_a_gpu_gets_the_half_precision_it_is_good_at(monkeypatch, capability, precision):
    major, minor = capability
    gpu = types.SimpleNamespace(name="test", total_memory=15 * 2**30, major=major, minor=minor)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: gpu)
    found = detect_machine()
    assert (found.device, found.device_name, found.memory_gb) == ("cuda", "test", 15.0)
    assert found.precision == precision


@pytest.mark.parametrize(("visible", "asked"), [(None, "0"), ("1,0", "1")])
def test_to_look_at_two_gpus_does_not_start_cuda(monkeypatch, tmp_path, visible, asked):
    """CUDA cannot be started again in a forked process: `notebook_launcher` would stop on a machine with two
    GPUs, after nothing but the setup cell.
    """
    program = tmp_path / "nvidia-smi"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\necho "Tesla T4, 15360, 7.5"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: pytest.fail("this starts CUDA"))
    found = detect_machine()
    assert (found.device_name, found.memory_gb, found.precision) == ("Tesla T4", 15.0, "fp16")
    assert (tmp_path / "asked").read_text().startswith(f"-i {asked} ")


def test_hosts_are_told_apart(monkeypatch):
    for name in ("VSCODE_PID", "VSCODE_CWD"):
        monkeypatch.delenv(name, raising=False)
    assert detect_machine().host == "local"
    monkeypatch.setenv("VSCODE_CWD", "/")
    assert detect_machine().host == "VS Code"
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert detect_machine().host == "Kaggle"
    monkeypatch.setenv("BINDER_REPO_URL", "https://example.org")
    assert detect_machine().host == "Binder"
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    assert detect_machine().host == "Google Colab"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000\n", "memory.max": "1073741824\n"}, (2, 1.0)),
        ({"cpu.max": "50000 100000\n"}, (1, 64.0)),
        ({"cpu.max": "max 100000\n", "memory.max": "max\n"}, (16, 64.0)),
        (
            {
                "cpu/cpu.cfs_quota_us": "400000\n",
                "cpu/cpu.cfs_period_us": "100000\n",
                "memory/memory.limit_in_bytes": "2147483648\n",
            },
            (4, 2.0),
        ),
        (
            {
                "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            (16, 64.0),
        ),
        ({}, (16, 64.0)),
    ],
)
def test_a_container_has_what_it_is_granted_and_not_what_its_host_has(tmp_path, monkeypatch, files, expected):
    """On Binder, torch would start a thread for each of the host's 16 cores, and own one or two of them."""
    import os
    import types

    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(16), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(total=64 * 2**30))
    assert (cores(tmp_path), memory_gb(tmp_path)) == expected


def test_other_notebooks_kernels_are_found(tmp_path, monkeypatch):
    """Kernels of notebooks that were closed with their tab go on to hold memory, and nobody sees them."""
    import subprocess

    from helpers.machine import other_kernels_gb

    (tmp_path / "ipykernel_launcher").write_text(
        "taken = bytes(range(256)) * (1 << 20); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "ipykernel_launcher"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as kernel:
        kernel.stdout.readline()
        # The kernels of other tests come and go
        all_of = psutil.process_iter
        mine = (os.getpid(), kernel.pid)
        monkeypatch.setattr(psutil, "process_iter", lambda of: (one for one in all_of(of) if one.pid in mine))
        assert 0.25 < other_kernels_gb() < 0.35
        kernel.communicate(b"\n")


@pytest.mark.parametrize(
    ("total", "in_use", "granted", "busy"),
    [(2, 5, 2, False), (2, 50, 2, True), (2, 100, 2, True), (64, 50, 2, False), (64, 98, 2, True)],
)
def test_a_machine_is_busy_if_others_leave_too_few_of_our_cores(monkeypatch, total, in_use, granted, busy):
    """In a container, the host's other cores may work as they like. An estimate made under load was 37 times
    too long, and nobody was told why.
    """

    monkeypatch.setattr(psutil, "cpu_count", lambda: total)
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: in_use)
    monkeypatch.setattr(machine, "cores", lambda: granted)
    assert machine.is_busy() == busy
