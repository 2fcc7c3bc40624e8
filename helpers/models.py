"""Which architecture a checkpoint belongs to."""

from __future__ import annotations

from helpers.profiles import Profile


def load_config(profile: Profile, **kwargs):
    """The model's configuration, as from `AutoConfig.from_pretrained(profile.model, **kwargs)`.

    Old checkpoints, bert-mini among them, have a config.json that names no architecture (`model_type`), and since
    transformers 5 the Auto classes refuse those. Where `profile.model_type` names it, that is used instead.
    """
    from transformers import CONFIG_MAPPING, AutoConfig

    config_class = CONFIG_MAPPING[profile.model_type] if profile.model_type else AutoConfig
    return config_class.from_pretrained(profile.model, revision=profile.model_revision, **kwargs)
