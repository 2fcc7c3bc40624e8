"""What the setup cell of every notebook calls: install, look, choose, say where we are and what each choice costs."""

from __future__ import annotations

import os
import platform
import textwrap
from pathlib import Path

from helpers import cell_order, errors, estimate, hub, packages
from helpers.environment import Machine, cores, detect_machine, hub_answers, other_kernels_gb, use_caches_only
from helpers.profiles import PROFILES, Profile, choose_profile

_NEEDED_GB = 1.5  # what a notebook and JupyterLab take at most with a small model: tests/benchmarks/memory.py


def setup(profile: str | Profile = "auto") -> tuple[Profile, Machine]:
    """Install what is missing, look at the machine, choose the profile and print all of it. May be called again.

    `profile` is "auto", the name of a profile, or a `Profile` of your own. The environment's `FINETUNE_PROFILE`, where it
    is set, overrules it. Raises `packages.SetupError` when a package cannot be installed, or the kernel must be restarted.
    """
    installed = packages.ensure()
    errors.install()
    cell_order.install()
    # For weights that were pickled, transformers would otherwise ask a service on the Hub to convert them, in a thread.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    _fit_threads(cores())
    machine = detect_machine()
    answers = _ask_hub()
    chosen, reason = _choose(os.environ.get("FINETUNE_PROFILE") or profile, machine, answers)
    reason += " (FINETUNE_PROFILE)" if os.environ.get("FINETUNE_PROFILE") else ""
    _print_table({
        "Host": f"{machine.host}, Python {platform.python_version()}",
        "Device": f"{machine.device} ({machine.device_name}), {machine.precision}; {machine.cores} cores, {machine.memory_gb:.0f} GB",
        "Versions": "\n".join(packages.report(installed)),
        "Profile": f"{chosen.name}: {reason}",
        "Model": f"{_short(chosen.model)}, learning rate {chosen.learning_rate:g}",
        "Dataset": f"{_short(chosen.dataset)}, {chosen.train_size:,} reviews to train on, {chosen.eval_size:,} to evaluate on",
    })
    _warn_of_other_kernels(machine.memory_gb)
    print("\nWhat each profile costs (the time is an estimate, for the training in notebook 2)")
    for candidate in {**PROFILES, chosen.name: chosen}.values():
        print(f"{'→' if candidate.name == chosen.name else ' '} {candidate.name:9} {_cost(candidate, machine, answers)}")
    return chosen, machine


def _print_table(rows: dict[str, str]) -> None:
    """A name and its lines, wrapped here: a notebook's own wrapping would start the next line under the name."""
    for name, text in rows.items():
        lines = [part for line in text.splitlines() for part in textwrap.wrap(line, 76, break_long_words=False, break_on_hyphens=False)]
        print(f"{name:9} " + f"\n{'':10}".join(lines))


def _warn_of_other_kernels(memory_gb: float) -> None:
    """Binder kills a kernel, without a word, when all of them together reach the limit."""
    if memory_gb < 2 * _NEEDED_GB and (held := other_kernels_gb()) > memory_gb - _NEEDED_GB:
        print(f"Memory    other notebooks hold {held:.1f} of {memory_gb:.1f} GB: end them first with Kernel → Shut Down Kernel, there")


def _fit_threads(granted: int) -> None:
    """In a container torch would start a thread for each core of its host, which makes training slower, not faster."""
    import torch

    if torch.get_num_threads() > granted:
        torch.set_num_threads(granted)


_went_offline = False  # by us: what the learner has set stays as it is


def _ask_hub() -> bool:
    """Whether the Hub answers; where it does not, the libraries are spared asking, until the next call."""
    global _went_offline
    if _went_offline:
        use_caches_only(False)
    answers = hub_answers()
    _went_offline = not answers and "HF_HUB_OFFLINE" not in os.environ
    if _went_offline:
        use_caches_only(True)
    return answers


def _choose(wanted: str | Profile, machine: Machine, answers: bool) -> tuple[Profile, str]:
    if isinstance(wanted, Profile):
        return wanted, "your own"
    cached = {name for name, profile in PROFILES.items() if wanted == "auto" and not answers and hub.is_cached(profile)}
    return choose_profile(wanted, has_gpu=machine.device == "cuda", hub_answers=answers, cached=cached)


def _cost(profile: Profile, machine: Machine, answers: bool) -> str:
    """What is to be paid before the first result: download, disk, minutes."""
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

    here = hub.is_cached(profile)
    if not here and not answers:
        return "needs the Hugging Face Hub, which does not answer"
    disable_progress_bars()  # for a config.json of 600 bytes, in the middle of the table
    try:
        space = _space(hub.delivery(profile)) if answers else "nothing to download"
        return f"{space}; about {_duration(estimate.expected_minutes(profile, machine))}"
    except Exception as error:  # the costs are a service: whatever is wrong will be said where it is needed
        return f"unknown ({type(error).__name__})"
    finally:
        enable_progress_bars()


def _space(delivery: hub.Delivery) -> str:
    if not delivery.disk:
        return "nothing to download"
    if not delivery.download:
        return f"nothing to download any more, {_size(delivery.disk)} on disk"
    return f"{_size(delivery.download)} to download, {_size(delivery.disk)} on disk"


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6)):,} MB"


def _duration(minutes: float) -> str:
    if minutes < 1.5:
        return f"{max(1, round(minutes * 60))} seconds"
    return f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"


def _short(name: str) -> str:
    path = Path(name)
    return f"{path.name} (bundled)" if path.is_absolute() and path.parent.name == "offline" else name
