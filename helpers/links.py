"""Where the repository lives, and the links that lead there: the badges, the setup cell's clone, the README's.

The address stands in pyproject.toml, under [tool.course]. After publishing, forking, renaming or moving a notebook, this
rewrites it everywhere:

    python -m helpers.links https://github.com/<owner>/<repository>
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_GITHUB = re.compile(r"(?:https://|git@)github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?")
_BRANCH = "main"
_BADGES = re.compile(r"\[!\[Open in Colab\].*?/(notebooks/[^)]+\.ipynb)\).*?\[!\[Open in Binder\][^)]*\)\]\([^)]*\)")
_CLONES = re.compile(r'((?:REPOSITORY = \\?"|git clone )https://github\.com/)[\w.-]+/[\w.-]+')


def badges(repository: str, path: str) -> str:
    """A line of badges that open a notebook on three hosts; `repository` is "owner/name", `path` counts from its root."""
    hosts = {
        "Colab": ("colab.research.google.com/assets/colab-badge.svg", f"colab.research.google.com/github/{repository}/blob/{_BRANCH}/{path}"),
        "Studio Lab": ("studiolab.sagemaker.aws/studiolab.svg", f"studiolab.sagemaker.aws/import/github/{repository}/blob/{_BRANCH}/{path}"),
        "Binder": ("mybinder.org/badge_logo.svg", f"mybinder.org/v2/gh/{repository}/{_BRANCH}?labpath={path.replace('/', '%2F')}"),
    }
    return " ".join(f"[![Open in {host}](https://{image})](https://{link})" for host, (image, link) in hosts.items())


def rewritten(path: Path, repository: str, root: Path = ROOT) -> str:
    """The text of a README or a notebook with every such link leading to `repository`, and to notebooks that exist."""
    own = path.relative_to(root).as_posix()
    text = path.read_text(encoding="utf-8")
    text = _BADGES.sub(lambda found: badges(repository, found[1] if (root / found[1]).is_file() else own), text)
    return _CLONES.sub(lambda found: found[1] + repository, text)


def files(root: Path = ROOT) -> list[Path]:
    """Everything that has such links."""
    return [root / "README.md", *sorted((root / "notebooks").glob("*.ipynb"))]


def current(root: Path = ROOT) -> str:
    """The repository as "owner/name"."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["course"]["repository"].removeprefix("https://github.com/")


def move(address: str, root: Path = ROOT) -> list[Path]:
    """Let every link lead to `address`; the files that changed. Raises ValueError for what is no repository on GitHub."""
    found = _GITHUB.fullmatch(address.strip())
    if found is None:
        raise ValueError(f"Expected https://github.com/<owner>/<repository>, got {address!r}.")
    repository = found[1]
    changes = {path: rewritten(path, repository, root) for path in files(root)}
    settings = root / "pyproject.toml"
    changes[settings] = settings.read_text(encoding="utf-8").replace(f"https://github.com/{current(root)}", f"https://github.com/{repository}")
    changed = [path for path, text in changes.items() if text != path.read_text(encoding="utf-8")]
    for path in changed:
        path.write_text(changes[path], encoding="utf-8", newline="\n")
    return changed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        print("\n".join(f"rewritten: {path.relative_to(ROOT)}" for path in move(sys.argv[1])) or "Every link led there already.")
    except ValueError as error:
        sys.exit(str(error))
