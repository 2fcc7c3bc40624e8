"""Check that the course's packages are here, and install the missing ones; what the host brought stays."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from helpers.language import N_, _

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"
# A front end, which no notebook imports: Colab and other hosts bring their own
_NOT_FOR_THE_KERNEL = {"jupyterlab"}
# The host built these for its driver, for each other, or for its front end. With pip's versions, the learner
# would wait for gigabytes, see a crash, or see an empty box.
_THE_HOSTS_OWN = {"torch", "torchvision", "torchaudio", "numpy", "ipywidgets", "ipykernel"}
# Packages that are imported under another name
_IMPORT_NAMES = {"scikit-learn": "sklearn", "charset-normalizer": "charset_normalizer"}
# How many of pip's last lines we show: the reason for a failure is at the end
_LINES_OF_PIP = 12


class SetupError(ImportError):
    """Say why this kernel cannot run the course, and what to do. A notebook shows no traceback for it."""

    def _render_traceback_(self) -> list[str]:
        # IPython calls this method of errors that render themselves
        return str(self).splitlines()


@dataclass(frozen=True)
class Package:
    """A package of requirements.txt, with the version that is installed, or None."""

    name: str
    needed: str
    installed: str | None

    @property
    def state(self) -> str:
        """Return "ok", "missing", "too old", or "newer than tested"."""
        from packaging.specifiers import SpecifierSet

        if self.installed is None:
            return N_("missing")
        bounds = SpecifierSet(self.needed)
        if bounds.contains(self.installed, prereleases=True):
            return "ok"
        floors = SpecifierSet(",".join(str(bound) for bound in bounds if bound.operator.startswith(">")))
        return N_("newer than tested") if floors.contains(self.installed, prereleases=True) else N_("too old")

    @property
    def to_install(self) -> bool:
        """Return whether pip should install it. What is the host's own stays, even if it is too old."""
        return self.state == "missing" or (self.state == "too old" and self.name not in _THE_HOSTS_OWN)

    def __str__(self) -> str:
        return f"{self.name}{self.needed}"


def read(requirements: Path | str = REQUIREMENTS) -> list:
    """Read a requirements.txt, without its comments, as a list of `packaging.requirements.Requirement`.

    A text, such as "keras>=3.13,<4", stands for the lines of a file.
    """
    from packaging.requirements import Requirement

    text = requirements if isinstance(requirements, str) else requirements.read_text(encoding="utf-8")
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line]


def check(requirements: Path | str = REQUIREMENTS) -> list[Package]:
    """List every package that a notebook imports, with the version that this kernel finds."""
    installed = _installed()
    return [
        Package(requirement.name, str(requirement.specifier), installed.get(_normal(requirement.name)))
        for requirement in read(requirements)
        if requirement.name not in _NOT_FOR_THE_KERNEL
    ]


def check_own_files(folder: Path) -> None:
    """Raise SetupError if a file in `folder`, where the notebook lies, has the name of a library.

    Python would load that file in the library's place.
    """
    for package in check():
        name = _IMPORT_NAMES.get(package.name, package.name)
        for file in (folder / f"{name}.py", folder / name / "__init__.py"):
            if file.is_file():
                raise SetupError(
                    _(
                        "{file} has the name of a library, so Python loads it in the library's place.\n"
                        "Rename it, restart the kernel, and run this cell again."
                    ).format(file=file)
                )


def ensure(requirements: Path | str = REQUIREMENTS) -> list[Package]:
    """Install what is missing or too old, and nothing else. Return the packages that are then here.

    A notebook that needs one package more asks for it by its line: `ensure("keras>=3.13,<4")`.
    torch, numpy, ipywidgets and the like stay as the host has them, even if the course was tested only with
    newer versions. Raises SetupError if there is no pip, with pip's words if pip fails, and if the kernel
    must be restarted.
    """
    found = check(requirements)
    needed = [package for package in found if package.to_install]
    if not needed:
        return found

    # Install
    if importlib.util.find_spec("pip") is None:
        raise SetupError(_how_to_get_pip(needed))
    names = ", ".join(f"{package.name} ({_(package.state)})" for package in needed)
    print(_("Installing {names} …").format(names=names), flush=True)
    before = _installed()
    _pip_install(needed, before)

    # Look at what has changed
    after = _installed()
    _ask_for_restart({name for name, version in after.items() if before.get(name, version) != version})
    found = check(requirements)
    if absent := [package.name for package in found if package.installed is None]:
        raise SetupError(
            _(
                "Installed, but this kernel does not see it yet: {names}.\n"
                "Restart the kernel, then run this cell again."
            ).format(names=", ".join(absent))
        )
    return found


def report(packages: Iterable[Package]) -> list[str]:
    """Write lines for people: first all packages that are OK, then a line with advice for each other one."""
    good = []
    others = []
    for package in packages:
        here = f"{package.name} {package.installed}"
        if package.state == "ok":
            good.append(here)
        elif package.name in _THE_HOSTS_OWN:
            others.append(
                _(
                    "{here}: {state}, tested with {package.needed}; it is the host's own. "
                    "If a cell fails, choose another runtime"
                ).format(here=here, state=_(package.state), package=package)
            )
        else:
            others.append(
                _(
                    '{here}: {state}. If a cell fails, run %pip install "{package}", then restart the kernel'
                ).format(here=here, state=_(package.state), package=package)
            )
    return [_("{packages}: OK").format(packages=", ".join(good)), *others] if good else others


def _how_to_get_pip(needed: list[Package]) -> str:
    """Say how to go on in an environment without pip, such as one that uv or a slim image made."""
    quoted = " ".join(f'"{package}"' for package in needed)
    ways = [
        _('with uv:      uv pip install --python "{python}" {packages}').format(
            python=sys.executable, packages=quoted
        )
    ]
    # Debian's own Python has no ensurepip
    if importlib.util.find_spec("ensurepip") is not None:
        ways.insert(0, _('with Python:  "{python}" -m ensurepip').format(python=sys.executable))
    names = ", ".join(package.name for package in needed)
    return "\n".join(
        [
            _(
                "This Python has no pip, and the course needs to install {names}. In a terminal, write:"
            ).format(names=names),
            *ways,
            _("Then run this cell again."),
        ]
    )


def _pip_install(needed: list[Package], installed: dict[str, str]) -> None:
    """Let pip install the packages, and hold those that are the host's own at their installed versions.

    Raises SetupError if pip fails. `installed` holds the versions by name.
    """
    # Run pip, which reads the versions to hold from a file
    held = [f"{name}=={installed[name]}" for name in sorted(_THE_HOSTS_OWN & installed.keys())]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "host.txt"
        constraints.write_text("\n".join(held), encoding="utf-8")
        options = ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
        options += ["--constraint", str(constraints)]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, *map(str, needed)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            check=False,
        )

    # If pip failed, show its reason
    said = done.stdout.splitlines()
    if done.returncode:
        advice = _(
            "pip could not install {packages} into {python}.\n"
            "Without a network, install it beforehand. Otherwise pip's lines above say what is wrong: "
            "mend that, then run this cell again."
        ).format(packages=", ".join(map(str, needed)), python=sys.executable)
        raise SetupError("\n".join([*said[-_LINES_OF_PIP:], "", advice]))

    # Even if pip succeeded, it may report that a new package is at odds with others of the host
    for line in said:
        if line.startswith("ERROR"):
            print(line)

    # Let this kernel find the new files
    importlib.invalidate_caches()


def _ask_for_restart(replaced: set[str]) -> None:
    """Raise SetupError if this kernel has loaded one of the replaced packages.

    Until the kernel restarts, such a package would be half old and half new.
    """
    # The packages that own the loaded modules
    loaded = {module.partition(".")[0] for module in sys.modules}
    owners = {
        _normal(owner)
        for module, names in metadata.packages_distributions().items()
        if module in loaded
        for owner in names
    }

    # Those among them that pip has replaced
    if stale := sorted(replaced & owners):
        raise SetupError(
            _(
                "Installed. {names} had been loaded before in an older version.\n"
                "Restart the kernel, then run this cell again."
            ).format(names=", ".join(stale))
        )


def _installed() -> dict[str, str]:
    """Return the installed versions by normalized name.

    If a package is on the path twice, the first copy counts: Python imports that one.
    """
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        # An interrupted installation leaves a folder without a name
        if name := distribution.metadata["Name"]:
            found.setdefault(_normal(name), distribution.version)
    return found


def _normal(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)
