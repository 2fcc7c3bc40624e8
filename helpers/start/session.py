"""Run the steps of the setup cell: install, look at the machine, choose a profile, print what each costs."""

from __future__ import annotations

import os
import platform
import warnings
from dataclasses import replace
from pathlib import Path

from helpers.explain import hub, install_hook
from helpers.hub import cache
from helpers.hub.reach import ask_hub, go_offline, why_not
from helpers.language import ENGLISH, N_, _, padded, wrapped
from helpers.language import choose as choose_language
from helpers.machine import Machine, cores, detect_machine, is_busy, let_threads_sleep, other_kernels_gb
from helpers.profiles import PROFILES, Profile, choose_profile
from helpers.start import environment, packages, places
from helpers.start.version import newer_version

# A notebook and JupyterLab need at most this much with a small model, as tests/benchmarks/memory.py measures
_NEEDED_GB = 1.5
_KAGGLE_WITHOUT_INTERNET = N_(
    "Kaggle starts a notebook without it. To train on real reviews, choose Settings → Turn on internet. "
    "Kaggle first asks you to verify a phone number. Then run this cell again."
)
_TORCH_WAS_FIRST = N_(
    "PyTorch was loaded before this cell. If another program or notebook computes at the same time, "
    "restart the kernel and run this cell first. Then they slow each other down less."
)


def setup(profile: str | Profile = "auto", language: str = ENGLISH) -> tuple[Profile, Machine]:
    """Install missing packages, look at the machine, choose the profile, and print the result.

    A second call does no harm. `profile` is "auto", the name of a profile, or a `Profile` of your own.
    `language` is that of the notebook: "en" or "ko". If `FINETUNE_PROFILE` or `FINETUNE_LANGUAGE` is set in
    the environment, it overrules the argument. Raises `packages.SetupError` if a package cannot be
    installed, or if the kernel must be restarted, and ValueError for a language without a catalogue.
    """
    choose_language(os.environ.get("FINETUNE_LANGUAGE") or language)

    # Prepare the kernel. The threads come first: PyTorch reads their setting when it is loaded.
    threads_sleep = let_threads_sleep()
    packages.check_own_files(Path.cwd())
    places.check_folder_name()
    installed = packages.ensure()
    install_hook()
    # Without this, transformers would ask a service on the Hub to convert pickled weights, in a thread.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    # To look for a GPU must not start CUDA: then `notebook_launcher` could not start a process for each GPU
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    # `Trainer` asks for memory that only a GPU needs, and PyTorch warns about it in each training on a CPU
    warnings.filterwarnings("ignore", message="'pin_memory' argument is set as true but no accelerator")
    # The libraries read where their caches are when they are loaded
    moved = {_("Runs"): places.choose_runs_folder(), _("Caches"): places.move_caches()}
    removed = environment.train_in_one_process()
    _fit_threads(cores())
    _count_columns()

    # Choose what to train on
    machine = detect_machine()
    one_of_several = environment.train_on_one_gpu()
    wanted = os.environ.get("FINETUNE_PROFILE") or profile
    answers = ask_hub() and not (wanted == "auto" and _cost_is_unknown(machine))
    chosen, reason = _choose(wanted, machine, answers)
    reason += " (FINETUNE_PROFILE)" if os.environ.get("FINETUNE_PROFILE") else ""
    if sizes := os.environ.get("FINETUNE_SIZES"):  # the tests train shorter where the length decides nothing
        pairs = (pair.split("=") for pair in sizes.split())
        chosen = replace(chosen, **{name: int(size) for name, size in pairs})
        reason = _("{reason}, with {sizes} (FINETUNE_SIZES)").format(reason=reason, sizes=sizes)

    # Let an interrupted training go on. The import needs the packages that were installed above.
    from helpers.train.precision import keep_precision

    machine, kept = keep_precision(machine, places.runs_folder(), chosen.key)

    # Say where we are, what to know, and what each profile would cost
    _print_choice(chosen, reason, machine, installed, one_of_several)
    internet = "" if answers or machine.host != "Kaggle" else _(_KAGGLE_WITHOUT_INTERNET)
    notes = {
        _("Course"): newer_version() if answers else "",
        _("Internet"): internet,
        _("Hub"): hub.trouble(why_not()),
        _("Precision"): kept,
        _("Shell"): removed,
        **moved,
        _("Memory"): _memory_advice(machine.memory_gb),
        _("Threads"): "" if machine.device != "cpu" or threads_sleep else _(_TORCH_WAS_FIRST),
    }
    _print_table({name: text for name, text in notes.items() if text})
    _print_costs(chosen, machine, answers)
    return chosen, machine


def _print_choice(
    chosen: Profile, reason: str, machine: Machine, installed: list[packages.Package], one_of_several: str
) -> None:
    """Print where we are, and what was chosen for which reason."""
    device = _(
        "{machine.device} ({machine.device_name}), {machine.precision}; "
        "{machine.cores} cores, {machine.memory_gb:.0f} GB"
    ).format(machine=machine)
    _print_table(
        {
            _("Host"): f"{_(machine.host)}, Python {platform.python_version()}",
            _("Device"): f"{device}\n{one_of_several}",
            _("Versions"): "\n".join(packages.report(installed)),
            _("Profile"): f"{chosen.name}: {reason}",
            _("Model"): _("{model}, learning rate {rate:g}").format(
                model=_short(chosen.model), rate=chosen.learning_rate
            ),
            _("Dataset"): _(
                "{dataset}, {train_size:,} texts to train on, {eval_size:,} to validate on"
            ).format(
                dataset=_short(chosen.dataset), train_size=chosen.train_size, eval_size=chosen.eval_size
            ),
        }
    )


def _print_costs(chosen: Profile, machine: Machine, answers: bool) -> None:
    """Print what each profile would cost, with an arrow at the chosen one."""
    from helpers.start import costs  # needs the packages that `setup` installs

    # A load slows the measurement and the training alike, so the estimate holds while the load lasts
    if machine.device == "cpu" and is_busy():
        title = _(
            "What each profile costs (the time is an estimate, for the training in notebook 2; "
            "the machine is busy)"
        )
    else:
        title = _("What each profile costs (the time is an estimate, for the training in notebook 2)")
    print(f"\n{title}")
    for candidate in {**PROFILES, chosen.name: chosen}.values():
        mark = "→" if candidate.name == chosen.name else " "
        print(f"{mark} {padded(candidate.name, 9)} {costs.cost(candidate, machine, answers)}")


def _print_table(rows: dict[str, str]) -> None:
    """Print names and texts in two columns.

    We wrap long texts here, because a notebook would start the next line under the name.
    """
    for name, text in rows.items():
        lines = [part for line in text.splitlines() for part in wrapped(line, 76)]
        print(f"{padded(name, 9)} " + f"\n{'':10}".join(lines))


def _memory_advice(memory_gb: float) -> str:
    """Return a warning if other notebooks leave too little memory for this one, else "".

    When all kernels together reach Binder's limit, Binder kills one without a word.
    """
    if memory_gb < 2 * _NEEDED_GB and (held := other_kernels_gb()) > memory_gb - _NEEDED_GB:
        return _(
            "other notebooks hold {held:.1f} of {memory_gb:.1f} GB: "
            "shut them down first (in each of them: Kernel → Shut Down Kernel)"
        ).format(held=held, memory_gb=memory_gb)
    return ""


def _count_columns() -> None:
    """Let pandas align columns of Korean words. It counts letters, and a syllable takes two columns."""
    import pandas

    pandas.set_option("display.unicode.east_asian_width", True)


def _fit_threads(granted: int) -> None:
    """Let torch start no more threads than we have cores.

    In a container, torch would start a thread for each core of the host, and train slower.
    """
    import torch

    if torch.get_num_threads() > granted:
        torch.set_num_threads(granted)


def _choose(wanted: str | Profile, machine: Machine, answers: bool) -> tuple[Profile, str]:
    """Return the profile and the reason for it. `answers` tells whether the Hub answers."""
    if isinstance(wanted, Profile):
        return wanted, _("your own")
    if wanted.startswith("own/"):
        from helpers.data.own import own_profile  # needs the packages that `setup` installs

        return own_profile(wanted.removeprefix("own/")), _("your own data")
    # What is in the cache matters only to "auto" without the Hub
    cached = {
        name
        for name, profile in PROFILES.items()
        if wanted == "auto" and not answers and cache.is_cached(profile)
    }
    has_gpu = machine.device == "cuda"
    reason = hub.in_short(why_not())
    return choose_profile(
        wanted,
        has_gpu=has_gpu,
        hub_answers=answers,
        cached=cached,
        memory_gb=machine.memory_gb,
        why_not=reason,
    )


def _cost_is_unknown(machine: Machine) -> bool:
    """Return whether the Hub does not deliver what "auto" would take. If so, the libraries work offline."""
    from helpers.start import costs

    profile = choose_profile(
        "auto", has_gpu=machine.device == "cuda", hub_answers=True, memory_gb=machine.memory_gb
    )[0]
    problem = costs.what_is_missing(profile)
    if problem is not None:
        go_offline(problem)
    return problem is not None


def _short(name: str) -> str:
    """Return the name of a model or dataset for the table: a bundled one without its folders."""
    path = Path(name)
    if path.is_absolute() and path.parent.name == "offline":
        return _("{name} (bundled)").format(name=path.name)
    return name
