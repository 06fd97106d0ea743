"""A comparison: engines that do the same work, and a check of each engine's results."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agreement import LSLO
from results import EngineResult
from sizes import Size
from work import Work

Check = Callable[[Work, EngineResult, EngineResult], str]


@dataclass(frozen=True)
class Engine:
    """An engine of a comparison.

    Attributes:
        name: A short name, unique within the comparison.
        title: The engine's title in the report.
        function: The function that runs the engine, as `module:function`; it runs in a process of its own.
        check: A function that is given the work, the result of the engine `against` and this engine's result.
            It returns in words how the two agree, or raises DisagreementError.
        against: The name of the engine that this one's result is checked against.
        requires: Packages that must be installed.
        cpu_only: Whether the engine is left out where a GPU computes.
    """

    name: str
    title: str
    function: str
    check: Check | None = None
    against: str = LSLO
    requires: tuple[str, ...] = ()
    cpu_only: bool = False

    def lacks(self) -> list[str]:
        """Returns the required packages that are not installed."""
        return [package for package in self.requires if importlib.util.find_spec(package) is None]


@dataclass(frozen=True)
class Comparison:
    """Engines that do the same work.

    Attributes:
        kind: The kind of comparison, as `--only` names it.
        title: The heading in the report.
        size: The size of the work.
        prepare: A function that writes the work to a folder.
        engines: The engines, lslo's first.
        unit: The key of `EngineResult.work` that throughput is given in.
        work: A description of the work, for the report.
        not_covered: A text for the report on what the comparison does not measure.
    """

    kind: str
    title: str
    size: Size
    prepare: Callable[[Path], Work]
    engines: tuple[Engine, ...]
    unit: str
    work: str
    not_covered: str

    @property
    def folder(self) -> str:
        """The name of the folder for the comparison's work."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.title)
