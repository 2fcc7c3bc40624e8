"""Download everything that a profile needs from the Hub.

    python -m helpers.start.fetch small

Run it before a flight or a workshop; Binder runs it while it builds its image. Afterwards the notebooks need
no network with this profile.
"""

from __future__ import annotations

import os
import sys

from helpers.explain import explain
from helpers.explain.hub import in_short, trouble
from helpers.hub.reach import hub_problem
from helpers.language import ENGLISH, _, choose
from helpers.profiles import PROFILES, Profile
from helpers.start import places


def fetch(profile: Profile) -> None:
    """Load model, tokenizer and dataset once, so that they are in the cache.

    The calls are those of the notebooks.
    """
    from transformers import AutoModelForSequenceClassification
    from transformers.utils import logging

    from helpers.data.pretrained import load_config
    from helpers.data.reviews import load_reviews

    # As in the setup cell
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    # Notebook 2 explains the report on the loaded weights; here it would mean nothing
    logging.set_verbosity_error()

    load_reviews(profile)
    AutoModelForSequenceClassification.from_pretrained(
        profile.model, revision=profile.model_revision, config=load_config(profile)
    )


def main(names: list[str]) -> str | None:
    """Fetch the profiles of these names. Return None if all went well, or else what to tell the user."""
    # As in the setup cell, which then finds what was fetched
    if moved := places.move_caches():
        print(moved)

    # What could stop us before the first download
    if not names or set(names) - PROFILES.keys():
        return _("Expected one or more of {profiles}, got {names}.").format(
            profiles=", ".join(PROFILES), names=" ".join(names) or _("nothing")
        )
    if (problem := hub_problem()) is not None:
        reason = in_short(problem)
        reason = f"{reason[:1].upper()}{reason[1:]}"
        advice = trouble(problem) or _("Without the Hub, the notebooks use the offline profile.")
        return _("{reason}: nothing was fetched. {advice}").format(reason=reason, advice=advice)

    # The downloads. What we cannot explain keeps its traceback.
    for name in names:
        try:
            fetch(PROFILES[name])
        except Exception as error:
            if (message := explain(error)) is None:
                raise
            return _(
                "{name}: not all was fetched. {reason} "
                "What was downloaded is kept: run the same command again to go on from there."
            ).format(name=name, reason=message.splitlines()[0])
        print(_("{name}: fetched").format(name=name))
    return None


if __name__ == "__main__":
    choose(os.environ.get("FINETUNE_LANGUAGE") or ENGLISH)
    sys.exit(main(sys.argv[1:]))
