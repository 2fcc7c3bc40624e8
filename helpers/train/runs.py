"""The record of one training: its settings, what it logged at each step, its evaluations, and how it ended.

Everything that trains writes a `Run`, and everything that draws reads one.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from helpers.files import write_whole
from helpers.language import N_, _

# As a learner reads them; `Run.status` itself is English in any language
_STATUSES = (N_("new"), N_("running"), N_("finished"), N_("stopped"), N_("failed"))


class NonFiniteLossError(ArithmeticError):
    """The training loss became NaN or infinite, so every further step would be wasted."""


@dataclass
class Run:
    """The record of one training.

    `history` holds one dict per logged step: step, epoch, loss, learning_rate, grad_norm, seconds since the
    start. `evaluations` holds one dict per evaluation: step, epoch, eval_loss, accuracy and other metrics.
    `status` is "new", "running", "finished", "stopped" or "failed"; for the last two, `message` says why.
    `evaluated_on` says which rows judged, and whether they also chose.

    `KeepMoments` fills `watched` and `moments`: some texts, and the answers to them at moments of the
    training. `KeepMovement` fills `moved`: part of the model → relative change of its weights.
    """

    name: str
    settings: dict = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)
    evaluations: list[dict] = field(default_factory=list)
    status: str = "new"
    message: str = ""
    seconds: float = 0.0
    evaluated_on: str = "validation rows; they flatter a run that was chosen by them; no test row was used"
    watched: dict = field(default_factory=dict)
    moments: list[dict] = field(default_factory=list)
    moved: dict[str, float] = field(default_factory=dict)

    def __post_init__(self):
        self.stop_requested = False
        self.step = self._last_step()  # the last step that was done, even if it was not logged
        self._listeners: list[Callable[[Run], None]] = []
        self._started: float | None = None

    def listen(self, listener: Callable[[Run], None]) -> None:
        """Call `listener(run)` after every change, in the thread that trains."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[Run], None]) -> None:
        """No longer call `listener`."""
        self._listeners.remove(listener)

    def start(self) -> None:
        """Begin the training, and clear what an earlier one recorded here."""
        self.history.clear()
        self.evaluations.clear()
        self.moments.clear()
        self.moved.clear()
        self.stop_requested = False
        self.message = ""
        self.step = 0
        self._started = time.perf_counter()
        self._change("running")

    def resume(self, earlier: Run) -> None:
        """Go on from `earlier`, the record of this training before it was interrupted."""
        self.start()
        self.history.extend(earlier.history)
        self.evaluations.extend(earlier.evaluations)
        self.moments.extend(earlier.moments)
        self.step = self._last_step()
        self._started -= earlier.seconds
        self.advance(self.step)

    def request_stop(self) -> None:
        """Ask the training to end after the current step. Any thread may call this."""
        self.stop_requested = True

    def advance(self, step: int) -> None:
        """Tell the listeners that a step is done, even if it is not logged."""
        self.step = int(step)
        self.seconds = self._elapsed()
        self._notify()

    def log(
        self,
        step: int,
        loss: float,
        *,
        epoch: float | None = None,
        learning_rate: float | None = None,
        grad_norm: float | None = None,
    ) -> None:
        """Record a training step. If the loss is NaN or infinite, record it and raise NonFiniteLossError."""
        self.seconds = self._elapsed()
        self.step = int(step)
        self.history.append(
            {
                "step": int(step),
                "epoch": epoch,
                "loss": float(loss),
                "learning_rate": learning_rate,
                "grad_norm": grad_norm,
                "seconds": self.seconds,
            }
        )
        self._notify()
        if not math.isfinite(loss):
            raise NonFiniteLossError(
                _(
                    "The training loss became {loss} at step {step}. "
                    "Lower learning_rate, load the model anew and train again."
                ).format(loss=loss, step=step)
            )

    def log_evaluation(
        self, step: int, eval_loss: float, *, epoch: float | None = None, **metrics: float
    ) -> None:
        """Record an evaluation, for example `log_evaluation(step, loss, accuracy=0.58)`."""
        self.seconds = self._elapsed()
        self.evaluations.append(
            {
                "step": int(step),
                "epoch": epoch,
                "eval_loss": float(eval_loss),
                **metrics,
                "seconds": self.seconds,
            }
        )
        self._notify()

    def end(self, status: str = "finished", message: str = "") -> None:
        """End the training with `status`, and with the reason in `message`."""
        self.seconds = self._elapsed()
        self.message = message
        self._change(status)

    def series(self, key: str) -> tuple[list[int], list[float]]:
        """Return the steps that recorded `key`, and its values there.

        `key` is "loss", "learning_rate", "eval_loss", "accuracy" or any other recorded name.
        """
        points = [(p["step"], p[key]) for p in (*self.history, *self.evaluations) if p.get(key) is not None]
        return [step for step, value in points], [value for step, value in points]

    def training_losses(self) -> tuple[float, float]:
        """Return the means of the training loss over the first and over the last 5 % of what was logged."""
        losses = self.series("loss")[1]
        edge = max(1, len(losses) // 20)
        return sum(losses[:edge]) / edge, sum(losses[-edge:]) / edge

    def summary(self) -> str:
        """Say in one sentence what the loss curve shows, for people who cannot see it."""
        steps, losses = self.series("loss")
        if not steps:
            text = _("{name}: {status}, no step recorded yet.")
            return text.format(name=self.name, status=_(self.status))

        # The training
        first, last = self.training_losses()
        text = _(
            "{name}: {status} after {steps} steps in {seconds:.0f} s; training loss {first:.2f} → {last:.2f}"
        )
        parts = [
            text.format(
                name=self.name,
                status=_(self.status),
                steps=max(self.step, steps[-1]),
                seconds=self.seconds,
                first=first,
                last=last,
            )
        ]

        # The evaluation
        if self.evaluations:
            final = self.evaluations[-1]
            text = (
                _("validation loss {eval_loss:.2f}, accuracy {accuracy:.3f}")
                if "accuracy" in final
                else _("validation loss {eval_loss:.2f}")
            )
            parts.append(text.format(**final))

        rose = len(losses) >= 20 and last > 1.2 * first
        return f"{'; '.join(parts)}." + (" " + _("The loss rose: lower learning_rate.") if rose else "")

    def save(self, path: str | Path) -> Path:
        """Write the run as JSON. An earlier file stays until the new one is complete."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_without_nan(asdict(self)), indent=1, default=str)
        write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))
        return path

    @classmethod
    def load(cls, path: str | Path) -> Run:
        """Read a saved run. Raises ValueError for a file that `save` did not write."""
        try:
            fields = json.loads(Path(path).read_text(encoding="utf-8"))
            fields |= {key: _with_nan(fields[key]) for key in ("settings", "history", "evaluations")}
            run = cls(**fields)
            if not all(isinstance(point, dict) for point in (*run.history, *run.evaluations, *run.moments)):
                raise TypeError(_("a logged step is not a dict"))
            return run
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            text = _("{path} is not a saved Run: expected JSON written by Run.save ({error}).")
            raise ValueError(text.format(path=path, error=error)) from error

    def _last_step(self) -> int:
        return max((point["step"] for point in (*self.history, *self.evaluations)), default=0)

    def _elapsed(self) -> float:
        return self.seconds if self._started is None else time.perf_counter() - self._started

    def _change(self, status: str) -> None:
        self.status = status
        self._notify()

    def _notify(self) -> None:
        for listener in list(self._listeners):
            listener(self)


def loss_difference(first: Run, second: Run) -> dict[int, float]:
    """Return the absolute difference of the training losses, by step, for the steps that both runs logged.

    Raises ValueError if they have no step in common.
    """
    one, other = (dict(zip(*run.series("loss"))) for run in (first, second))
    steps = sorted(one.keys() & other.keys())
    if not steps:
        text = _("{first!r} and {second!r} have no logged step in common. Use logging_steps=1 in both.")
        raise ValueError(text.format(first=first.name, second=second.name))
    return {step: abs(one[step] - other[step]) for step in steps}


def _without_nan(value):
    """Make strings of NaN and infinity, which JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return [_without_nan(item) for item in value] if isinstance(value, list) else value


def _with_nan(value):
    if isinstance(value, dict):
        return {key: _with_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nan(item) for item in value]
    return float(value) if value in ("nan", "inf", "-inf") else value
