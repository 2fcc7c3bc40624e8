"""Hook into IPython: show one message in place of a traceback, for the errors that we know.

No other module of the course changes IPython.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress

from helpers.explain import data_files, files, hub, names, resources

# Each function gets the error and returns its message, or None for errors that it does not know.
# `explain` takes the first message.
EXPLANATIONS: list[Callable[[BaseException], str | None]] = [
    names.missing_name,
    resources.no_place_to_write,
    files.damaged_file,
    files.other_shapes,
    files.incomplete_model,
    data_files.no_data_files,
    data_files.not_utf8,
    data_files.no_rows,
    data_files.other_columns,
    data_files.other_type,
    data_files.uneven_line,
    hub.not_in_the_cache,
    *hub.TROUBLES,
    hub.unreachable,
]


def explain(error: BaseException) -> str | None:
    """Return the message that explains `error` to a learner; None for an error that we do not know."""
    for explanation in EXPLANATIONS:
        message = explanation(error)
        if message is not None:
            return message
    return None


def install_hook() -> None:
    """Make the notebook show the messages of `explain`. Other errors look as always.

    A second call changes nothing.
    """
    from IPython import get_ipython

    # Nothing to do outside a notebook, or after an earlier call
    shell = get_ipython()
    if shell is None or shell.showtraceback.__module__ == __name__:
        return
    show = shell.showtraceback

    # IPython asks an error for its own lines with `_render_traceback_`
    def showtraceback(exc_tuple=None, *args, **kwargs):
        error = exc_tuple[1] if exc_tuple else sys.exc_info()[1]
        # A fault of ours must not hide the learner's
        with suppress(Exception):
            if (message := explain(error)) is not None:
                error._render_traceback_ = message.splitlines
        show(exc_tuple, *args, **kwargs)

    shell.showtraceback = showtraceback
