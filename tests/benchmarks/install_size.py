"""Measure what installing requirements.txt downloads and leaves on the disk, without installing it.

    pip install uv
    python tests/benchmarks/install_size.py

The figures hold for this machine's kind of system. `uv lock` resolves the requirements. The script asks the
index for each wheel's size. A wheel's table of contents stands at the end of the file: a range request
fetches it, and it tells the unpacked size.
"""

import concurrent.futures
import io
import json
import struct
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parents[2]
PROJECT = """[project]
name = "sizes"
version = "0"
requires-python = "=={major}.{minor}.*"
dependencies = {dependencies}

[tool.uv]
environments = ["sys_platform == '{platform}'"]
"""


def resolved() -> list[dict]:
    """Return the packages of a lock file for this Python and system."""
    lines = (
        line.partition("#")[0].strip()
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    )
    dependencies = json.dumps([line for line in lines if line])
    version = sys.version_info
    with tempfile.TemporaryDirectory() as folder:
        project = PROJECT.format(
            major=version.major, minor=version.minor, dependencies=dependencies, platform=sys.platform
        )
        (Path(folder) / "pyproject.toml").write_text(project)
        subprocess.run(["uv", "lock", "--quiet", "--python", sys.executable], cwd=folder, check=True)
        return tomllib.loads((Path(folder) / "uv.lock").read_text())["package"]


def wheel_for_here(package: dict) -> str | None:
    """Return the address of the wheel that pip would take here; None if there is none."""
    ranks = {tag: rank for rank, tag in enumerate(sys_tags())}
    fitting = []
    for wheel in package.get("wheels", []):
        tags = parse_wheel_filename(wheel["url"].rpartition("/")[2])[3]
        if known := [ranks[tag] for tag in tags if tag in ranks]:
            fitting.append((min(known), wheel["url"]))
    return min(fitting)[1] if fitting else None


def sizes(url: str) -> tuple[int, int]:
    """Return the bytes of the wheel, and of what is in it."""
    with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=60) as answer:
        size = int(answer.headers["Content-Length"])
    start = max(0, size - 4_000_000)
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"Range": f"bytes={start}-"}), timeout=60
    ) as answer:
        return size, unpacked(answer.read())


def unpacked(tail: bytes) -> int:
    """Add up the uncompressed sizes in a ZIP's central directory, which stands at the file's end."""
    end = tail.rindex(b"PK\x05\x06")
    entries, length = struct.unpack("<HI", tail[end + 10 : end + 16])
    directory = io.BytesIO(tail[end - length : end])
    total = 0
    for _ in range(entries):
        head = directory.read(46)
        total += struct.unpack("<I", head[24:28])[0]
        directory.seek(sum(struct.unpack("<HHH", head[28:34])), io.SEEK_CUR)
    return total


if __name__ == "__main__":
    packages = {package["name"]: url for package in resolved() if (url := wheel_for_here(package))}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        measured = dict(zip(packages, pool.map(sizes, packages.values())))
    for name, (download, disk) in sorted(measured.items(), key=lambda item: -item[1][1])[:12]:
        print(f"{name:24} {download / 1e6:8,.0f} MB to download {disk / 1e6:8,.0f} MB unpacked")
    cuda = {name for name in measured if name.startswith(("nvidia-", "cuda-", "triton"))}
    for title, chosen in (("all", measured.keys()), ("without CUDA's packages", measured.keys() - cuda)):
        download, disk = (sum(measured[name][i] for name in chosen) / 1e9 for i in (0, 1))
        print(f"{len(chosen)} packages, {title}: {download:.1f} GB to download, {disk:.1f} GB unpacked")
