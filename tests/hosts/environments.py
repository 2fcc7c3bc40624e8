"""Try the course in an environment of its own.

    pip install uv
    python tests/hosts/environments.py colab        # or: oldest, newest

"colab" means Colab's versions, "oldest" the oldest that requirements.txt allows, "newest" the newest there
are. The script installs them and lets the setup cell add what is missing. It checks that this changed no
installed version, and runs the unit and fault tests and all notebooks. `UV_TORCH_BACKEND=cpu` takes PyTorch
without CUDA; `--torch torch==2.13.0` takes that version.

Notebook 9 runs with Colab's Keras 3.13 in "colab", and with the newest Keras in the others.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPORTS = (
    "start/test_packages.py::test_this_environment_has_what_the_course_needs",
    "start/test_session.py::test_setup_prints_the_choice_and_may_be_called_again",
)


def requirements(which: str, torch: str | None) -> list[str]:
    """Return what to install before the setup cell runs."""
    lines = [
        line.partition("#")[0].strip()
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    ]
    lines = [line for line in lines if line]
    if which == "colab":
        wanted = [
            line
            for line in (ROOT / "tests/hosts/colab.txt").read_text(encoding="utf-8").splitlines()
            if not line.startswith("#")
        ]
    elif which == "oldest":
        wanted = [re.sub(r">=([\d.]+).*", r"==\1", line) for line in lines]
    else:
        wanted = [re.sub(r",<[\d.]+", "", line) for line in lines]
    return [torch if torch and line.startswith("torch") else line for line in wanted]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", choices=("colab", "oldest", "newest"))
    parser.add_argument("--torch", help="instead of what requirements.txt says of torch")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check(arguments.which, requirements(arguments.which, arguments.torch), Path(folder))


def check(which: str, wanted: list[str], folder: Path) -> None:
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run("uv", "venv", "--quiet", "--seed", "--python", sys.executable, folder / "venv")
    run("uv", "pip", "install", "--quiet", "--python", python, *wanted)
    host = folder / "host.txt"
    host.write_text(freeze(python), encoding="utf-8")
    run(
        "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        python,
        "--constraint",
        host,
        "--requirements",
        ROOT / "tests/requirements.txt",
    )

    before = set(freeze(python).splitlines())
    run(python, "-c", "import helpers; helpers.setup()", FINETUNE_PROFILE="offline")
    after = set(freeze(python).splitlines())
    added = {line.partition("==")[0] for line in after - before}
    print(
        f"The setup cell added: {', '.join(sorted(added)) or 'nothing'}; removed or replaced:"
        f" {', '.join(sorted(before - after)) or 'nothing'}"
    )
    missing = {"evaluate"} if which == "colab" else set()
    assert added == missing and before <= after, (
        "it installs what is missing and changes no installed version"
    )
    # What is newer than tested is what shall be tried here: the report of it is no failure.
    newer = [f"--deselect=tests/unit/{name}" for name in REPORTS] if which == "newest" else []
    run(python, "-m", "pytest", "-q", "tests/unit", "tests/faults", "tests/notebooks", "tests/hosts", *newer)


def freeze(python: Path) -> str:
    return subprocess.run(
        ["uv", "pip", "freeze", "--python", python], check=True, capture_output=True, text=True
    ).stdout


def run(*command, **env) -> None:
    print("+", *command, flush=True)
    subprocess.run([*map(str, command)], cwd=ROOT, env=os.environ | env, check=True)


if __name__ == "__main__":
    main()
