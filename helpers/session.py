"""What the setup cell of every notebook calls: check, choose, say where we are."""

from __future__ import annotations

import os

from helpers.environment import Machine, check_packages, detect_machine, hub_answers, versions
from helpers.profiles import Profile, choose_profile


def setup(profile: str = "auto") -> tuple[Profile, Machine]:
    """Check the packages, look at the machine, choose the profile and print all three. May be called again.

    The environment's `FINETUNE_PROFILE`, where it is set, overrules `profile`.
    """
    check_packages()
    machine = detect_machine()
    overruled = os.environ.get("FINETUNE_PROFILE")
    name = overruled or profile
    chosen, reason = choose_profile(name, has_gpu=machine.device == "cuda", hub_answers=name == "auto" and hub_answers())
    reason += " (FINETUNE_PROFILE)" if overruled else ""
    print(f"Profile   {chosen.name}: {reason}")
    print(f"Model     {_short(chosen.model)}, learning rate {chosen.learning_rate:g}")
    print(f"Dataset   {_short(chosen.dataset)}, {chosen.train_size:,} reviews to train on, {chosen.eval_size:,} to evaluate on")
    print(f"Machine   {machine.host}; {machine.device} ({machine.device_name}), {machine.precision}; "
          f"{machine.cores} cores, {machine.memory_gb:.0f} GB")
    print(f"Versions  {versions()}")
    return chosen, machine


def _short(name: str) -> str:
    return f"{os.path.basename(name)} (bundled)" if os.path.isabs(name) else name
