"""Fetch all that a profile takes from the Hub, before a flight, a workshop, or into Binder's image:

    python -m helpers.fetch small

Afterwards the notebooks run on it without a network.
"""

from __future__ import annotations

import os
import sys

from helpers import errors
from helpers.environment import hub_answers
from helpers.profiles import PROFILES, Profile


def fetch(profile: Profile) -> None:
    """Load model, tokenizer and dataset once, by the notebooks' own calls: that leaves them in the cache."""
    from datasets import load_dataset
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    from helpers.data import check_tokenizer, text_and_label
    from helpers.models import load_config
    from helpers.subset import dataset_source

    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")  # as in the setup cell
    logging.set_verbosity_error()  # the load report is explained in notebook 2, and means nothing here
    text_and_label(load_dataset(dataset_source(profile), profile.dataset_config, revision=profile.dataset_revision), profile)
    config = load_config(profile)
    check_tokenizer(AutoTokenizer.from_pretrained(profile.model, revision=profile.model_revision, config=config))
    AutoModelForSequenceClassification.from_pretrained(profile.model, revision=profile.model_revision, config=config)


def main(names: list[str]) -> str | None:
    """None when all was fetched; else what to tell."""
    if not names or set(names) - PROFILES.keys():
        return f"Expected one or more of {', '.join(PROFILES)}, got {' '.join(names) or 'nothing'}."
    if not hub_answers():
        return "The Hugging Face Hub does not answer: nothing was fetched. Without it the notebooks take the offline profile."
    for name in names:
        try:
            fetch(PROFILES[name])
        except Exception as error:
            if (message := errors.explain(error)) is None:
                raise
            return f"{name}: not all was fetched. {message.splitlines()[0]} What was downloaded is kept: the same command goes on from there."
        print(f"{name}: fetched")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
