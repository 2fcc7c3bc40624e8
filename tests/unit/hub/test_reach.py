"""Protects a learner from waiting for a Hub that is silent, and from a login page that answers for it."""

import http.server
import json
import os
import socket
import sys
import threading
import time

import pytest
from huggingface_hub import constants

from helpers.hub import reach
from helpers.hub.reach import hub_answers, use_caches_only


@pytest.fixture
def server(monkeypatch, online):
    """Start a server on loopback that answers every GET with `server.body`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
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
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        began = time.perf_counter()
        assert not hub_answers(timeout=0.3)
        assert time.perf_counter() - began < 2


def test_name_resolution_that_hangs_costs_no_more_than_the_timeout(monkeypatch, online):
    """A socket's timeout does not count while the name is looked up. Behind some routers that takes half a
    minute.
    """

    def hang(*args):
        time.sleep(2)
        raise OSError("no such host")

    monkeypatch.setattr("socket.getaddrinfo", hang)
    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    began = time.perf_counter()
    assert not hub_answers(timeout=0.3)
    assert time.perf_counter() - began < 1.5


@pytest.fixture
def answers(monkeypatch):
    """Return the list of what the probe will find, the next answer first."""
    waiting = []
    monkeypatch.setattr(reach, "hub_problem", lambda: None if waiting.pop(0) else TimeoutError())
    monkeypatch.setattr(reach, "_went_offline", False)
    monkeypatch.setattr(reach, "_problem", None)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    import datasets  # noqa: F401  # a loaded module that must be told

    yield waiting
    use_caches_only(True)  # as tests/conftest.py has it


def test_without_the_hub_the_libraries_are_spared_asking_until_it_is_back(answers):
    """Otherwise they ask for each file of a full cache again and again. On a train, that takes minutes."""
    answers[:] = [False, True]
    assert not reach.ask_hub() and os.environ["HF_HUB_OFFLINE"] == "1"
    assert (
        sys.modules["huggingface_hub.constants"].HF_HUB_OFFLINE
        and sys.modules["datasets.config"].HF_HUB_OFFLINE
    )
    assert reach.ask_hub() and "HF_HUB_OFFLINE" not in os.environ
    assert (
        not sys.modules["huggingface_hub.constants"].HF_HUB_OFFLINE
        and not sys.modules["datasets.config"].HF_HUB_OFFLINE
    )


def test_what_the_learner_has_set_stays(answers, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    answers[:] = [False, False]
    reach.ask_hub()
    reach.ask_hub()
    assert os.environ["HF_HUB_OFFLINE"] == "1"
