"""From a dataset to batches: check its columns, measure its texts, load what comes with the model."""

from helpers.data.columns import check_dataset, text_and_label
from helpers.data.language import LanguageCheck, language_check
from helpers.data.own import OwnData, OwnDataError, own_data
from helpers.data.padding import PADDING_STRATEGIES, PaddingCost, batch_lengths, padding_cost, token_lengths
from helpers.data.pretrained import check_fast_tokenizer, check_tokenizer, load_config, load_tokenizer
from helpers.data.reviews import load_reviews

__all__ = [
    "PADDING_STRATEGIES",
    "LanguageCheck",
    "OwnData",
    "OwnDataError",
    "PaddingCost",
    "batch_lengths",
    "check_dataset",
    "check_fast_tokenizer",
    "check_tokenizer",
    "language_check",
    "load_config",
    "load_reviews",
    "load_tokenizer",
    "own_data",
    "padding_cost",
    "text_and_label",
    "token_lengths",
]
