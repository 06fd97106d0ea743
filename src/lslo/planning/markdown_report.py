"""A plan as Markdown, for a person who reads it in a terminal or a file."""

from __future__ import annotations

from collections.abc import Iterator

from lslo.planning.aligned_table import aligned_table
from lslo.planning.devices import machine_cores
from lslo.planning.plan import Plan
from lslo.planning.planned_and_actual import PlannedAndActual
from lslo.planning.units import count, duration, hours, millions, size

# Bytes of main memory from which on the scores of a setting are mentioned: half of what rules/evaluate.smk
# gives them.
MUCH_MEMORY = 5e8


def as_markdown(plan: Plan, runtime_minutes: float) -> str:
    """Returns the content of `plan.md`.

    Args:
        plan: The plan.
        runtime_minutes: The time that the rules of trainings request, in minutes.
    """
    lines = [
        *_head(plan),
        *_stages(plan),
        *_allocation(plan, runtime_minutes),
        *_trainings(plan),
        *_disk(plan),
        *_jobs(plan),
        *_planned_and_actual(plan),
        *_assumptions(plan),
    ]
    return "\n".join(lines) + "\n"


def _head(plan: Plan) -> Iterator[str]:
    experiment = plan.experiment
    yield f"# Plan of {experiment.config.experiment}"
    yield ""
    yield (
        f"{len(experiment.languages)} languages in {len(experiment.directions):,} directions; dev has "
        f"{plan.rows[0]:,} sentences per language, devtest {plan.rows[1]:,}. The base model has "
        f"{millions(plan.sizes.parameters)} parameters ({plan.sizes_source}). Times are for one "
        f"{plan.rates.title}{'' if plan.rates.on_core else ', or for one CPU core if a job needs no GPU'}."
    )
    yield ""


def _stages(plan: Plan) -> Iterator[str]:
    stages = plan.stages
    whole = sum(totals.seconds for totals in stages.values())
    rows = [
        [
            stage,
            f"{totals.jobs:,}",
            count(totals.pairs),
            count(totals.target_tokens),
            f"{totals.flops:.1e}" if totals.flops else "-",
            # The time of downloads depends on the network, and is not estimated.
            "-" if stage == "downloads" else duration(totals.seconds),
            f"{totals.seconds / whole:.0%}",
            size(totals.bytes),
        ]
        for stage, totals in stages.items()
    ]
    rows.append(
        [
            "**total**",
            f"{sum(totals.jobs for totals in stages.values()):,}",
            count(sum(totals.pairs for totals in stages.values())),
            count(sum(totals.target_tokens for totals in stages.values())),
            f"{sum(totals.flops for totals in stages.values()):.1e}",
            duration(whole),
            "",
            size(sum(totals.bytes for totals in stages.values())),
        ]
    )
    head = ["stage", "jobs", "sentence pairs", "target tokens trained on", "FLOPs", "time", "share", "disk"]
    yield from aligned_table(head, rows)
    largest = max(stages, key=lambda stage: stages[stage].seconds)
    yield (
        f"The largest share of the time goes to {largest}. A translated sentence counts as one sentence pair."
    )
    yield ""
    if plan.other_seconds:
        yield (
            f"The whole run takes {duration(plan.device_seconds)} on one {plan.rates.title}, and "
            f"{duration(plan.other_seconds)} on one CPU core for the jobs that need no GPU (scores, tables, "
            "figures, report)."
        )
        yield ""
    if plan.trainings:
        yield (
            f"If one training runs at a time, the disk holds at most **{size(plan.peak_bytes(1))}** at any "
            f"time: {size(plan.kept_bytes)} that stay, and {size(plan.footprint.largest_state_bytes(1))} of "
            "the largest training's saved states, which are deleted when it ends. More trainings at once "
            "need more disk space; see the next table."
        )
        yield ""


def _allocation(plan: Plan, runtime_minutes: float) -> Iterator[str]:
    yield "## Does it fit your allocation?"
    yield ""
    device = "core" if plan.rates.on_core else "GPU"
    counted = "counting every job" if plan.rates.on_core else "not counting the jobs that need no GPU"
    yield (
        f"**{hours(plan.device_seconds)} {device} hours** in total, {counted}. On several {device}s, if "
        "no job waits in a queue, the run takes at least:"
    )
    yield ""
    here = machine_cores() if plan.rates.on_core else None
    yield from aligned_table(
        [f"{device}s", "wall time", "trainings at once", "peak disk space"],
        [
            [
                f"{number} (this machine)" if number == here else str(number),
                duration(plan.wall_seconds(number)),
                str(plan.trainings_at_once(number)),
                size(plan.peak_bytes(plan.trainings_at_once(number))),
            ]
            for number in plan.device_numbers()
        ],
    )
    if plan.trainings:
        yield from _limits(plan, runtime_minutes)


def _limits(plan: Plan, runtime_minutes: float) -> Iterator[str]:
    """Yields whether the trainings and scores stay within the limits of time and memory."""
    name, seconds = plan.longest_training
    limit = 60 * runtime_minutes
    fits = "within" if seconds < limit else "MORE than"
    yield (
        f"The longest training, {name}, takes {duration(seconds)}: {fits} the {duration(limit)} that its "
        "rule requests. A profile can request another time. A training that is cut off resumes from its "
        "last saved state."
    )
    yield ""
    if plan.scoring_memory > MUCH_MEMORY:
        yield (
            "Scoring a setting holds all of its translations in main memory, about "
            f"{size(plan.scoring_memory)}: give the rule `score` as much in a profile (`set-resources`)."
        )
        yield ""
    verdict = plan.footprint.memory_verdict()
    if verdict:
        yield verdict
        yield ""


def _trainings(plan: Plan) -> Iterator[str]:
    if not plan.trainings:
        return
    yield "## Trainings"
    yield ""
    rows = [
        [
            training.name,
            millions(training.trained),
            f"{training.flops:.1e}",
            duration(training.seconds),
            size(plan.footprint.memory_bytes(training)),
            size(training.bytes),
            size(plan.footprint.state_bytes(training)),
        ]
        for training in plan.trainings
    ]
    memory = f"{'main' if plan.rates.on_core else 'GPU'} memory, about"
    head = ["training", "trained parameters", "FLOPs", "time", memory, "adapter or model", "saved states"]
    yield from aligned_table(head, rows)
    yield (
        "Each row is for one seed. Saved states are on the disk only while the training runs: two states, "
        "and a third while it is being written."
    )
    yield ""


def _disk(plan: Plan) -> Iterator[str]:
    yield "## Disk space"
    yield ""
    groups = {
        "downloads, extracted and converted (`data/`, shared by all experiments)": plan.jobs_of("downloads"),
        "corpus": plan.jobs_of("corpus"),
        "adapters and models, also after each epoch for Figure 3's settings": plan.jobs_of("fine-tuning"),
        "translations": [*plan.jobs_of("translation"), *plan.jobs_of("Figure 3's translation")],
        "scores and their statistics": plan.jobs_of("scores"),
    }
    rows = [[name, size(sum(job.bytes for job in jobs))] for name, jobs in groups.items() if jobs]
    rows.append(["**total that stays**", size(plan.kept_bytes)])
    if plan.trainings:
        rows += [
            [
                "saved states of the largest training, while it runs",
                size(plan.footprint.largest_state_bytes(1)),
            ],
            ["**peak, if one training runs at a time**", size(plan.peak_bytes(1))],
        ]
    yield from aligned_table(["what", "size"], rows)


def _jobs(plan: Plan) -> Iterator[str]:
    yield "## Jobs"
    yield ""
    rows = [[rule, f"{number:,}"] for rule, number in plan.rules.items()]
    rows.append(["**total**", f"{len(plan.jobs):,}"])
    yield from aligned_table(["rule", "jobs"], rows)


def _planned_and_actual(plan: Plan) -> Iterator[str]:
    stages = plan.planned_and_actual()
    if not stages:
        return
    yield "## Planned and actual"
    yield ""
    yield (
        "The planned and the actual costs of the finished jobs. The actual ones are read from benchmarks, "
        "metrics and files; memory is main memory. A ratio is actual divided by planned."
    )
    yield ""
    head = ["stage", "finished jobs"]
    for what in ("tokens", "time", "disk"):
        head += [f"{what} planned", "actual", "ratio"]
    head.append("most memory")
    yield from aligned_table(head, [_compared(stage, values) for stage, values in stages.items()])
    left = plan.remaining_seconds()
    if left:
        yield f"At this pace, the remaining jobs take {duration(left)} on one {plan.rates.title}."
        yield ""


def _compared(stage: str, values: PlannedAndActual) -> list[str]:
    planned = values.planned
    cells = [stage, f"{values.jobs_done:,} of {values.jobs:,}"]
    for before, after, shown in (
        (planned.target_tokens, values.target_tokens, count),
        (planned.seconds, values.seconds, duration),
        (planned.bytes, values.bytes, size),
    ):
        cells += [shown(before), shown(after), f"{after / before:.2f}" if before and after else "-"]
    return [*cells, size(values.memory) if values.memory else "-"]


def _assumptions(plan: Plan) -> Iterator[str]:
    yield "## What these numbers are based on"
    yield ""
    for line in (*plan.corpus_sources, *plan.rates.sources):
        yield f"- {line}."
    yield (
        "- FLOPs are calculated from the lengths of the sentences and the sizes of the model. Padding is not "
        "counted, and LSLo is counted at the mean rank of the languages."
    )
    yield (
        "- Translations are assumed to be as long as the references. The search in fact goes on a little "
        "longer."
    )
    yield "- The memory of a batch's activations is a rough estimate. A batch that does not fit is halved."
    yield (
        "- The time that a job needs to start, and the speed of scoring, were measured with the demo on one "
        "core. The time of downloads depends on the network and is not estimated."
    )
    if any(job.rule == "convert_base_model" for job in plan.jobs):
        yield (
            "- If config/sources.tsv has no size for the model's archive, it is estimated at 10 bytes per "
            "parameter: weights in float16, and the optimizer's moments in float32."
        )
