"""What to train on: a profile names a model, a dataset and a metric, and how much of them to use.

The notebooks' code is the same for every profile; only these names and sizes differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_OFFLINE = Path(__file__).parent / "offline"
_YELP = "Yelp/yelp_review_full"
_YELP_REVISION = "c1f9ee939b7d05667af864ee1cb066393154bf85"


@dataclass(frozen=True)
class Profile:
    """Names and sizes for one course run.

    `model`, `dataset` and `metric` go unchanged into `from_pretrained`, `load_dataset` and `evaluate.load`: a Hub id
    or a local folder. A revision is a commit id of the Hub, or None for a local folder.
    """

    name: str
    model: str
    dataset: str
    metric: str = str(_OFFLINE / "accuracy")  # bundled for all: the Hub's is a script that would run here
    model_revision: str | None = None
    dataset_revision: str | None = None
    train_size: int = 1_000
    eval_size: int = 1_000
    max_length: int = 512  # in tokens; old checkpoints such as bert-mini do not say it themselves
    learning_rate: float = 5e-5
    num_train_epochs: int = 3

    def __post_init__(self):
        for field in ("train_size", "eval_size", "max_length", "num_train_epochs", "learning_rate"):
            value = getattr(self, field)
            if not isinstance(value, (int, float)) or not value > 0:
                raise ValueError(f"Profile.{field} must be a number above zero, got {value!r}.")


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="full",
            model="google-bert/bert-base-cased",
            model_revision="cd5ef92a9fb2f889e972770a36d4ed042daf221e",
            dataset=_YELP,
            dataset_revision=_YELP_REVISION,
        ),
        Profile(
            name="small",
            model="prajjwal1/bert-mini",
            model_revision="5e123abc2480f0c4b4cac186d3b3f09299c258fc",
            dataset=_YELP,
            dataset_revision=_YELP_REVISION,
            learning_rate=3e-4,  # the highest of those its authors tried for small BERTs
        ),
        Profile(
            name="offline",
            model=str(_OFFLINE / "bert-tiny-synthetic"),
            dataset=str(_OFFLINE / "synthetic-reviews"),
            learning_rate=5e-4,
        ),
    )
}


def choose_profile(name: str = "auto", *, has_gpu: bool, hub_answers: bool) -> tuple[Profile, str]:
    """The profile of that name and the reason for it; "auto" takes the largest that this machine can serve.

    Raises ValueError for a name that is neither "auto" nor a key of `PROFILES`.
    """
    if name in PROFILES:
        return PROFILES[name], "chosen by name"
    if name != "auto":
        names = ", ".join(["auto", *PROFILES])
        raise ValueError(f"There is no profile {name!r}. Set PROFILE, or FINETUNE_PROFILE in the environment, to one of: {names}.")
    if not hub_answers:
        return PROFILES["offline"], "the Hugging Face Hub does not answer"
    if has_gpu:
        return PROFILES["full"], "there is a GPU and the Hugging Face Hub answers"
    return PROFILES["small"], "the Hugging Face Hub answers, but there is no GPU"
