import http.server
import json
import re
import socket
import sys
import threading
import time

import pytest
import torch

from helpers import environment
from helpers.environment import cores, detect_machine, hub_answers, memory_gb


@pytest.fixture
def online(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


@pytest.fixture
def server(monkeypatch, online):
    """A server on loopback that answers every GET with `server.body`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


def test_the_hub_answers(server):
    server.body = json.dumps({"id": "google-bert/bert-base-cased"}).encode()
    assert hub_answers()


def test_a_captive_portal_is_not_the_hub(server):
    """Hotel networks answer every address with a page of their own."""
    server.body = b"<html>Please accept our terms</html>"
    assert not hub_answers()


def test_offline_is_believed_without_asking(server, monkeypatch):
    server.body = json.dumps({"id": "google-bert/bert-base-cased"}).encode()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not hub_answers()


def test_a_silent_server_costs_no_more_than_the_timeout(monkeypatch, online):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.perf_counter()
        assert not hub_answers(timeout=0.3)
        assert time.perf_counter() - began < 2


def test_name_resolution_that_hangs_costs_no_more_than_the_timeout(monkeypatch, online):
    """A socket's timeout does not count while the name is looked up: behind some routers that takes half a minute."""

    def hang(url, timeout):
        time.sleep(2)
        raise OSError("no such host")

    monkeypatch.setattr("urllib.request.urlopen", hang)
    began = time.perf_counter()
    assert not hub_answers(timeout=0.3)
    assert time.perf_counter() - began < 1.5


@pytest.mark.parametrize(("device", "faster", "precision"), [("cpu", False, "float32"), ("cpu", True, "bf16"), ("mps", True, "float32")])
def test_a_machine_without_a_gpu_gets_half_precision_only_where_it_pays(monkeypatch, device, faster, precision):
    """fp16 on a CPU or a Mac is an error in the first training step; bf16 on most CPUs is slower than float32."""
    monkeypatch.setattr(environment, "_device", lambda: (device, "test", 8.0))
    monkeypatch.setattr(environment, "_bf16_is_faster", lambda: faster)
    assert detect_machine().precision == precision


def test_bf16_is_measured_once_in_a_kernel():
    """The measurement is noisy; two setup cells that disagree would train differently."""
    environment._bf16_is_faster.cache_clear()
    first = environment._bf16_is_faster()
    assert isinstance(first, bool) and environment._bf16_is_faster.cache_info().misses == 1
    assert environment._bf16_is_faster() is first and environment._bf16_is_faster.cache_info().misses == 1


def test_a_cpu_that_emulates_bf16_is_found_out_by_one_product(monkeypatch):
    """Five of them took six seconds of the setup cell."""
    multiply, slow = torch.Tensor.__matmul__, []

    def emulated(left, right):
        if left.dtype is torch.bfloat16:
            slow.append(left.shape)
            time.sleep(1)
        return multiply(left.float(), right.float())

    monkeypatch.setattr(torch.Tensor, "__matmul__", emulated)
    environment._bf16_is_faster.cache_clear()
    assert environment._bf16_is_faster() is False and len(slow) == 1
    environment._bf16_is_faster.cache_clear()


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_a_gpu_gets_the_half_precision_it_is_good_at(monkeypatch, capability, precision):
    monkeypatch.setattr(environment, "_device", lambda: ("cuda", "test", 15.0))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert detect_machine().precision == precision


def test_hosts_are_told_apart(monkeypatch):
    assert detect_machine().host == "local"
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
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n", "memory/memory.limit_in_bytes": "2147483648\n"}, (4, 2.0)),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n", "memory/memory.limit_in_bytes": "9223372036854771712\n"}, (16, 64.0)),
        ({}, (16, 64.0)),
    ],
)
def test_a_container_has_what_it_is_granted_and_not_what_its_host_has(tmp_path, monkeypatch, files, expected):
    """On Binder, torch would start a thread for each of the host's 16 cores and share one or two of them."""
    import os
    import types

    import psutil

    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(16), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(total=64 * 2**30))
    assert (cores(tmp_path), memory_gb(tmp_path)) == expected


def test_other_notebooks_kernels_are_found(tmp_path):
    import subprocess

    from helpers.environment import other_kernels_gb

    before = other_kernels_gb()
    (tmp_path / "ipykernel_launcher").write_text("taken = bytes(range(256)) * (1 << 20); print(1, flush=True); input()")
    with subprocess.Popen([sys.executable, "ipykernel_launcher"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as kernel:
        kernel.stdout.readline()
        assert 0.25 < other_kernels_gb() - before < 0.35
        kernel.communicate(b"\n")


def test_setup_prints_the_choice_and_may_be_called_again(capsys, monkeypatch):
    import helpers

    monkeypatch.delenv("FINETUNE_PROFILE")
    first, second = helpers.setup("offline"), helpers.setup("offline")
    assert first == second and first[0].name == "offline"
    out = capsys.readouterr().out
    assert "Profile   offline: chosen by name\n" in out and "bert-tiny-synthetic (bundled)" in out
    assert f"Host      local, Python {sys.version.split()[0]}" in out and re.search(r"Versions  torch 2\.[^:]+: OK\n", out)
    assert max(map(len, out.splitlines())) <= 115, "wrapped by us: a notebook would start the next line under the name"


def test_the_environment_overrules_the_notebook(capsys, monkeypatch):
    """A workshop sets one variable for fifty people, whose notebooks nobody edits."""
    import helpers

    monkeypatch.setenv("FINETUNE_PROFILE", "small")
    assert helpers.setup("offline")[0].name == "small"
    assert "small: chosen by name (FINETUNE_PROFILE)" in capsys.readouterr().out
