"""Show a learner one helpful message in place of a traceback."""

from helpers.explain.hook import explain, install_hook
from helpers.explain.resources import cannot_write, explain_resources, out_of_memory

__all__ = [
    "cannot_write",
    "explain",
    "explain_resources",
    "install_hook",
    "out_of_memory",
]
