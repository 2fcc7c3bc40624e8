"""Change the repository's address in every link, and the course's version in every setup cell.

Address and version stand in pyproject.toml, under [tool.course]. After you publish, fork or rename the
repository, rename or move a notebook, or raise the version, this command rewrites them everywhere:

    python -m helpers.tools.links https://github.com/<owner>/<repository>

A setup cell clones the tag of its version. So set the tag when you publish a version: git tag 2026.11
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_GITHUB = re.compile(r"(?:https://|git@)github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?")
_BRANCH = "main"
_BADGES = re.compile(
    r"\[!\[Open in Colab\].*?/(notebooks/[^)]+\.ipynb)\).*?\[!\[Open in Binder\][^)]*\)\]\([^)]*\)"
)
_VERSIONS = re.compile(r'(VERSION = \\?")[\w.-]+')
_CLONES = re.compile(r'((?:REPOSITORY = \\?"|git clone )https://github\.com/)[\w.-]+/[\w.-]+')


def badges(repository: str, path: str) -> str:
    """Return a line of badges that open a notebook on three hosts.

    `repository` is "owner/name". `path` leads from its root to the notebook.
    """
    # For each host: the address of the picture and that of the link, without https://
    hosts = {
        "Colab": (
            "colab.research.google.com/assets/colab-badge.svg",
            f"colab.research.google.com/github/{repository}/blob/{_BRANCH}/{path}",
        ),
        "Studio Lab": (
            "studiolab.sagemaker.aws/studiolab.svg",
            f"studiolab.sagemaker.aws/import/github/{repository}/blob/{_BRANCH}/{path}",
        ),
        "Binder": (
            "mybinder.org/badge_logo.svg",
            f"mybinder.org/v2/gh/{repository}/{_BRANCH}?labpath={path.replace('/', '%2F')}",
        ),
    }

    # The badges in Markdown
    return " ".join(
        f"[![Open in {host}](https://{image})](https://{link})" for host, (image, link) in hosts.items()
    )


def rewritten(path: Path, repository: str, root: Path = ROOT) -> str:
    """Return the text of a README or a notebook, with every link changed to `repository`, and the version.

    A badge of a notebook that does not exist is changed to the file itself: somebody has renamed it.
    """
    own = path.relative_to(root).as_posix()

    def new_badges(found: re.Match) -> str:
        return badges(repository, found[1] if (root / found[1]).is_file() else own)

    text = _BADGES.sub(new_badges, path.read_text(encoding="utf-8"))
    text = _CLONES.sub(lambda found: found[1] + repository, text)
    return _VERSIONS.sub(lambda found: found[1] + version(root), text)


def files(root: Path = ROOT) -> list[Path]:
    """List all files that have such links, in all languages, except pyproject.toml."""
    notebooks = root / "notebooks"
    return sorted([*root.glob("README*.md"), *notebooks.glob("*.ipynb"), *notebooks.glob("[a-z]*/*.ipynb")])


def current(root: Path = ROOT) -> str:
    """Return the repository as "owner/name"."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["course"]["repository"].removeprefix("https://github.com/")


def version(root: Path = ROOT) -> str:
    """Return the course's version, which is the name of a tag."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["course"]["version"]


def move(address: str, root: Path = ROOT) -> list[Path]:
    """Change every link to `address`, and return the files that changed.

    Raise ValueError if `address` is not a repository on GitHub.
    """
    # The new address
    found = _GITHUB.fullmatch(address.strip())
    if found is None:
        raise ValueError(f"Expected https://github.com/<owner>/<repository>, got {address!r}.")
    repository = found[1]

    # The new text of each file
    changes = {path: rewritten(path, repository, root) for path in files(root)}
    settings = root / "pyproject.toml"
    changes[settings] = settings.read_text(encoding="utf-8").replace(
        f"https://github.com/{current(root)}", f"https://github.com/{repository}"
    )

    # Only the files that changed
    changed = [path for path, text in changes.items() if text != path.read_text(encoding="utf-8")]
    for path in changed:
        path.write_text(changes[path], encoding="utf-8", newline="\n")
    return changed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        changed = move(sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
    for path in changed:
        print(f"rewritten: {path.relative_to(ROOT)}")
    if not changed:
        print("Every link led there already.")
