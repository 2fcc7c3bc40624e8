"""Run the Korean notebooks 1 to 7 on the profile `korean`, and check that they speak Korean.

    python tests/hub/korean_edition.py          # or some of them: … 2 5

The loopback Hub serves headlines that are made up, and a model of klue/bert-base's kind without its training.
Sizes are small; the notebooks' cells stay as they are.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from spoken import english_sentences, english_texts, noise, pictures_without_words, shown

from hub.conftest import SECRET, environment, printed, run_notebook
from hub.repositories import build
from hub.server import LoopbackHub

ENOUGH = {7: {"train_size": 40}}  # it takes 40 rows for its two batch sizes


def main() -> None:
    numbers = [int(number) for number in sys.argv[1:]] or range(1, 8)
    folder = Path(tempfile.mkdtemp())
    texts = english_texts()
    failed = []
    with LoopbackHub(build(folder / "repositories")) as hub:
        for number in numbers:
            env = environment(hub.url, folder / "home", FINETUNE_RUNS=str(folder / "runs"))
            notebook = run_notebook(number, env, "korean", language="ko", **ENOUGH.get(number, {}))
            found = [*faults(printed(notebook)), *english_sentences(notebook, texts), *noise(notebook)]
            found += pictures_without_words(notebook)
            found += [hit for hit in shown(notebook) if "Glyph" in hit[1]]
            print(f"notebook {number}: {found or 'speaks Korean of headlines'}", flush=True)
            failed += found
    sys.exit(bool(failed))


def faults(text: str) -> list[str]:
    """Return what the printed text lacks, or says of stars and reviews, which these texts are not."""
    wanted = "korean: Hugging Face Hub"
    return [
        *([] if wanted in " ".join(text.split()) else [f"does not say {wanted!r}"]),
        *(["the token"] if SECRET in text else []),
        *re.findall(r".*(?:\b(?:stars?|reviews?|Yelp)\b|별점).*", text),
    ]


if __name__ == "__main__":
    main()
