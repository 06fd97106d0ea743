"""Targets of a command line that cannot be made, refused when the workflow starts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from lslo.experiment.config_checks import pretraining_problems
from lslo.experiment.config_errors import ConfigError, joined
from lslo.experiment.experiment import Experiment
from lslo.experiment.setting_notation import Setting, SettingError

# The results of the base model as it is, which is not trained.
PRETRAIN_RESULTS = ("hypotheses", "scores.csv", "statistics.npz", "records")


def check_targets(experiment: Experiment, arguments: Iterable[str]) -> None:
    """Refuses what is asked for on the command line and cannot be made.

    That is folders that are no setting or do not fit the languages, results that a setting does not have, and
    a base model without its section of the configuration. What an input function refuses later, Snakemake
    shows with a traceback.

    Args:
        experiment: The experiment.
        arguments: The arguments of the command line, targets among them.

    Raises:
        ConfigError: A target cannot be made; the message, one line, names it.
    """
    for target in map(os.path.normpath, arguments):
        folder, _, path = target.partition("settings/")
        if path and folder == f"{experiment.paths.results}/":
            fault = _setting_fault(experiment, path)
        elif target == "base_model":
            fault = joined(list(pretraining_problems(experiment)))
        else:
            fault = ""
        if fault:
            raise ConfigError(f"{target}: {fault}")


def _setting_fault(experiment: Experiment, path: str) -> str:
    """Returns why a path below `settings/` cannot be made; nothing where it can."""
    slug, _, file, *_ = [*Path(path).parts, "", ""]
    try:
        setting = Setting.from_slug(slug)
        experiment.check_setting(setting)
    except SettingError as error:
        return str(error)
    if setting.kind == "pretrain" and file not in PRETRAIN_RESULTS:
        return "Pretrain is the base model, which is not trained; it has no such file"
    if file.startswith("epoch") and str(setting) not in experiment.followed_settings:
        return f"add {setting} to `figure3` in the configuration first"
    return ""
