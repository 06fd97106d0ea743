"""What a plan said of the jobs that are done beside what they took, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from lslo.planning.plan import Comparison, Plan
from lslo.planning.units import count, duration, size, table


def compared_stages(plan: Plan) -> Iterator[str]:
    """Lines of Markdown, none where nothing is done."""
    found = plan.comparison()
    if not found:
        return
    yield "## Planned and actual"
    yield ""
    yield "Of the jobs that are done, by what they left; a ratio is actual to planned."
    yield ""
    head = [
        "stage",
        "jobs done",
        "tokens planned",
        "tokens",
        "ratio",
        "time planned",
        "time",
        "ratio",
        "disk planned",
        "disk",
        "ratio",
        "most memory",
    ]
    yield from table(head, [_compared(name, comparison) for name, comparison in found.items()])
    left = plan.remaining_seconds()
    if left:
        yield f"What is left takes {duration(left)} of one {plan.rates.title} at the pace so far."
        yield ""


def _compared(name: str, comparison: Comparison) -> list[str]:
    planned = comparison.planned
    cells = [name, f"{comparison.jobs_done:,} of {comparison.jobs:,}"]
    for before, after, shown in (
        (planned.target_tokens, comparison.target_tokens, count),
        (planned.seconds, comparison.seconds, duration),
        (planned.bytes, comparison.bytes, size),
    ):
        cells += [shown(before), shown(after), f"{after / before:.2f}" if before and after else "-"]
    return [*cells, size(comparison.memory) if comparison.memory else "-"]
