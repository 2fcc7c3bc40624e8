"""Run notebooks on more of the Hub's profiles than the tests do, and check what they say.

    python tests/hub/profiles.py                # or one of them: … small, … korean 2 5

Notebooks 5 and 7 run on the profile `small`, and the Korean notebooks 1 to 7 on `korean`. The loopback Hub
serves texts that are made up, and models without their training. Sizes are small; the notebooks' cells stay
as they are.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

import nbformat
from notebook_files import noise
from spoken import english_sentences, pictures_without_words, shown

from hub.conftest import SECRET, environment, printed, run_notebook
from hub.repositories import build
from hub.server import LoopbackHub

ENOUGH = {7: {"train_size": 40}}  # it takes 40 rows for its two batch sizes
# What each notebook has to print on `small`
ON_SMALL = {
    5: (
        "They are the bundled ones, of the profile 'offline'",
        r"on [\d,]+ test rows of yelp_review_full that notebooks 1 to 5 use",
    ),
    7: (r"Largest difference: 0\.0e\+00",),
}


def on_small(number: int, notebook: nbformat.NotebookNode) -> list:
    """Return what an English notebook lacks on the profile `small`."""
    text = " ".join(printed(notebook).split())
    wanted = ("Profile small: the Hugging Face Hub answers", *ON_SMALL[number])
    return [pattern for pattern in wanted if not re.search(pattern, text)]


def on_korean(number: int, notebook: nbformat.NotebookNode) -> list:
    """Return what a Korean notebook says in English, or of stars: headlines have none."""
    text = printed(notebook)
    return [
        *([] if "korean: Hugging Face Hub" in " ".join(text.split()) else ["another profile"]),
        *re.findall(r".*(?:\b(?:stars?|reviews?|Yelp)\b|별점).*", text),
        *english_sentences(notebook),
        *pictures_without_words(notebook),
        *(hit for hit in shown(notebook) if "Glyph" in hit[1]),
    ]


# The profile: the folder of the notebooks, their numbers, and what checks them
RUNS: dict[str, tuple[str, tuple[int, ...], Callable[[int, nbformat.NotebookNode], list]]] = {
    "small": ("", tuple(ON_SMALL), on_small),
    "korean": ("ko", tuple(range(1, 8)), on_korean),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("profile", nargs="?", choices=RUNS)
    parser.add_argument("numbers", nargs="*", type=int)
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    failed = False
    with LoopbackHub(build(folder / "repositories")) as hub:
        for profile in [wanted.profile] if wanted.profile else RUNS:
            language, numbers, check = RUNS[profile]
            for number in wanted.numbers or numbers:
                env = environment(hub.url, folder / "home", FINETUNE_RUNS=str(folder / "runs"))
                sizes = ENOUGH.get(number, {})
                notebook = run_notebook(number, env, profile, language=language, **sizes)
                found = check(number, notebook) + noise(notebook)
                found += ["the token"] if SECRET in printed(notebook) else []
                print(f"{profile}, notebook {number}: {found or 'as it should be'}", flush=True)
                failed |= bool(found)
    sys.exit(failed)


if __name__ == "__main__":
    main()
