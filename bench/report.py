"""Medians, ranges and ratios over the rounds, and the JSON and Markdown files that report them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tabulate import tabulate

REFERENCE = "lslo"


@dataclass(frozen=True)
class Row:
    """One row of a comparison's table: an engine or a variant of an engine.

    Attributes:
        engine: The engine's title.
        rounds: The number of rounds.
        seconds: The median over the rounds.
        least: Seconds of the fastest round.
        most: Seconds of the slowest round.
        per_second: Units of work done in a second, by the median.
        ratio: The median over the rounds of this engine's seconds for a unit of work divided by lslo's in the
            same round.
        least_ratio: The smallest of the rounds' ratios.
        most_ratio: The largest of the rounds' ratios.
        peak_memory_gib: The most memory that a round took.
        agreement: The agreement of the engine's results with the reference, in words.
        notes: Remarks printed below the table.
    """

    engine: str
    rounds: int
    seconds: float
    least: float
    most: float
    per_second: float
    ratio: float
    least_ratio: float
    most_ratio: float
    peak_memory_gib: float
    agreement: str
    notes: tuple[str, ...] = ()


def make_row(
    engine: str,
    seconds: Sequence[float],
    reference: Sequence[float],
    *,
    work: float,
    reference_work: float,
    peak_memory_bytes: Sequence[int],
    agreement: str,
    notes: Sequence[str] = (),
) -> Row:
    """Computes a row from the seconds of each round.

    Args:
        engine: The engine's title.
        seconds: The engine's seconds in each round.
        reference: lslo's seconds in the same rounds.
        work: Units of work that the engine does in a round.
        reference_work: Units of work that lslo does in a round.
        peak_memory_bytes: The engine's peak memory in each round.
        agreement: The agreement of the engine's results with the reference, in words.
        notes: Remarks; repeated ones are kept once.

    Raises:
        ValueError: Rounds are missing, or a time or an amount of work is not positive.
    """
    if not seconds or len(seconds) != len(reference) or min(*seconds, *reference, work, reference_work) <= 0:
        raise ValueError(f"{engine}: rounds {list(seconds)} and {list(reference)} cannot be compared")
    ratios = [(own / work) / (other / reference_work) for own, other in zip(seconds, reference, strict=True)]
    return Row(
        engine,
        len(seconds),
        median(seconds),
        min(seconds),
        max(seconds),
        work / median(seconds),
        median(ratios),
        min(ratios),
        max(ratios),
        max(peak_memory_bytes) / 2**30,
        agreement,
        tuple(dict.fromkeys(notes)),
    )


def number(value: float) -> str:
    """Formats a number with three significant digits, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def share_of_peak(operations: float, seconds: float, peak: float) -> str:
    """Says which share of the machine's measured peak an engine reached.

    Args:
        operations: Floating-point operations of the engine's matrix products.
        seconds: The time they took, with everything else that the engine did.
        peak: The machine's best matrix products, in GFLOP/s.
    """
    rate = operations / seconds / 1e9
    return f"{number(rate)} GFLOP/s in matrix products alone, {rate / peak:.0%} of the measured peak"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], alignment: Sequence[str]) -> str:
    """Formats a Markdown table; a vertical bar within a cell, which would end the cell, becomes a slash.

    Args:
        headers: The columns' titles.
        rows: The cells of each row.
        alignment: `left` or `right` for each column.
    """
    cells = [[cell.replace("|", "/") for cell in row] for row in rows]
    return tabulate(cells, headers, tablefmt="pipe", colalign=alignment, disable_numparse=True)


def comparison_table(comparison: Mapping) -> list[str]:
    """Returns the lines of a comparison's Markdown section."""
    lines = [f"## {comparison['title']}", "", comparison["work"], ""]
    headers = [
        "Engine",
        "Seconds (range)",
        f"{comparison['unit'].replace('_', ' ')} per second",
        f"Time relative to {REFERENCE} (range)",
        "Memory (GiB)",
        "Agreement",
    ]
    rows = [
        [
            row["engine"],
            f"{number(row['seconds'])} ({number(row['least'])} to {number(row['most'])})",
            number(row["per_second"]),
            f"{row['ratio']:.2f} ({row['least_ratio']:.2f} to {row['most_ratio']:.2f})",
            f"{row['peak_memory_gib']:.2f}",
            row["agreement"],
        ]
        for row in comparison["rows"]
    ]
    if rows:
        lines.append(table(headers, rows, ["left", *["right"] * 4, "left"]))
    lines.append("")
    for row in comparison["rows"]:
        lines += [f"- {row['engine']}: {note}." for note in row["notes"]]
    lines += [f"- Not measured: {reason}." for reason in comparison["missing"]]
    lines += [f"- **Failed**: {reason}." for reason in comparison["errors"]]
    lines += ["", f"Not covered: {comparison['not_covered']}", ""]
    return lines


def flattened(values: Mapping, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields (name, text) of every value; values of a mapping within the mapping are named `outer inner`."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", number(value) if isinstance(value, float) else str(value)


def markdown(report: Mapping) -> str:
    """Returns the whole report as a Markdown page."""
    machine = report["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    lines = [
        "# Speed beside peers",
        "",
        f"{machine.get('gpu', machine['processor'])}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB of memory, {machine['threads']} thread(s) for every engine; measured "
        f"at most {machine['matrix_peak_gflop_per_second']} GFLOP/s in float32 matrix products and "
        f"{machine['memory_bandwidth_gb_per_second']} GB/s of memory traffic. {packages}.",
        "",
        f"Medians of {report['rounds']} round(s), each engine in a process of its own, one after the other, "
        "in alternating order. A ratio is the median of the rounds' ratios; above 1 the engine takes longer "
        f"than {REFERENCE}. Loading the base model is not counted unless a row says so.",
        "",
    ]
    for comparison in report["comparisons"]:
        lines += comparison_table(comparison)
    lines += ["## Workflow overhead", ""]
    if report["workflow"] is None:
        lines.append("Not measured.")
    else:
        lines.append(table(["What", "Value"], list(flattened(report["workflow"])), ["left", "right"]))
    return "\n".join(lines).rstrip() + "\n"


def write(report: Mapping, folder: Path) -> None:
    """Writes the report into a folder, as `bench.json` and `bench.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(
        json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    (folder / "bench.md").write_text(markdown(report), encoding="utf-8")


def as_dictionaries(rows: Sequence[Row]) -> list[dict]:
    """Returns rows as dictionaries, for JSON."""
    return [asdict(row) for row in rows]
