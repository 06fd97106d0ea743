"""Medians, spreads and ratios of the rounds, and the JSON and Markdown files that tell of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

REFERENCE = "lslo"


@dataclass(frozen=True)
class Row:
    """One engine, or a variant of it, in a comparison.

    seconds: median over rounds; least, most: of the rounds. per_second: units of work a second, by the
    median. ratio: the median over rounds of this engine's seconds for a unit of work divided by lslo's in the
    same round; least_ratio, most_ratio: of the rounds. peak_memory_gib: the most in a round. agreement: what
    the check found.
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
    """A row from the seconds of each round.

    reference: lslo's seconds of the same rounds. work, reference_work: units done in a round. Raises
    ValueError where rounds are missing or a time is not positive.
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
    """Three significant digits, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def share_of_peak(operations: float, seconds: float, peak: float) -> str:
    """How far from the machine's best matrix products, in GFLOP/s, so many operations in this time are."""
    rate = operations / seconds / 1e9
    return f"{number(rate)} GFLOP/s in matrix products alone, {rate / peak:.0%} of the measured peak"


def comparison_table(comparison: Mapping) -> list[str]:
    """The lines of a comparison's Markdown section."""
    lines = [f"## {comparison['title']}", "", comparison["work"], ""]
    unit = comparison["unit"].replace("_", " ")
    if comparison["rows"]:
        lines += [
            f"| Engine | Seconds (range) | {unit} a second | Time relative to {REFERENCE} (range) | "
            "Memory (GiB) | Agreement |",
            "|---|---:|---:|---:|---:|---|",
        ]
    for row in comparison["rows"]:
        cells = [
            row["engine"],
            f"{number(row['seconds'])} ({number(row['least'])} to {number(row['most'])})",
            number(row["per_second"]),
            f"{row['ratio']:.2f} ({row['least_ratio']:.2f} to {row['most_ratio']:.2f})",
            f"{row['peak_memory_gib']:.2f}",
            row["agreement"],
        ]
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    lines.append("")
    for row in comparison["rows"]:
        lines += [f"- {row['engine']}: {note}." for note in row["notes"]]
    lines += [f"- Not measured: {reason}." for reason in comparison["missing"]]
    lines += [f"- **Failed**: {reason}." for reason in comparison["errors"]]
    lines += ["", f"Not covered: {comparison['not_covered']}", ""]
    return lines


def flattened(values: Mapping, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of every value, those of a mapping in it as `outer inner`."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", number(value) if isinstance(value, float) else str(value)


def markdown(report: Mapping) -> str:
    """The whole report as a page."""
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
        lines += ["| What | Value |", "|---|---:|"]
        lines += [f"| {name} | {cell} |" for name, cell in flattened(report["workflow"])]
    return "\n".join(lines).rstrip() + "\n"


def write(report: Mapping, folder: Path) -> None:
    """Write `bench.json` and `bench.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(
        json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    (folder / "bench.md").write_text(markdown(report), encoding="utf-8")


def as_dictionaries(rows: Sequence[Row]) -> list[dict]:
    """For JSON."""
    return [asdict(row) for row in rows]
