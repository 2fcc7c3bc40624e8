"""Helpers of the fine-tuning course. Importing it costs milliseconds: torch and the like load when first used."""

import sys
from importlib import import_module

if sys.version_info < (3, 11):
    raise ImportError(
        f"The course needs Python 3.11 or newer; this kernel is {sys.version.split()[0]} ({sys.executable}). Choose another kernel, "
        "or make one from environment.yml; the README says how."
    )

_MODULES = {
    "attribution", "checkpoints", "data", "environment", "learning_rates", "metrics", "models", "plots",
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
