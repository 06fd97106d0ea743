"""A copy of the workflow that tests may edit, and a way to run Snakemake on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[1]


@dataclass
class Workflow:
    """A copy of the workflow and a folder that it runs in.

    options: of every command line. environment: variables that a run has besides.
    """

    source: Path
    folder: Path
    options: Sequence[str] = ("--cores", "2")
    environment: Mapping[str, str] = field(default_factory=dict)

    def config(self) -> dict:
        """The configuration of tests/data/tiny.yaml, with its base model as an absolute path."""
        config = yaml.safe_load((REPOSITORY / "tests/data/tiny.yaml").read_text())
        config["base_model"] = str(REPOSITORY / config["base_model"])
        return config

    def command(self, config: dict, arguments: Sequence[str]) -> list[str]:
        """The command line of a run with the configuration."""
        file = self.folder / "config.yaml"
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        return [
            *[sys.executable, "-m", "snakemake", "--snakefile", str(self.source / "Snakefile")],
            *["--directory", str(self.folder), "--configfile", str(file), *self.options, *arguments],
        ]

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a run."""
        return {**os.environ, "OMP_NUM_THREADS": "1", **self.environment}

    def run(
        self, config: dict | None = None, *arguments: str, timeout: float = 300
    ) -> subprocess.CompletedProcess:
        """Run Snakemake to its end, within so many seconds; output holds both of its streams."""
        return subprocess.run(
            self.command(config or self.config(), arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.variables,
            timeout=timeout,
        )

    def planned(self, *arguments: str) -> dict[str, int]:
        """Jobs that a run would do, rule -> number; empty where nothing is to be done."""
        result = self.run(None, *arguments, "--dry-run", "--quiet", "rules")
        assert result.returncode == 0, result.stdout
        rows = (line.split() for line in result.stdout.splitlines())
        return {
            row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit() and row[0] != "total"
        }


def copy_workflow(folder: Path) -> Path:
    """Copy what the workflow consists of."""
    folder.mkdir()
    for name in ("Snakefile", "rules", "workflow", "src", "config", "profiles", "envs", "resources/paper"):
        path = REPOSITORY / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy2(path, folder / name)
    return folder
