"""A Hub on 127.0.0.1, for huggingface_hub, datasets and evaluate.

It serves the routes that they call, with the real Hub's headers. As from the real Hub, small files come by
way of a relative redirect, and large ones (LFS) from a "CDN" address. It does not speak Xet, the Hub's chunk
protocol. Without Xet's headers the clients download over plain HTTP, as they do where `hf_xet` is not
installed.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

LFS_FROM = 1_000_000  # bytes; the real Hub goes by .gitattributes
CHUNK = 1 << 16
# What the server answers to every request
MODES = {
    "badtoken": (401, b'{"error": "Invalid credentials in Authorization header"}'),
    "login page": (200, b"<html>Please log in</html>", {"Content-Type": "text/html"}),
    "429": (429, b'{"error": "Too many requests"}', {"Retry-After": "0"}),
}


@dataclass
class Repository:
    """A repository. `commits` maps commit ids to folders; `main` names the commit of the branch."""

    kind: str  # "models", "datasets" or "spaces", as in the Hub's API
    name: str
    commits: dict[str, Path]
    main: str

    def commit(self, revision: str) -> str | None:
        revision = self.main if revision == "main" else revision
        return revision if revision in self.commits else None

    def files(self, commit: str) -> dict[str, Path]:
        root = self.commits[commit]
        return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}


@dataclass
class Request:
    method: str
    path: str
    range: str | None
    authorization: str | None
    status: int = 0
    sent: int = 0  # bytes of body


@dataclass
class Fault:
    """Says what happens to the next `times` requests whose "METHOD /path" contains `match`."""

    match: str
    times: int
    status: int | None = None
    delay: float = 0.0
    cut_after: int | None = None  # bytes of body after which the connection is closed
    then: Callable[[], None] | None = None


@dataclass
class LoopbackHub:
    """The server, a context manager.

    `requests` keeps every request. `fault` lets the next ones go wrong, `mode` all of them: "badtoken"
    refuses every token, "login page" answers with a page for people, "429" asks for a pause. A client can set
    the mode, too, with GET /test/mode/NAME. With `certificate`, a PEM file, the server speaks TLS.
    """

    repositories: list[Repository]
    mode: str = ""
    certificate: Path | None = None
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def __enter__(self) -> LoopbackHub:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.url = self.url.replace("http", "https", 1)
        self._gone = threading.Event()
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_) -> None:
        self.vanish()

    def vanish(self) -> None:
        """Cut open connections and refuse new ones, as if the network were gone."""
        if not self._gone.is_set():
            self._gone.set()
            threading.Thread(target=self._server.shutdown).start()
            self._server.socket.close()

    @property
    def gone(self) -> bool:
        return self._gone.is_set()

    def fault(self, match: str, times: int = 1, **what) -> None:
        self.faults.append(Fault(match, times, **what))

    def bytes_served(self, match: str = "") -> int:
        return sum(request.sent for request in self.requests if match in request.path)

    def paths(self, match: str = "") -> list[str]:
        return [request.path for request in self.requests if match in request.path]

    def take_fault(self, line: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.match in line:
                fault.times -= 1
                return fault
        return None


@cache
def _digest(path: Path, mtime: float, algorithm: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _etag(path: Path) -> str:
    return _digest(path, path.stat().st_mtime, "sha256" if _is_lfs(path) else "sha1")


def _is_lfs(path: Path) -> bool:
    return path.stat().st_size >= LFS_FROM


def _entry(name: str, path: Path) -> dict:
    entry = {
        "type": "file",
        "path": name,
        "size": path.stat().st_size,
        "oid": _digest(path, path.stat().st_mtime, "sha1"),
    }
    if _is_lfs(path):
        entry["lfs"] = {"oid": _etag(path), "size": path.stat().st_size, "pointerSize": 134}
    return entry


def _handler(hub: LoopbackHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer()

        def do_GET(self):
            self.answer()

        def do_POST(self):
            self.answer()

        def answer(self):
            if hub.gone:
                self.close_connection = True
                return
            self.request_record = Request(
                self.command, self.path, self.headers["Range"], self.headers["Authorization"]
            )
            hub.requests.append(self.request_record)
            self.body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.fault = hub.take_fault(f"{self.command} {self.path}")
            if self.fault:
                time.sleep(self.fault.delay)
                if self.fault.then:
                    self.fault.then()
                if self.fault.status:
                    self.respond(self.fault.status, b'{"error": "a fault of the test"}', {"Retry-After": "0"})
                    return
            parts = urlsplit(self.path)
            path = unquote(parts.path)
            if path.startswith("/test/mode/"):
                hub.mode = path.removeprefix("/test/mode/")
                self.respond(200)
                return
            if hub.mode in MODES and (hub.mode != "badtoken" or self.headers["Authorization"]):
                self.respond(*MODES[hub.mode])
                return
            query = parse_qs(parts.query)
            for pattern, method in ROUTES:
                if match := re.fullmatch(pattern, path):
                    method(self, query=query, **match.groupdict())
                    return
            self.respond(404, b'{"error": "no such route"}')

        # What the routes share

        def respond(self, status: int, body: bytes = b"", headers: dict | None = None):
            self.send_start(
                status,
                {"Content-Length": str(len(body)), "Content-Type": "application/json", **(headers or {})},
            )
            if self.command != "HEAD":
                self.send_body([body])

        def send_start(self, status: int, headers: dict):
            self.request_record.status = status
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def send_body(self, chunks):
            left = float("inf") if not self.fault or self.fault.cut_after is None else self.fault.cut_after
            try:
                for chunk in chunks:
                    if hub.gone or left < len(chunk):
                        self.wfile.write(chunk[: int(min(left, len(chunk)))] if not hub.gone else b"")
                        self.close_connection = True
                        return
                    self.wfile.write(chunk)
                    self.request_record.sent += len(chunk)
                    left -= len(chunk)
            except OSError:  # the client has closed
                self.close_connection = True

        def find(self, kind: str, name: str, revision: str) -> tuple[Repository, str] | None:
            """Return the repository and the commit. Or answer 404 as the Hub does, and return None."""
            repository = next((r for r in hub.repositories if (r.kind, r.name) == (kind, name)), None)
            if repository is None:
                # Only those who log in are told that it does not exist
                status = 404 if self.headers["Authorization"] else 401
                self.respond(status, b'{"error": "not found"}', {"X-Error-Code": "RepoNotFound"})
                return None
            commit = repository.commit(revision)
            if commit is None:
                message = f"Invalid rev id: {revision}"
                self.respond(
                    404,
                    json.dumps({"error": message}).encode(),
                    {"X-Error-Code": "RevisionNotFound", "X-Error-Message": message},
                )
                return None
            return repository, commit

        # Routes

        def info(self, query, kind, name, revision="main"):
            if found := self.find(kind, name, unquote(revision or "main")):
                repository, commit = found
                blobs = "blobs" in query
                siblings = [
                    {"rfilename": file, **({"size": path.stat().st_size, "blobId": "0"} if blobs else {})}
                    for file, path in repository.files(commit).items()
                ]
                answer = {
                    "id": name,
                    "_id": "0",
                    "sha": commit,
                    "private": False,
                    "gated": False,
                    "disabled": False,
                    "tags": [],
                    "downloads": 0,
                    "likes": 0,
                    "lastModified": "2026-01-01T00:00:00.000Z",
                    "createdAt": "2026-01-01T00:00:00.000Z",
                    "siblings": siblings,
                }
                self.respond(200, json.dumps(answer).encode())

        def tree(self, query, kind, name, revision, folder=""):
            if found := self.find(kind, name, revision):
                repository, commit = found
                folder = (folder or "").strip("/")
                inside = {
                    f: p
                    for f, p in repository.files(commit).items()
                    if not folder or f.startswith(folder + "/")
                }
                if folder and not inside:
                    self.respond(404, b'{"error": "not found"}', {"X-Error-Code": "EntryNotFound"})
                    return
                entries = []
                seen = set()
                for file, path in inside.items():
                    rest = file[len(folder) + 1 :] if folder else file
                    parents = rest.split("/")[:-1]
                    for depth in range(1, len(parents) + 1):
                        parent = "/".join(([folder] if folder else []) + parents[:depth])
                        if parent not in seen and (depth == 1 or "recursive" in query):
                            seen.add(parent)
                            entries.append({"type": "directory", "path": parent, "size": 0, "oid": "0" * 40})
                    if not parents or query.get("recursive", ["false"])[0].lower() in ("true", "1"):
                        entries.append(_entry(file, path))
                self.respond(200, json.dumps(entries).encode())

        def paths_info(self, query, kind, name, revision):
            if found := self.find(kind, name, revision):
                repository, commit = found
                files = repository.files(commit)
                wanted = self.wanted_paths()
                entries = [_entry(path, files[path]) for path in wanted if path in files]
                entries += [
                    {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}
                    for path in wanted
                    if any(file.startswith(path.strip("/") + "/") for file in files)
                ]
                self.respond(200, json.dumps(entries).encode())

        def wanted_paths(self) -> list[str]:
            if "json" in (self.headers["Content-Type"] or ""):
                paths = json.loads(self.body)["paths"]
                return paths if isinstance(paths, list) else [paths]
            return parse_qs(self.body.decode()).get("paths", [])

        def resolve(self, query, name, revision, file, prefix=None):
            kind = (prefix or "models/").rstrip("/")
            if found := self.find(kind, name, revision):
                repository, commit = found
                path = repository.files(commit).get(file)
                if path is None:
                    self.respond(
                        404, b"Entry not found", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}
                    )
                    return
                headers = {
                    "X-Repo-Commit": commit,
                    "Accept-Ranges": "bytes",
                    "X-Linked-Size": str(path.stat().st_size),
                }
                if _is_lfs(path):
                    headers |= {
                        "X-Linked-ETag": f'"{_etag(path)}"',
                        "Location": f"{hub.url}/cdn/{kind}/{name}/{commit}/{file}",
                    }
                    self.respond(302, b"", headers)
                else:
                    headers |= {
                        "ETag": f'"{_etag(path)}"',
                        "Location": f"/api/resolve-cache/{kind}/{name}/{commit}/{file}",
                    }
                    self.respond(307, b"", headers)

        def content(self, query, kind, name, commit, file):
            repository = next(r for r in hub.repositories if (r.kind, r.name) == (kind, name))
            path = repository.files(commit)[file]
            size = path.stat().st_size
            headers = {
                "ETag": f'"{_etag(path)}"',
                "X-Repo-Commit": commit,
                "Accept-Ranges": "bytes",
                "Content-Type": "application/octet-stream",
            }
            start = 0
            stop = size
            status = 200
            if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or ""):
                start = int(asked[1])
                stop = min(int(asked[2] or size - 1) + 1, size)
                status = 206
                if start >= size:
                    self.respond(416, b"", {"Content-Range": f"bytes */{size}"})
                    return
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
            self.send_start(status, {"Content-Length": str(stop - start), **headers})
            if self.command != "HEAD":
                self.send_body(_chunks(path, start, stop))

    repo = r"(?P<kind>models|datasets|spaces)/(?P<name>[^/]+/[^/]+)"
    ROUTES = (
        (rf"/api/resolve-cache/{repo}/(?P<commit>[^/]+)/(?P<file>.+)", Handler.content),
        (rf"/cdn/{repo}/(?P<commit>[^/]+)/(?P<file>.+)", Handler.content),
        (rf"/api/{repo}", Handler.info),
        (rf"/api/{repo}/revision/(?P<revision>[^/]+)", Handler.info),
        (rf"/api/{repo}/tree/(?P<revision>[^/]+)(?P<folder>/.*)?", Handler.tree),
        (rf"/api/{repo}/paths-info/(?P<revision>[^/]+)", Handler.paths_info),
        (
            r"/(?P<prefix>datasets/|spaces/)?(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)",
            Handler.resolve,
        ),
    )
    return Handler


def _chunks(path: Path, start: int, stop: int):
    with open(path, "rb") as file:
        file.seek(start)
        while start < stop:
            chunk = file.read(min(CHUNK, stop - start))
            start += len(chunk)
            yield chunk
