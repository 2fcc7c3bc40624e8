"""Make a folder of the packages that a machine with a GPU lacks, so that the course runs there offline.

    python tests/gpu/wheels.py FOLDER [--machine tests/gpu/machine.txt]

`machine.txt` lists what is there, a package a line, with a version where it is known; write it from that
machine's `pip list`. The rest is what requirements.txt and these tests need, in wheels for Python 3.12 on
Linux. The command says how large the folder is together with the repository: both have to travel there.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from helpers.start.packages import REQUIREMENTS, read

FOR_THE_TESTS = ("nbclient", "nbformat")
NO_KERNEL_NEEDS_IT = {"jupyterlab"}
MAY_TRAVEL = 64 * 2**20  # bytes
# pip takes a wheel only for a platform that is named here
PLATFORM = ["--python-version", "3.12", "--implementation", "cp", "--only-binary", ":all:"]
for tag in ("2014", "1", "_2_17", "_2_24", "_2_26", "_2_27", "_2_28"):
    PLATFORM += ["--platform", f"manylinux{tag}_x86_64"]


def normal(name: str) -> str:
    """Return the name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(there: set[str]) -> list[str]:
    """Return what the course and these tests need and the machine lacks, with the course's versions."""
    tests = {normal(needed.name): needed for needed in read(ROOT / "tests" / "requirements.txt")}
    needs = read(REQUIREMENTS) + [tests[name] for name in FOR_THE_TESTS]
    return [
        f"{needed.name}{needed.specifier}"
        for needed in needs
        if normal(needed.name) not in there | NO_KERNEL_NEEDS_IT
    ]


def resolve(packages: list[str], installed: list) -> dict[str, str]:
    """Return the version of each package and of all that it needs, by normal name.

    What is there in a known version keeps it.
    """
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder, "known.txt")
        known.write_text("\n".join(str(one) for one in installed if one.specifier), encoding="utf-8")
        report = Path(folder, "report.json")
        pip("install", "--dry-run", "--ignore-installed", "--target", folder, *PLATFORM,
            "--report", str(report), "--constraint", str(known), *packages)  # fmt: skip
        chosen = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {normal(one["metadata"]["name"]): one["metadata"]["version"] for one in chosen}


def pip(*arguments: str) -> None:
    """Run pip quietly. It prints what it could not do."""
    subprocess.run([sys.executable, "-m", "pip", *arguments, "--quiet"], check=True)


def repository_bytes() -> int:
    """Return the size of the files that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return sum(file.stat().st_size for file in files if file.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--machine", type=Path, default=Path(__file__).with_name("machine.txt"))
    options = parser.parse_args()
    if options.folder.is_dir() and any(options.folder.iterdir()):
        sys.exit(
            f"{options.folder} is not empty. Two versions of a package would clash: choose a new folder."
        )

    installed = read(options.machine)
    there = {normal(package.name) for package in installed}
    versions = resolve(wanted(there), installed)
    missing = [f"{name}=={version}" for name, version in sorted(versions.items()) if name not in there]
    pip("download", "--no-deps", "--dest", str(options.folder), *PLATFORM, *missing)

    size = sum(file.stat().st_size for file in options.folder.iterdir())
    total = size + repository_bytes()
    print(f"{len(missing)} wheels, {size / 2**20:.1f} MiB; with the repository {total / 2**20:.1f} MiB.")
    if total > MAY_TRAVEL:
        sys.exit(f"That is more than the {MAY_TRAVEL / 2**20:.0f} MiB that may travel.")


if __name__ == "__main__":
    main()
