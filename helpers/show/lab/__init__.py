"""The lab: move a slider, press Run, watch it learn, compare."""

from helpers.show.lab.code import assignments_code, training_arguments_code
from helpers.show.lab.panel import HyperparameterPanel

__all__ = [
    "HyperparameterPanel",
    "assignments_code",
    "training_arguments_code",
]
