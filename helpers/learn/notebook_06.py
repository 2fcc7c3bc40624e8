"""The exercises and questions of notebook 6: splits by hand, head and tail, a baseline, the capstone."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from helpers.judge.comparing import mcnemar
from helpers.judge.metrics import accuracy_interval, standard_error
from helpers.language import N_, _
from helpers.learn.exercise import Exercise, Function, Mistake, Names, Value, not_yet, plain, same, shown
from helpers.learn.quiz import Option, Question

# Three splits


# A file sorted by class, as many are: 240 rows of one, then 240 of the other. The last 40 of each are copies
_FILE = [f"{word} {number % 200}" for word in ("bill", "parcel") for number in range(240)]
_FAULTS = (
    N_("no three lists of places"),
    N_("a text and its copy are in two splits"),
    N_("a place stands twice"),
    N_("a text is in no split"),
    N_("the sizes are not about 80, 10 and 10 %"),
    N_("a split has rows of one half of the file only"),
)


def _three(three_splits: Callable, names: Names) -> dict:
    """Return what is wrong with the splits of a made-up file, the first fault first."""
    splits = plain(three_splits(list(_FILE)))
    if not _are_places(splits):
        return _found_faults([True])
    texts = [{_FILE[place] for place in split} for split in splits]
    places = list(chain(*splits))
    shares = [len(split) / max(1, len(places)) for split in splits]
    late = [sum(place >= len(_FILE) // 2 for place in split) / max(1, len(split)) for split in splits]
    return _found_faults(
        [
            False,
            len(set().union(*texts)) < sum(map(len, texts)),
            len(set(places)) < len(places),
            len(set().union(*texts)) < len(set(_FILE)),
            not all(abs(share - wanted) < 0.05 for share, wanted in zip(shares, (0.8, 0.1, 0.1))),
            not all(0.1 < share < 0.9 for share in late),
        ]
    )


def _found_faults(found: list[bool]) -> dict:
    faults = [_(fault) for fault, there in zip(_FAULTS, found) if there]
    return {_("what it finds"): [*faults, _("no fault")][0], _("all that it finds"): faults}


def _are_places(splits) -> bool:
    if not isinstance(splits, list) or len(splits) != 3 or not all(isinstance(part, list) for part in splits):
        return False
    return all(type(place) is int and 0 <= place < len(_FILE) for part in splits for place in part)


def _tenths(items: list) -> tuple[list, list, list]:
    tenth = len(items) // 10
    return items[2 * tenth :], items[:tenth], items[tenth : 2 * tenth]


def _places_of(texts: list[str]) -> list[list[int]]:
    """Return the places of each text, those of its copies together."""
    places: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        places.setdefault(text, []).append(place)
    return list(places.values())


def _by_text(shuffled: bool) -> Callable:
    def three_splits(texts):
        groups = _places_of(texts)
        if shuffled:
            random.Random(3).shuffle(groups)
        return [list(chain(*part)) for part in _tenths(groups)]

    return three_splits


def _by_row(shuffled: bool) -> Callable:
    def three_splits(texts):
        places = list(range(len(texts)))
        if shuffled:
            random.Random(3).shuffle(places)
        return list(_tenths(places))

    return three_splits


def _drawn_three_times(texts):
    draw = random.Random(3)
    sizes = [len(part) for part in _tenths(list(range(len(texts))))]
    return [draw.sample(range(len(texts)), size) for size in sizes]


def _validating_on_training_rows(texts):
    train, validation, test = _by_text(shuffled=True)(texts)
    return [train + validation, validation, test]


THREE_SPLITS = Function(
    name="three_splits",
    minutes=8,
    right=_by_text(shuffled=True),
    outcome=_three,
    because=N_("Each text is in one split only, with its copies, and each has rows from all over the file."),
    hint=N_(
        "Shuffle the *different* texts, `list(set(texts))`, and cut these. Then give each row to the split "
        "of its text."
    ),
    solution="""import random


def three_splits(texts):
    different = sorted(set(texts))
    random.Random(42).shuffle(different)
    tenth = len(different) // 10
    validation, test = set(different[:tenth]), set(different[tenth : 2 * tenth])
    splits = [], [], []
    for place, text in enumerate(texts):
        splits[1 if text in validation else 2 if text in test else 0].append(place)
    return splits""",
    mistakes=(
        Mistake(
            N_(
                "A text and its copy are in two splits. So the test rewards memory: split the different "
                "texts."
            ),
            _by_row(shuffled=True),
        ),
        Mistake(
            N_(
                "This cuts the file by position. Many files are sorted: the test split then has one class "
                "only, and copies end up in two splits. Shuffle the different texts first."
            ),
            _by_row(shuffled=False),
        ),
        Mistake(
            N_(
                "The copies are together, but the file is cut by position. Many files are sorted: shuffle "
                "first."
            ),
            _by_text(shuffled=False),
        ),
        Mistake(
            N_("Each split is drawn from all rows anew, so they share rows. Shuffle once, then cut."),
            _drawn_three_times,
        ),
        Mistake(
            N_("The validation rows are training rows, too. Take them out of these."),
            _validating_on_training_rows,
        ),
        Mistake(
            N_("Three lists of places were expected: numbers from 0, such as [[0, 3, …], [7, …], [2, …]]."),
            lambda texts: [[texts[place] for place in part] for part in _by_text(shuffled=True)(texts)],
        ),
    ),
)


# Head and tail


def _kept(head_and_tail: Callable, names: Names) -> dict:
    kept = [plain(head_and_tail(list(range(11, 11 + ids)), room)) for ids, room in ((3, 4), (10, 4), (9, 5))]
    if None in kept:
        raise TypeError(_("It returns nothing: `return` is missing."))
    short, long, odd = kept
    return {
        _("what is left of [11, 12, 13] with room for 4"): shown(short),
        _("what is left of [11, 12, …, 20] with room for 4"): shown(long),
        _("the number of tokens left of nine with room for 5"): len(odd),
        _("the first and the last of these"): shown([odd[0], odd[-1]]),
    }


def _cut(cut: Callable) -> Callable:
    """Make a function that lets short texts alone. `cut(ids, room, half)` shortens the others."""
    return lambda ids, room: ids if len(ids) <= room else cut(ids, room, room // 2)


HEAD_AND_TAIL = Function(
    name="head_and_tail",
    minutes=4,
    right=_cut(lambda ids, room, half: ids[:half] + ids[half - room :]),
    outcome=_kept,
    because=N_("A long text keeps its first and its last tokens, as many as fit, and a short one stays."),
    hint=N_("`ids[-3:]` are the last three. What if the room is odd? And what if the text is short?"),
    solution="""def head_and_tail(ids, room):
    if len(ids) <= room:
        return ids
    head = room // 2
    return ids[:head] + ids[-(room - head) :]""",
    mistakes=(
        Mistake(
            N_("This is the head alone, what the tokenizer keeps."), _cut(lambda ids, room, half: ids[:room])
        ),
        Mistake(
            N_("This is the tail alone. How a text begins often matters, too."),
            _cut(lambda ids, room, half: ids[-room:]),
        ),
        Mistake(
            N_("Both parts together are twice as long as the room."),
            _cut(lambda ids, room, half: ids[:room] + ids[-room:]),
        ),
        Mistake(
            N_("A text that fits gets tokens twice: leave it as it is."),
            lambda ids, room: ids[: room // 2] + ids[room // 2 - room :],
        ),
        Mistake(
            N_("With an odd room, one place stays empty. The tail gets what the head leaves."),
            _cut(lambda ids, room, half: ids[:half] + ids[-half:]),
        ),
        Mistake(
            N_("This is the middle."),
            _cut(lambda ids, room, half: ids[len(ids) // 2 - half : len(ids) // 2 - half + room]),
        ),
    ),
)


# Above the baseline


@dataclass(frozen=True, kw_only=True)
class Three(Value):
    """Two ends and a baseline. A wrong answer is told which of them is wrong."""

    def told(self, answer, names: Names) -> tuple[bool, str]:
        right, text = super().told(answer, names)
        given = shown(plain(answer))
        helpless = _("Not yet: {answer} is not it. check.{name}.hint() helps.")
        if text != helpless.format(answer=given, name=self.name):
            return right, text
        named = (_("the low end"), _("the high end"), _("the baseline"))
        pairs = zip(named, plain(answer), self.right(names))
        wrong = [part for part, one, wanted in pairs if not same(one, wanted, self.tolerance)]
        text = _("Not yet: {answer} is not it. Look at {parts}. check.{name}.hint() helps.")
        return right, text.format(answer=given, parts=_(" and ").join(wrong), name=self.name)


def _near(answer: list, names: Names) -> bool:
    """The ends may come from another formula for the interval. The baseline is a share, and exact."""
    right = _above(names)
    return same(answer[:2], right[:2], 0.005) and same(answer[2], right[2], 0.001)


def _right_answers(logits, labels) -> np.ndarray:
    return np.asarray(logits).argmax(axis=-1) == np.asarray(labels)


def _share_of_commonest(train_labels, labels) -> float:
    return float((np.asarray(labels) == np.bincount(list(train_labels)).argmax()).mean())


def _above(names: Names) -> list[float]:
    right = _right_answers(names.test_logits, names.test_labels)
    return [*accuracy_interval(right), _share_of_commonest(names.train["label"], names.test_labels)]


def _with_baseline(baseline: Callable) -> Callable:
    """Return what gives the right interval with another baseline."""
    return lambda names: [*_above(names)[:2], float(baseline(names))]


def _one_standard_error(names: Names) -> list[float]:
    right = _right_answers(names.test_logits, names.test_labels)
    error = standard_error(right.mean(), len(right))
    return [right.mean() - error, right.mean() + error, _above(names)[2]]


def _on_validation_rows(names: Names) -> list[float]:
    right = _right_answers(names.logits, names.labels)
    return [*accuracy_interval(right), _share_of_commonest(names.train["label"], names.labels)]


def _told_above(right: list[float], names: Names) -> str:
    text = _(
        "The interval from {low:.3f} to {high:.3f} does not lie above {baseline:.3f}, what always the "
        "commonest answer reaches. TF-IDF asks for more: the card has its accuracy."
    )
    if right[0] > right[2]:
        text = _(
            "The interval from {low:.3f} to {high:.3f} lies above {baseline:.3f}, what always the commonest "
            "answer reaches. TF-IDF asks for more: the card has its accuracy."
        )
    return text.format(low=right[0], high=right[1], baseline=right[2])


ABOVE = Three(
    name="above",
    minutes=5,
    tolerance=0.001,
    accepts=_near,
    right=_above,
    because=_told_above,
    hint=N_(
        '`accuracy_interval` takes right and wrong answers. `np.bincount(train["label"]).argmax()` is the '
        "commonest label."
    ),
    solution="""low, high = accuracy_interval(test_logits.argmax(axis=-1) == test_labels)
baseline = (test_labels == np.bincount(train["label"]).argmax()).mean()
above = [low, high, baseline]""",
    mistakes=(
        Mistake(
            N_("These are the validation rows. They have chosen: judge on the test rows."),
            _on_validation_rows,
        ),
        Mistake(
            N_("The ends are one standard error away. That holds the true accuracy in 68 of 100 cases only."),
            _one_standard_error,
        ),
        Mistake(
            N_("The baseline is its share of the training rows. How many *test* rows does it get right?"),
            _with_baseline(lambda names: _share_of_commonest(names.train["label"], names.train["label"])),
        ),
        Mistake(
            N_(
                "One divided by the number of classes is what guessing reaches. The commonest answer gets "
                "more."
            ),
            _with_baseline(lambda names: 1 / len(names.mine.label_names)),
        ),
        Mistake(
            N_("This is the accuracy of TF-IDF, a better baseline. First compare with the commonest answer."),
            _with_baseline(
                lambda names: (
                    np.asarray(names.counting.predict(names.test["text"][:])) == names.test_labels
                ).mean()
            ),
        ),
        Mistake(
            N_("The model itself is no baseline: this is its accuracy."),
            _with_baseline(lambda names: _right_answers(names.test_logits, names.test_labels).mean()),
        ),
    ),
)


# The capstone

_PARTS = ("splits", "logits", "card", "folder")
_SHARED = N_("Some texts stand in two splits. Which are they, and how did they get there?")
_LOOKED = N_(
    "These test rows have judged more than one model, so they have chosen. Split anew, with "
    "`own_data(…, seed=7)`. If you changed nothing (a GPU rarely trains the same weights twice), put the "
    "note of these rows aside, then run the cell of the card again: `from helpers.judge import reset_looks; "
    'reset_looks(test["text"][:], helpers.exam_folder())`.'
)
_LOW = N_(
    "The interval of the accuracy is not above the commonest answer. Train longer, take a larger PROFILE, or "
    "get more rows. And split anew, with `own_data(…, seed=7)`, since these test rows have been looked at."
)
_GAP = N_("The card has a gap: Data, Training, Results and Limits each need their text.")
_NO_CARD = N_("No card is there: a path has come. Hand in `card` itself.")
_NO_LIMIT = N_(
    "The card does not say what *you* know of its limits. Write `my_limits`, and run the cell of the card "
    "again."
)
_OTHER = N_(
    "The model in the folder gives other answers than these logits. Save the model that you judged, and "
    "hand in its logits. Or are these not the logits of the test rows, in their order?"
)
_NO_FOLDER = N_("This folder does not exist. Hand in the one in which you saved the model.")
_NOT_LOADED = N_("No pipeline loads from this folder.")


def _handed_in(names: Names, **changed) -> dict:
    return {
        "splits": names.mine.dataset,
        "logits": names.test_logits,
        "card": names.card,
        "folder": names.model_folder,
    } | changed


def _disjoint(handed_in: Mapping, names: Names) -> str | None:
    texts = [set(rows["text"]) for rows in handed_in["splits"].values()]
    shared = sum(map(len, texts)) - len(set().union(*texts))
    return f"{_(_SHARED)} ({shared})" if shared else None


def _looked_once(handed_in: Mapping, names: Names) -> str | None:
    return _(_LOOKED) if names.looks > 1 else None


def _interval_above(handed_in: Mapping, names: Names) -> str | None:
    labels = handed_in["splits"]["test"]["label"][:]
    if np.shape(handed_in["logits"])[:1] != (len(labels),):
        return _(_OTHER)
    low, high = accuracy_interval(_right_answers(handed_in["logits"], labels))
    commonest = _share_of_commonest(handed_in["splits"]["train"]["label"][:], labels)
    if low > commonest:
        return None
    text = _("{advice} ({low:.3f} to {high:.3f}, {commonest:.3f})")
    return text.format(advice=_(_LOW), low=low, high=high, commonest=commonest)


def _card_without_gaps(handed_in: Mapping, names: Names) -> str | None:
    text = str(getattr(handed_in["card"], "text", handed_in["card"]))
    limits = [names.my_limits] if isinstance(names.my_limits, str) else names.my_limits
    if "\n" not in text.strip():
        return f"{_(_NO_CARD)} ({text[:60]})"
    for title in (_("Data"), _("Training"), _("Results"), _("Limits")):  # as the card's own language has them
        if not text.partition(f"## {title}\n")[2].partition("\n## ")[0].strip():
            return f"{_(_GAP)} ({title})"
    return None if limits and all(limit in text for limit in limits) else _(_NO_LIMIT)


def _pipeline_loads(handed_in: Mapping, names: Names) -> str | None:
    """Load the model as a stranger does, and compare its answers to a few test texts with the logits."""
    from transformers import pipeline

    texts = handed_in["splits"]["test"]["text"][:16]
    if not Path(handed_in["folder"]).is_dir():
        return f"{_(_NO_FOLDER)} ({handed_in['folder']})"
    try:
        classify = pipeline("text-classification", model=str(handed_in["folder"]))
        given = [answer["label"] for answer in classify(list(texts), truncation=True)]
    except Exception as error:
        return f"{_(_NOT_LOADED)} ({type(error).__name__}: {str(error).splitlines()[0][:100]})"
    names_of = classify.model.config.id2label
    wanted = [names_of.get(int(row.argmax())) for row in np.asarray(handed_in["logits"])[: len(texts)]]
    # Half precision may turn an answer that was nearly a tie
    agree = sum(one == other for one, other in zip(given, wanted))
    return None if agree >= math.floor(0.9 * len(texts)) else _(_OTHER)


@dataclass(frozen=True, kw_only=True)
class Capstone(Exercise):
    """What somebody hands in who would sign the classifier: five things, checked one after the other."""

    def told(self, answer, names: Names) -> tuple[bool, str]:
        if not isinstance(answer, Mapping) or sorted(map(str, answer)) != sorted(_PARTS):
            text = _("A dict with {parts} was expected, and this is {answer}.")
            return False, text.format(parts=", ".join(_PARTS), answer=shown(plain(answer)))
        checks = (_disjoint, _looked_once, _interval_above, _card_without_gaps, _pipeline_loads)
        for check in checks:
            try:
                problem = check(answer, names)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                text = _("One part is not what it should be: {error}")
                problem = text.format(error=f"{type(error).__name__}: {error}")
            if problem:
                return False, not_yet(problem)
        text = _(
            "Right, all five hold. The splits share no text, the test rows have judged one model, its "
            "interval on {rows:,} rows lies above the commonest answer, the card has no gap, and the "
            "pipeline loads. {verdict}"
        )
        return True, text.format(rows=len(answer["logits"]), verdict=_verdict(answer, names))


def _verdict(handed_in: Mapping, names: Names) -> str:
    """Say whether to sign the model, or TF-IDF, which is cheaper: both answered the same test rows."""
    test = handed_in["splits"]["test"]
    counting = np.asarray(names.counting.predict(test["text"][:])) == np.asarray(test["label"][:])
    model = _right_answers(handed_in["logits"], test["label"][:])
    text = _("TF-IDF has {counting:.3f} on these rows, and the model {model:.3f}. You can sign it.")
    if mcnemar(counting, model).p_value >= 0.05:
        text = _(
            "But TF-IDF has {counting:.3f} on these rows, and the model {model:.3f}: they can't tell the two "
            "apart. Sign the cheaper one, TF-IDF."
        )
    elif counting.mean() > model.mean():
        text = _(
            "But TF-IDF has {counting:.3f} on these rows, and the model {model:.3f}. So don't sign this "
            "model: sign TF-IDF."
        )
    return text.format(counting=counting.mean(), model=model.mean())


def _splits_with_a_copy(names: Names) -> dict:
    splits = {name: {"text": rows["text"][:], "label": rows["label"][:]} for name, rows in _splits(names)}
    splits["train"]["text"][0] = splits["test"]["text"][0]
    return splits


def _splits(names: Names):
    return names.mine.dataset.items()


def _card_text(names: Names) -> str:
    return str(getattr(names.card, "text", names.card))


def _without_limits(names: Names) -> str:
    text = _card_text(names)
    for limit in names.my_limits:
        text = text.replace(limit, "")
    return text


CAPSTONE = Capstone(
    name="capstone",
    minutes=30,
    hint=N_(
        "Five things are checked: no text in two splits; one model on the test rows; an interval above the "
        "commonest answer; a card without a gap, with `my_limits` in it; a pipeline that loads and gives "
        "these answers."
    ),
    solution=N_("""# First write my_limits, and run the cell of the card again.
hand_in = {"splits": mine.dataset, "logits": test_logits, "card": card, "folder": model_folder}"""),
    mistakes=(
        Mistake(_SHARED, lambda names: _handed_in(names, splits=_splits_with_a_copy(names))),
        Mistake(_LOW, lambda names: _handed_in(names, logits=-np.asarray(names.test_logits))),
        Mistake(
            _GAP, lambda names: _handed_in(names, card=_card_text(names).partition("## " + _("Results"))[0])
        ),
        Mistake(_NO_LIMIT, lambda names: _handed_in(names, card=_without_limits(names))),
        Mistake(_NOT_LOADED, lambda names: _handed_in(names, folder=Path(names.model_folder).parent)),
        Mistake(_NO_FOLDER, lambda names: _handed_in(names, folder=Path(names.model_folder) / "nothing")),
        Mistake(_NO_CARD, lambda names: _handed_in(names, card=str(Path(names.model_folder) / "README.md"))),
        Mistake(_OTHER, lambda names: _handed_in(names, logits=np.asarray(names.test_logits)[:-1])),
    ),
)


EXERCISES = [THREE_SPLITS, HEAD_AND_TAIL, ABOVE, CAPSTONE]

QUESTIONS = [
    Question(
        N_('Your file has 950 rows of "fine" and 50 of "urgent". The accuracy is 0.95. What do you do?'),
        (
            Option(N_("You are content: guessing has 0.5."), N_('Always answering "fine" has 0.95, too.')),
            Option(
                N_('You look at the recall of "urgent".'),
                N_("And at macro-F1: both show whether the rare class is found at all."),
                right=True,
            ),
            Option(N_("You train with more epochs."), N_("First find out what the model gets wrong.")),
        ),
    ),
    Question(
        N_(
            "Your files come with a test split. A test text has a copy among the training rows. Which one "
            "goes?"
        ),
        (
            Option(
                N_("The training copy."),
                N_("The model must not learn what it is examined on, and the test rows stay as they were."),
                right=True,
            ),
            Option(N_("Neither: it is only one row."), N_("With a thousand of them, you report memory.")),
            Option(
                N_("The test copy, since training needs every row."),
                N_("Then frequent texts leave the test."),
            ),
        ),
    ),
    Question(
        N_(
            'Class weights lift the recall of "urgent" from 0.3 to 0.7. The accuracy falls by 0.04. Is it '
            "fine?"
        ),
        (
            Option(
                N_("No: the accuracy counts."),
                N_("It counts each row the same, and mistakes cost differently."),
            ),
            Option(
                N_("Yes: the rare class is found."), N_('It is, and more of "fine" is taken for "urgent".')
            ),
            Option(
                N_("That depends on what each mistake costs."),
                N_("You have to say it. No metric knows."),
                right=True,
            ),
        ),
    ),
    Question(
        N_("You choose τ on validation rows and report macro-F1 on the same rows. What is wrong?"),
        (
            Option(
                N_("Nothing: these rows are there to choose."),
                N_("They may choose. Then others have to judge."),
            ),
            Option(N_("It flatters."), N_("Rows that chose cannot judge: use the other half."), right=True),
            Option(N_("τ must be chosen on the training rows."), N_("The model knows these by heart.")),
        ),
    ),
]
