"""Do what notebook 1 does, in one line: load a dataset, divide it into three, and tokenize it."""

from __future__ import annotations

from helpers.data.columns import check_dataset, text_and_label
from helpers.data.pretrained import load_tokenizer
from helpers.hub.subset import dataset_source
from helpers.profiles import Profile


def load_reviews(profile: Profile, padding: bool | str = False, max_length: int | None = None):
    """Return a `DatasetDict` with the splits "train", "validation" and "test", tokenized for the model.

    "train" has `profile.train_size` rows of the dataset's training split, shuffled with seed 42. "validation"
    has the `profile.eval_size` rows that come next, so no training ever sees them. "test" has
    `profile.eval_size` rows of the dataset's test split, or of the split that `profile.eval_split` names.

    The columns are "text", "label", what the tokenizer returns, and "length" in tokens. `padding` is passed
    to the tokenizer: with "max_length" each row is as long as the model's limit, and there is no "length".
    Texts are cut at `max_length` tokens, or else at `profile.max_length`.
    Raises ValueError if the rows do not suffice, or if a classifier cannot learn from them.
    """
    from datasets import DatasetDict, load_dataset

    # Load, and take the rows
    dataset = load_dataset(dataset_source(profile), profile.dataset_config, revision=profile.dataset_revision)
    dataset = text_and_label(dataset, profile)
    shuffled = dataset["train"].shuffle(seed=42)
    rows = DatasetDict(
        train=shuffled.select(range(profile.train_size)),
        validation=shuffled.select(range(profile.train_size, profile.train_size + profile.eval_size)),
        test=dataset["test"].shuffle(seed=42).select(range(profile.eval_size)),
    )
    for split in rows.values():
        check_dataset(split, num_labels=len(split.features["label"].names))

    # Tokenize
    tokenizer = load_tokenizer(profile)

    def tokenize(examples):
        return tokenizer(
            examples["text"],
            padding=padding,
            truncation=True,
            max_length=max_length,
            return_length=not padding,
        )

    return rows.map(tokenize, batched=True)
