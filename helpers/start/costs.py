"""Say what a profile costs before its first result: minutes, download and disk space."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from helpers.data.pretrained import load_config
from helpers.hub import cache
from helpers.language import _
from helpers.machine import Machine
from helpers.profiles import Profile
from helpers.train.ladder import FAST, reviews_per_second
from helpers.train.steps import EVALUATION_COST

# The lengths in tokens of sixteen of the bundled reviews, from the shortest to the longest, at equal steps in
# rank. The reviews of Yelp are as long.
TYPICAL_LENGTHS = (28, 40, 51, 59, 70, 80, 95, 107, 121, 135, 156, 178, 205, 259, 333, 512)


def expected_minutes(profile: Profile, machine: Machine) -> float:
    """Estimate how many minutes the training of notebook 2 takes on this machine.

    The training runs for `num_train_epochs` epochs over `train_size` reviews, with an evaluation after each
    epoch. The model is a stack of equal layers. So we time the fast recipe on a single layer with random
    weights, on batches of typical lengths, and multiply by the number of layers and reviews. An evaluation is
    only a forward pass, a third of the work. The function needs the model's config.json, but not its weights.
    """
    # One layer of the model
    config = copy.deepcopy(load_config(profile))
    layers = config.num_hidden_layers
    config.num_hidden_layers = 1

    # Reviews per second. The lengths, repeated sixteen times, are enough to be grouped.
    lengths = [min(length, profile.max_length) for length in TYPICAL_LENGTHS] * 16
    speed = reviews_per_second(config, lengths, machine, profile.max_length, [FAST], rounds=2)[FAST.name]
    reviews_per_epoch = profile.train_size + EVALUATION_COST * profile.eval_size
    return layers * profile.num_train_epochs * reviews_per_epoch / speed / 60


def cost(profile: Profile, machine: Machine, answers: bool) -> str:
    """Describe what a learner pays before the first result: download, disk space and minutes.

    `answers` tells whether the Hub answers.
    """
    here = cache.is_cached(profile)
    if not here and not answers:
        return _("needs the Hugging Face Hub")
    with _without_progress_bars():
        try:
            space = _space(cache.delivery(profile)) if answers else _("nothing to download")
            time = _minutes_text(expected_minutes(profile, machine))
            return _("{space}; about {time}").format(space=space, time=time)
        except Exception as error:
            # The costs are only a service. If something is wrong, the step that needs it will say so.
            return _("unknown ({error})").format(error=type(error).__name__)


def what_is_missing(profile: Profile) -> Exception | None:
    """Ask the Hub for all that `cost` needs to know. Return None if it came, or else the error."""
    with _without_progress_bars():
        try:
            cache.delivery(profile)
            load_config(profile)
        except Exception as error:
            return error
    return None


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Show no progress bars: a config.json of 600 bytes would show one in the middle of the table."""
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _space(delivery: cache.Delivery) -> str:
    if not delivery.disk:
        return _("nothing to download")
    disk = _size(delivery.disk)
    if not delivery.download:
        return _("nothing more to download, {disk} on disk").format(disk=disk)
    return _("{download} to download, {disk} on disk").format(download=_size(delivery.download), disk=disk)


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6)):,} MB"


def _minutes_text(minutes: float) -> str:
    if minutes < 1.5:
        return _("{seconds} seconds").format(seconds=max(1, round(minutes * 60)))
    if minutes < 90:
        return _("{minutes:.0f} minutes").format(minutes=minutes)
    return _("{hours:.1f} hours").format(hours=minutes / 60)
