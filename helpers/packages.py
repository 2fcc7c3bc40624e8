"""What the course needs is here, or is installed, without replacing what the host brought."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements.txt"
_NOT_FOR_THE_KERNEL = {"jupyterlab"}  # a front end: Colab and others bring their own
# Built for the host's driver, for each other, or for its front end: pip's would be gigabytes, a crash, or an empty box.
_THE_HOSTS_OWN = {"torch", "torchvision", "torchaudio", "numpy", "ipywidgets", "ipykernel"}
_LINES_OF_PIP = 12  # the reason is at the end


class SetupError(ImportError):
    """What stands between this kernel and the course, and what to do. A notebook shows it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()  # IPython's protocol for errors that render themselves


@dataclass(frozen=True)
class Package:
    """A line of requirements.txt beside what is installed; `installed` is None where nothing is."""

    name: str
    needed: str
    installed: str | None

    @property
    def state(self) -> str:
        """ "ok", "missing", "too old", or "newer than tested"."""
        from packaging.specifiers import SpecifierSet

        if self.installed is None:
            return "missing"
        bounds = SpecifierSet(self.needed)
        if bounds.contains(self.installed, prereleases=True):
            return "ok"
        floors = SpecifierSet(",".join(str(bound) for bound in bounds if bound.operator.startswith(">")))
        return "newer than tested" if floors.contains(self.installed, prereleases=True) else "too old"

    @property
    def to_install(self) -> bool:
        return self.state == "missing" or (self.state == "too old" and self.name not in _THE_HOSTS_OWN)

    def __str__(self) -> str:
        return f"{self.name}{self.needed}"


def read(requirements: Path = REQUIREMENTS) -> list:
    """The lines of a requirements.txt as `packaging.requirements.Requirement`, without its comments."""
    from packaging.requirements import Requirement

    lines = (line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line]


def check(requirements: Path = REQUIREMENTS) -> list[Package]:
    """Every package that a notebook imports, beside the version that this kernel finds."""
    installed = _installed()
    return [
        Package(requirement.name, str(requirement.specifier), installed.get(_normal(requirement.name)))
        for requirement in read(requirements)
        if requirement.name not in _NOT_FOR_THE_KERNEL
    ]


def ensure(requirements: Path = REQUIREMENTS) -> list[Package]:
    """Install what is missing or too old, and nothing else; what is then here.

    torch, numpy, ipywidgets and their like stay as the host has them, even where they are older than the course was tested
    with. Raises SetupError with pip's words when it fails, and when the kernel has to be restarted.
    """
    found = check(requirements)
    if needed := [package for package in found if package.to_install]:
        print(f"Installing {', '.join(f'{package.name} ({package.state})' for package in needed)} …", flush=True)
        before = _installed()
        _pip_install(needed, before)
        _ask_for_restart(replaced={name for name, version in _installed().items() if before.get(name, version) != version})
        found = check(requirements)
        if absent := [package.name for package in found if package.installed is None]:
            raise SetupError(f"Installed, but this kernel does not see it yet: {', '.join(absent)}.\nRestart the kernel, then run this cell again.")
    return found


def report(packages: Iterable[Package]) -> list[str]:
    """Lines for people: all that is OK on the first, then one for each that is not, with what to do."""
    good, others = [], []
    for package in packages:
        here = f"{package.name} {package.installed}"
        if package.state == "ok":
            good.append(here)
        elif package.name in _THE_HOSTS_OWN:
            others.append(f"{here}: {package.state}, tested with {package.needed}; it is the host's own. Should a cell fail: another runtime")
        else:
            others.append(f'{here}: {package.state}. Should a cell fail: %pip install "{package}", then restart the kernel')
    return [f"{', '.join(good)}: OK", *others] if good else others


def _pip_install(needed: list[Package], installed: dict[str, str]) -> None:
    held = [f"{name}=={installed[name]}" for name in sorted(_THE_HOSTS_OWN & installed.keys())]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "host.txt"
        constraints.write_text("\n".join(held), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar=off",
                   "--constraint", str(constraints), *map(str, needed)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              encoding="utf-8", errors="replace", check=False)
    said = done.stdout.splitlines()
    if done.returncode:
        raise SetupError("\n".join([
            *said[-_LINES_OF_PIP:], "", f"pip could not install {', '.join(map(str, needed))} into {sys.executable}.",
            "Without a network, install it beforehand; else see pip's lines above, mend that, and run this cell again.",
        ]))
    for line in said:
        if line.startswith("ERROR"):  # installed, but at odds with other packages of the host
            print(line)
    importlib.invalidate_caches()


def _ask_for_restart(replaced: set[str]) -> None:
    """A package that this kernel has loaded stays the old one until it is started again, half old and half new."""
    loaded = {module.partition(".")[0] for module in sys.modules}
    owners = {_normal(owner) for module, names in metadata.packages_distributions().items() if module in loaded for owner in names}
    if stale := sorted(replaced & owners):
        raise SetupError(f"Installed. {', '.join(stale)} had been loaded before in an older version.\nRestart the kernel, then run this cell again.")


def _installed() -> dict[str, str]:
    """Version by normalized name; of two copies on the path, the first, which is the one that is imported."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        if name := distribution.metadata["Name"]:  # what an interrupted installation left has none
            found.setdefault(_normal(name), distribution.version)
    return found


def _normal(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)
