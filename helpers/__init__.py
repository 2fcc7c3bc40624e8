"""Helpers of the fine-tuning course. Importing it costs milliseconds: torch and the like load when first used."""

from importlib import import_module

_MODULES = {
    "attribution", "data", "environment", "learning_rates", "metrics", "models", "plots",
    "profiles", "recipes", "runs", "subset", "training", "widgets",
}

__all__ = sorted(_MODULES | {"setup"})


def __getattr__(name: str):
    if name in _MODULES:
        return import_module(f"helpers.{name}")
    if name == "setup":
        return import_module("helpers.session").setup
    raise AttributeError(f"module 'helpers' has no attribute {name!r}")


def __dir__():
    return __all__
