"""Say what to train on: a profile names a model, a dataset and a metric, and how much of them to use.

The notebooks' code is the same for every profile; only these names and sizes differ.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from helpers.language import N_, _, chosen

_OFFLINE = Path(__file__).parent / "offline"
_YELP = "Yelp/yelp_review_full"
_YELP_REVISION = "c1f9ee939b7d05667af864ee1cb066393154bf85"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Names and sizes for one run of the course.

    `model` and `dataset` are each a Hub id or a local folder. A revision is a commit id of the Hub. Two
    fields are for a dataset of your own: `columns` renames its columns, as in
    `{"review": "text", "stars": "label"}`, and `label_names` names the classes in order, or renames those of
    the dataset. Raises ValueError for a value that cannot be used.
    """

    name: str = "own"
    model: str
    dataset: str
    # Bundled for all profiles: the Hub's metric is a script that would run on this machine
    metric: str = str(_OFFLINE / "accuracy")
    model_revision: str | None = None
    # The architecture, for checkpoints whose config.json does not name it
    model_type: str | None = None
    dataset_revision: str | None = None
    dataset_config: str | None = None
    # How many rows of each split to fetch from the Hub; None fetches all
    subset_rows: int | None = None
    eval_split: str = "test"
    columns: Mapping[str, str] = field(default_factory=dict)
    label_names: tuple[str, ...] | None = None
    # Whether the order of the classes means something, as with stars: then a near miss is a smaller mistake
    ordered: bool = False
    # A text to try the model on, if the notebooks' own English ones would not suit it
    example: str | None = None
    # Rows to train on, and rows to evaluate on: as many of the training split to validate as of `eval_split`
    train_size: int = 1_000
    eval_size: int = 1_000
    # In tokens. Old checkpoints such as bert-mini do not say themselves how long a text may be.
    max_length: int = 512
    learning_rate: float = 5e-5
    num_train_epochs: int = 3

    @property
    def key(self) -> str:
        """Return a name for folders that belong to this model and this dataset."""
        return re.sub(r"[^\w.-]", "_", "-".join((self.name, Path(self.model).name, Path(self.dataset).name)))

    def with_dataset(self, dataset: str, **settings) -> Profile:
        """Return a profile that trains the same model in the same way on another dataset.

        The model, its revision and type, the learning rate and the sizes stay. Nothing stays of what
        described the earlier dataset. `settings` are fields of a profile, such as `columns` or `train_size`.
        """
        blank = Profile(model=self.model, dataset=dataset)
        of_a_dataset = (
            "name",
            "dataset",
            "dataset_revision",
            "dataset_config",
            "subset_rows",
            "eval_split",
            "columns",
            "label_names",
            "ordered",
            "example",
        )
        return replace(self, **{name: getattr(blank, name) for name in of_a_dataset} | settings)

    def __post_init__(self):
        # Texts
        for name in ("name", "model", "dataset", "metric", "eval_split"):
            self._check(name, _is_text, _("a text, not empty"))
        for name in ("model_revision", "model_type", "dataset_revision", "dataset_config", "example"):
            self._check(name, lambda value: value is None or _is_text(value), _("a text or None"))

        # Numbers
        for name in ("train_size", "eval_size", "max_length", "num_train_epochs"):
            self._check(name, _is_count, _("a whole number above zero"))
        self._check(
            "learning_rate",
            lambda value: type(value) in (int, float) and 0 < value < inf,
            _("a number above zero"),
        )
        self._check(
            "subset_rows",
            lambda value: value is None or _is_count(value),
            _("a whole number above zero, or None"),
        )

        # Yes or no
        self._check("ordered", lambda value: isinstance(value, bool), _("True or False"))

        # Collections of texts
        self._check(
            "columns",
            lambda value: isinstance(value, Mapping) and all(map(_is_text, (*value, *value.values()))),
            _('a dict of texts, such as {"your column": "text"}'),
        )
        self._check(
            "label_names",
            lambda names: names is None or _are_names(names),
            _("None or at least two different texts, in a list or tuple"),
        )

        # What must fit together
        if self.subset_rows is not None and self.subset_rows < self.train_size + self.eval_size:
            raise ValueError(
                _(
                    "Profile.subset_rows must be at least train_size + eval_size, because the validation "
                    "rows come out of the training split: {train_size} + {eval_size}, got {subset_rows}."
                ).format(train_size=self.train_size, eval_size=self.eval_size, subset_rows=self.subset_rows)
            )
        if self.eval_split == "train":
            raise ValueError(
                _(
                    "Profile.eval_split must not be 'train': "
                    "you would measure the accuracy on reviews that the model has learned by heart. "
                    "Name another split."
                )
            )

        # Where model and dataset come from
        _check_source("model", self.model, _("a folder written by save_pretrained"))
        _check_source(
            "dataset",
            self.dataset,
            _("a folder with train.csv and test.csv, or train.parquet and test.parquet"),
        )

    def _check(self, name: str, fits: Callable[[object], bool], expected: str) -> None:
        if not fits(value := getattr(self, name)):
            raise ValueError(
                _("Profile.{name} must be {expected}, got {value!r}.").format(
                    name=name, expected=expected, value=value
                )
            )


def _is_text(value) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_count(value) -> bool:
    return type(value) is int and value > 0


def _are_names(value) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) >= 2
        and all(map(_is_text, value))
        and len(set(value)) == len(value)
    )


def _check_source(name: str, source: str, expected: str) -> None:
    """Raise ValueError if `source` is meant as a local folder, but there is no such folder.

    The Hub would only say that it is no valid id.
    """
    means_local = (
        Path(source).is_absolute() or source.startswith((".", "~")) or "\\" in source or source.count("/") > 1
    )
    # The functions of os.path accept any text, those of Path do not
    if os.path.isfile(source) or (means_local and not os.path.isdir(source)):
        raise ValueError(
            _(
                "Profile.{name} must be a Hub id such as 'owner/name', or {expected}; {source!r} is neither."
            ).format(name=name, expected=expected, source=source)
        )


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="full",
            model="google-bert/bert-base-cased",
            model_revision="cd5ef92a9fb2f889e972770a36d4ed042daf221e",
            dataset=_YELP,
            dataset_revision=_YELP_REVISION,
            ordered=True,
        ),
        Profile(
            name="small",
            model="prajjwal1/bert-mini",
            model_revision="5e123abc2480f0c4b4cac186d3b3f09299c258fc",
            model_type="bert",
            dataset=_YELP,
            dataset_revision=_YELP_REVISION,
            subset_rows=10_000,
            ordered=True,
            # The highest rate that its authors tried for small BERTs
            learning_rate=3e-4,
        ),
        Profile(
            name="korean",
            model="klue/bert-base",
            model_revision="77c8b3d707df785034b4e50f2da5d37be5f0f546",
            dataset="klue/klue",
            dataset_config="ynat",
            dataset_revision="349481ec73fff722f88e0453ca05c77a447d967c",
            # It has no test split
            eval_split="validation",
            columns={"title": "text"},
            example="새 지하철 노선 다음 달 개통…출근길 45분에서 20분으로 짧아진다",
        ),
        Profile(
            name="offline",
            model=str(_OFFLINE / "bert-tiny-synthetic"),
            dataset=str(_OFFLINE / "synthetic-reviews"),
            ordered=True,
            learning_rate=5e-4,
        ),
    )
}

# What "auto" takes from the Hub in a language that has a profile of its own
_OF_LANGUAGE = {"ko": ("korean",)}
# BERT-base takes 1.8 GB for weights, gradients and AdamW's two moments; a notebook and JupyterLab take 1.5 GB
_OF_LANGUAGE_NEEDS_GB = 4


def choose_profile(
    name: str = "auto",
    *,
    has_gpu: bool,
    hub_answers: bool,
    cached: Collection[str] = (),
    memory_gb: float = inf,
    why_not: str = N_("the Hugging Face Hub does not answer"),
) -> tuple[Profile, str]:
    """Return the profile of this name, and the reason for the choice.

    "auto" takes the largest profile that this machine can serve, in the language of the notebook if one is
    there and fits into `memory_gb`. `cached` names the profiles that were fetched earlier and need no Hub.
    `why_not` says why the Hub cannot be used. Raises ValueError for a name that is neither "auto" nor a key
    of `PROFILES`.
    """
    # The learner names a profile
    if name in PROFILES:
        return PROFILES[name], _("chosen by name")
    if name != "auto":
        names = ", ".join(["auto", *PROFILES])
        raise ValueError(
            _(
                "There is no profile {name!r}. "
                "Set PROFILE, or FINETUNE_PROFILE in the environment, to one of: {names}."
            ).format(name=name, names=names)
        )

    # A model of the notebook's language, if it fits
    if chosen() in _OF_LANGUAGE and memory_gb < _OF_LANGUAGE_NEEDS_GB:
        return PROFILES["offline"], _(
            "there are {memory_gb:.0f} GB of memory, and a model of your language needs {needed} GB. "
            "The bundled reviews are English"
        ).format(memory_gb=memory_gb, needed=_OF_LANGUAGE_NEEDS_GB)

    # The largest that this machine can serve
    why_not = _(why_not)
    if has_gpu:
        answers = _("the Hugging Face Hub answers, and there is a GPU")
        downloaded = _("{why_not}, but this was downloaded earlier; there is a GPU").format(why_not=why_not)
    else:
        answers = _("the Hugging Face Hub answers, and there is no GPU")
        downloaded = _("{why_not}, but this was downloaded earlier; there is no GPU").format(why_not=why_not)
    candidates = ("full", "small") if has_gpu else ("small",)
    for candidate in _OF_LANGUAGE.get(chosen(), candidates):
        profile = PROFILES[candidate]
        if hub_answers:
            return profile, answers
        if candidate in cached:
            return profile, downloaded
    if chosen() in _OF_LANGUAGE:
        why_not = _(
            "{why_not}. The bundled reviews are English: a model of your language needs the Hub"
        ).format(why_not=why_not)
    return PROFILES["offline"], why_not
