"""Do one piece of work at a time in a kernel, in a thread or in the cell that asks for it."""

from __future__ import annotations

import atexit
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from helpers.language import _
from helpers.train.runs import Run

# Jupyter kills a kernel that takes longer than five seconds to end
_LAST_STEP_SECONDS = 4


class Worker:
    """Run the trainings of one panel, and refuse to begin one while any panel of the kernel trains.

    All workers share one lock, because two trainings at once would share the random state and the state that
    every `Trainer` of a process uses.

    `on_switch(working)` is called when work of this worker begins or ends. `on_stop()` is called when
    somebody stops the run that this worker trains. `on_error(message, details=…)` receives an exception from
    the thread: one sentence, and the traceback.
    """

    active: ClassVar[Worker | None] = None  # the worker that holds the lock
    _busy: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, on_switch: Callable[[bool], None], on_stop: Callable[[], None], on_error: Callable):
        self._on_switch = on_switch
        self._on_stop = on_stop
        self._on_error = on_error
        self.thread: threading.Thread | None = None
        self.current: Run | None = None  # the run in training
        self.stopping = False

    @property
    def busy(self) -> bool:
        """True while any worker of the kernel works."""
        return self._busy.locked()

    def begin(self) -> None:
        """Take the lock of the kernel. Raises RuntimeError if another training holds it."""
        if not self._busy.acquire(blocking=False):
            raise RuntimeError(_("A training is running in this kernel. Press Stop, or wait for its end."))
        Worker.active = self
        self.stopping = False
        self._on_switch(True)

    @contextmanager
    def working(self) -> Iterator[None]:
        """End what `begin` began when the block ends, even if the block fails."""
        try:
            yield
        finally:
            self._on_switch(False)
            Worker.active = None
            self._busy.release()

    def in_background(self, work: Callable, *given) -> None:
        """Call `work(*given)` in a thread, so that the page and other cells stay alive.

        Does nothing while this worker works, so a second click does no harm. While another one works, it
        says so through `on_error`.
        """

        def guarded() -> None:
            with self.working():
                try:
                    work(*given)
                except Exception as error:
                    self._on_error(f"{type(error).__name__}: {error}", details=traceback.format_exc())

        if not self.busy:
            self.begin()
            self.thread = threading.Thread(target=guarded, daemon=True)
            self.thread.start()
        elif self.active is not self:
            self._on_error(_("Another panel of this notebook is training. Wait for its end, or press Stop."))

    def stop(self, wait: bool = False) -> None:
        """End the training of this or any other worker after its current step.

        With `wait`, return only when its thread has ended.
        """
        # The training may end at any moment, so read its run and its thread once
        active = self.active or self
        active.stopping = True
        run = active.current
        thread = active.thread

        if run is not None:
            run.request_stop()
            active._on_stop()
        if wait and thread is not None:
            thread.join()


@atexit.register
def _stop_with_the_kernel() -> None:
    """Stop the training when the kernel ends or restarts, and wait for its current step.

    Otherwise IPython would clear the notebook's names while the thread still uses them, and the run would say
    that it failed with a NameError.
    """
    worker = Worker.active
    if worker is not None and worker.thread is not None:
        worker.stop()
        worker.thread.join(_LAST_STEP_SECONDS)
