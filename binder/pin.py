"""Write pins.txt: the versions that this environment has of all packages of requirements.txt and their needs.

pip install -r requirements.txt && python binder/pin.py
"""

from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HERE = Path(__file__).resolve().parent
HEAD = (
    "# Written by binder/pin.py, from an environment that passed the tests. Every package, at exactly one "
    "version.\n"
)


def needed(requirement: Requirement, found: set[str], extra: str = "") -> None:
    """Add to `found` the packages that `requirement` brings into this environment."""
    name = canonicalize_name(requirement.name)
    if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
        return
    if name in found and not requirement.extras:
        return
    found.add(name)
    for line in metadata.requires(name) or []:
        for part in ("", *requirement.extras):
            needed(Requirement(line), found, part)


if __name__ == "__main__":
    found: set[str] = set()
    for line in (HERE.parent / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line := line.partition("#")[0].strip():
            needed(Requirement(line), found)
    # The public version, without "+cpu": postBuild chooses torch's kind
    pins = [f"{name}=={Version(metadata.version(name)).public}" for name in sorted(found)]
    (HERE / "pins.txt").write_text(HEAD + "\n".join(pins) + "\n", encoding="utf-8")
    print(f"{len(pins)} packages pinned")
