"""Load the configuration and the tokenizer of a pretrained model, and check the tokenizer."""

from __future__ import annotations

from helpers.language import _
from helpers.profiles import Profile


def load_config(profile: Profile, **kwargs):
    """Return the model's configuration, as `AutoConfig.from_pretrained(profile.model, **kwargs)` does.

    In old checkpoints, such as bert-mini, config.json names no architecture (`model_type`). Since
    transformers 5, the Auto classes refuse them. So `profile.model_type` can name the architecture instead.
    """
    from transformers import CONFIG_MAPPING, AutoConfig

    config_class = CONFIG_MAPPING[profile.model_type] if profile.model_type else AutoConfig
    return config_class.from_pretrained(profile.model, revision=profile.model_revision, **kwargs)


def load_tokenizer(profile: Profile):
    """Return the tokenizer of the profile's model, checked. It cuts texts at `profile.max_length` tokens.

    Raises OSError if its vocabulary is missing, and ValueError if it cannot pad.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        profile.model,
        revision=profile.model_revision,
        config=load_config(profile),
        model_max_length=profile.max_length,
    )
    check_tokenizer(tokenizer)
    return tokenizer


def check_tokenizer(tokenizer) -> None:
    """Raise OSError if the tokenizer knows only its special tokens, and ValueError if it cannot pad.

    `from_pretrained` accepts a missing vocabulary, even if the download failed. Then every word would become
    [UNK], and the model would learn from nothing. Models that write texts, such as GPT-2, often have no pad
    token. That would be an error, too, but only in the first batch.
    """
    # The vocabulary
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise OSError(
            _(
                "The tokenizer of {model} came without its vocabulary. "
                "The download may have failed: run this cell again. If that does not help, the checkpoint "
                "has no vocabulary: take the tokenizer of the original model, or another model."
            ).format(model=tokenizer.name_or_path)
        )

    # The pad token
    if tokenizer.pad_token is None:
        token = "tokenizer.eos_token" if tokenizer.eos_token is not None else "tokenizer.unk_token"
        raise ValueError(
            _(
                "The tokenizer of {model} has no pad token, "
                "so texts of different lengths do not fit into one batch. "
                "Write tokenizer.pad_token = {token} in the line above. Wherever you load a model's config, "
                "write in the next line: config.pad_token_id = tokenizer.pad_token_id."
            ).format(model=tokenizer.name_or_path, token=token)
        )


def check_fast_tokenizer(tokenizer) -> None:
    """Raise ValueError for a slow tokenizer: only fast ones tell which piece belongs to which word."""
    if not tokenizer.is_fast:
        raise ValueError(
            _(
                "{tokenizer} does not tell which piece belongs to which word. "
                "Load a fast tokenizer with AutoTokenizer."
            ).format(tokenizer=type(tokenizer).__name__)
        )
