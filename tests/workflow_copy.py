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

    Attributes:
        source: The folder of the copy.
        folder: The folder that the workflow runs in.
        options: The options that every command line begins with.
        environment: Environment variables of a run, besides those of the test's own process.
    """

    source: Path
    folder: Path
    options: Sequence[str] = ("--cores", "2")
    environment: Mapping[str, str] = field(default_factory=dict)

    def config(self) -> dict:
        """Returns the configuration of tests/data/tiny.yaml, with its base model as an absolute path."""
        config = yaml.safe_load((REPOSITORY / "tests/data/tiny.yaml").read_text())
        config["base_model"] = str(REPOSITORY / config["base_model"])
        return config

    def command(self, config: dict, arguments: Sequence[str]) -> list[str]:
        """Writes the configuration to the folder and returns the command line of a run with it."""
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
        """Runs Snakemake to its end.

        Args:
            config: The configuration; that of tests/data/tiny.yaml where it is None.
            *arguments: Arguments of the command line, besides `options`.
            timeout: The seconds after which the run fails the test.

        Returns:
            The finished process, whose `stdout` holds standard output and standard error.
        """
        return subprocess.run(
            self.command(config or self.config(), arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.variables,
            timeout=timeout,
        )

    def planned(self, *arguments: str) -> dict[str, int]:
        """Returns the number of jobs of each rule that a run would do; empty where nothing is to be done."""
        result = self.run(None, *arguments, "--dry-run", "--quiet", "rules")
        assert result.returncode == 0, result.stdout
        rows = (line.split() for line in result.stdout.splitlines())
        return {
            row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit() and row[0] != "total"
        }


def copy_workflow(folder: Path) -> Path:
    """Copies the files and folders that the workflow consists of into a new folder, and returns it."""
    folder.mkdir()
    for name in ("Snakefile", "rules", "workflow", "src", "config", "profiles", "envs", "resources/paper"):
        path = REPOSITORY / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy2(path, folder / name)
    return folder
