"""Protects a learner of notebook 6 from a check that is wrong about an answer."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset, DatasetDict
from exercising import Exercising
from sklearn.model_selection import GroupShuffleSplit
from transformers import AutoModelForSequenceClassification

from helpers.data import load_tokenizer
from helpers.judge import accuracy_interval
from helpers.learn import exercises
from helpers.profiles import PROFILES

CARD = """# Messages

## Data

Some rows.

## Training

- seed: 42

## Results

| accuracy | 0.8 |

## Limits

- It gives one of its classes to any text.
- Not for complaints about staff.
"""


class Commonest:
    """Stands for TF-IDF: it answers the two first classes in turn."""

    def predict(self, texts):
        return np.array([number % 2 for number in range(len(texts))], dtype=int)


def rows(name, count, classes, seed):
    labels = np.random.default_rng(seed).choice(classes, count, p=[0.4, 0.3, 0.3]).tolist()
    return Dataset.from_dict(
        {"text": [f"{name} about order {n} of {n * 7}" for n in range(count)], "label": labels}
    )


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory):
    """Save a small model, and make test rows for which it is right on four of five."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(1)
    profile = PROFILES["offline"]
    tokenizer = load_tokenizer(profile)
    model = AutoModelForSequenceClassification.from_pretrained(
        profile.model, num_labels=3, id2label=dict(enumerate(["bill", "parcel", "other"]))
    ).eval()
    splits = {name: rows(name, count, 3, seed) for seed, (name, count) in enumerate(SIZES.items())}
    batch = tokenizer(splits["test"]["text"][:], return_tensors="pt", padding=True)
    with torch.no_grad():
        model.classifier.bias -= model(**batch).logits.mean(dim=0)  # so that it gives all three answers
        logits = model(**batch).logits.numpy()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    labels = np.where(
        np.arange(len(logits)) % 5 == 0, (logits.argmax(axis=-1) + 1) % 3, logits.argmax(axis=-1)
    )
    splits["test"] = Dataset.from_dict({"text": splits["test"]["text"][:], "label": labels.tolist()})
    return folder, logits, DatasetDict(splits)


SIZES = {"train": 120, "validation": 50, "test": 80}


def notebook(folder, logits, splits, seed=1):
    random = np.random.default_rng(seed)
    return {
        "mine": SimpleNamespace(dataset=splits, label_names=["bill", "parcel", "other"]),
        "train": splits["train"],
        "test": splits["test"],
        "logits": random.normal(size=(len(splits["validation"]), 3)),
        "labels": np.array(splits["validation"]["label"]),
        "test_logits": logits,
        "test_labels": np.array(splits["test"]["label"]),
        "counting": Commonest(),
        "card": SimpleNamespace(text=CARD),
        "my_limits": ["Not for complaints about staff."],
        "model_folder": folder,
        "looks": 1,
        "np": np,
        "accuracy_interval": accuracy_interval,
    }


def splits_with_numpy(texts):
    different, number = np.unique(texts, return_inverse=True)
    order = np.random.default_rng(0).permutation(len(different))
    cuts = [int(0.8 * len(different)), int(0.9 * len(different))]
    return [np.flatnonzero(np.isin(number, part)) for part in np.split(order, cuts)]


def splits_without_copies(texts):
    first = pd.Series(texts).drop_duplicates().sample(frac=1, random_state=1).index
    return first[:320].tolist(), first[320:360].tolist(), first[360:].tolist()


def splits_of_scikit_learn(texts):
    everything = np.arange(len(texts))
    train, rest = next(GroupShuffleSplit(1, train_size=0.8, random_state=0).split(everything, groups=texts))
    again = GroupShuffleSplit(1, train_size=0.5, random_state=0)
    validation, test = next(again.split(rest, groups=np.array(texts)[rest]))
    return train, rest[validation], rest[test]


def tail_in_a_loop(ids, room):
    kept = list(ids)
    while len(kept) > room:
        del kept[len(kept) // 2]
    return kept


def tail_with_numpy(ids, room):
    if len(ids) <= room:
        return np.array(ids)
    return np.concatenate([ids[: room - room // 2], ids[len(ids) - room // 2 :]])


def tail_by_place(ids, room):
    cut = len(ids) - room
    head = room // 2
    return tuple(one for place, one in enumerate(ids) if cut <= 0 or not head <= place < head + cut)


class TestNotebook6(Exercising):
    number = 6
    ways = {  # noqa: RUF012
        "three_splits": [splits_with_numpy, splits_without_copies, splits_of_scikit_learn],
        "head_and_tail": [tail_in_a_loop, tail_with_numpy, tail_by_place],
    }

    @pytest.fixture(autouse=True)
    def _model(self, handed_over):
        self.folder, self.logits, self.splits = handed_over

    def names(self):
        return notebook(self.folder, self.logits, self.splits)

    def others(self):
        return notebook(self.folder, self.logits[:, ::-1], self.splits, seed=2)

    def test_a_wrong_answer_is_told_what_is_wrong_with_it(self):
        """The words "is not it" and "False instead of True" help nobody."""
        check = exercises(6, self.names())
        given = check.exercises
        assert "`return` is missing" in check.told(given["head_and_tail"], lambda ids, room: ids.sort())
        cut = check.told(given["head_and_tail"], lambda ids, room: ids[: room - 1])
        assert "'[11, 12, 13]' instead of '[11, 12, 19, 20]'" in cut
        twice = check.told(given["three_splits"], lambda texts: [[*range(400)], [*range(9)], [4]])
        assert "'a text and its copy are in two splits' instead of 'no fault'" in twice
        low, high, baseline = given["above"].right(check._names)
        assert "Look at the low end and the baseline." in check.told(given["above"], [0.1, high, 0.1])
        assert check.told(given["above"], [low + 0.004, high, baseline]).startswith("Right")
        assert check.told(given["above"], [low, high, baseline + 0.002]).startswith("Not yet")

    def test_a_second_look_at_the_test_rows_is_told(self):
        """Who looks, changes the model and looks again has chosen by the test rows."""
        names = self.names() | {"looks": 2}
        check = exercises(6, names)
        run = {"splits": self.splits, "logits": self.logits, "card": CARD, "folder": str(self.folder)}
        assert "judged more than one model" in check.told(check.exercises["capstone"], run)
        names["looks"] = 1
        assert check.told(check.exercises["capstone"], run).startswith("Right"), "a card as text is a card"

    def test_a_model_saved_before_it_was_changed_is_noticed(self, tmp_path):
        """The folder is what others get. Its answers must be those that were judged."""
        model = AutoModelForSequenceClassification.from_pretrained(self.folder)
        model.classifier.bias.data = torch.tensor([9.0, 0.0, 0.0])
        model.save_pretrained(tmp_path)
        load_tokenizer(PROFILES["offline"]).save_pretrained(tmp_path)
        names = self.names() | {"model_folder": tmp_path}
        check = exercises(6, names)
        run = {"splits": self.splits, "logits": self.logits, "card": CARD, "folder": tmp_path}
        assert "gives other answers" in check.told(check.exercises["capstone"], run)

    def test_a_model_that_tfidf_beats_is_not_to_be_signed(self):
        """All five checks may hold for a model that is worse than what costs nothing."""
        labels = np.array(self.splits["test"]["label"])
        run = {"splits": self.splits, "logits": self.logits, "card": CARD, "folder": self.folder}
        said = []
        for counting in (labels, self.logits.argmax(axis=-1), labels * 0):
            names = self.names() | {"counting": SimpleNamespace(predict=lambda texts, given=counting: given)}
            check = exercises(6, names)
            said.append(check.told(check.exercises["capstone"], run))
        assert all(text.startswith("Right, all five hold") for text in said)
        assert "TF-IDF has 1.000 on these rows, and the model 0.800. So don't sign" in said[0]
        assert "can't tell the two apart" in said[1] and "You can sign it" in said[2]

    def test_a_limit_without_a_list_around_it_is_a_limit(self):
        """Letter by letter, it would be in any card."""
        run = {"splits": self.splits, "logits": self.logits, "card": CARD, "folder": self.folder}
        for limit, told in {"Not for complaints about staff.": "Right", "Not for staff": "Not yet"}.items():
            names = self.names() | {"my_limits": limit}
            check = exercises(6, names)
            assert check.told(check.exercises["capstone"], run).startswith(told)

    def test_a_card_without_a_limit_of_ones_own_is_not_enough(self):
        """The two limits that the notebook writes say nothing about this data."""
        names = self.names() | {"my_limits": []}
        check = exercises(6, names)
        run = {"splits": self.splits, "logits": self.logits, "card": CARD, "folder": self.folder}
        assert "my_limits" in check.told(check.exercises["capstone"], run)
