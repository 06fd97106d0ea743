"""A plan as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from lslo.planning.devices import machine_cores
from lslo.planning.plan import Plan
from lslo.planning.planned_and_actual import compared_stages
from lslo.planning.units import count, duration, hours, millions, size, table

# Numbers of devices for which the days are told, beside what a training takes and this machine has.
GPUS = (1, 4, 8)
CORES = (1, 2, 4, 8)
# Bytes: half of what rules/evaluate.smk gives the scores of a setting.
MUCH_MEMORY = 5e8


def markdown(plan: Plan, runtime_minutes: float) -> str:
    """What a person reads. runtime_minutes: that the rules ask for a training."""
    return (
        "\n".join(
            [
                *_head(plan),
                *_stages(plan),
                *_allocation(plan, runtime_minutes),
                *_trainings(plan),
                *_disk(plan),
                *_jobs(plan),
                *compared_stages(plan),
                *_estimates(plan),
            ]
        )
        + "\n"
    )


def as_json(plan: Plan) -> dict[str, Any]:
    """The same as numbers: seconds of one device, bytes, floating-point operations."""
    name, seconds = plan.longest_training
    return {
        "experiment": plan.experiment.config.experiment,
        "languages": len(plan.experiment.languages),
        "directions": len(plan.experiment.directions),
        "rows": {"dev": plan.rows[0], "devtest": plan.rows[1]},
        "base_model": {
            **asdict(plan.sizes),
            "parameters": plan.sizes.parameters,
            "source": plan.sizes_source,
        },
        "device": plan.rates.name,
        "device_seconds": plan.device_seconds,
        "seconds_of_jobs_without_gpu": plan.other_seconds,
        "longest_training": {"name": name, "seconds": seconds},
        "longest_chain_seconds": plan.longest_chain,
        "devices": [
            {
                "number": number,
                "wall_seconds": plan.wall_seconds(number),
                "trainings_at_once": plan.trainings_at_once(number),
                "most_bytes": plan.most_bytes(plan.trainings_at_once(number)),
            }
            for number in device_numbers(plan)
        ],
        "stages": {name: asdict(totals) for name, totals in plan.stages.items()},
        "rules": plan.rules,
        "trainings": [
            {
                **asdict(training),
                "state_bytes": plan.space.states(training),
                "memory_bytes": plan.space.memory(training),
            }
            for training in plan.trainings
        ],
        "finished": {name: asdict(comparison) for name, comparison in plan.comparison().items()},
        "remaining_device_seconds": plan.remaining_seconds(),
        "scoring_memory_bytes": plan.scoring_memory,
        "estimates": [*plan.corpus_sources, *plan.rates.sources],
    }


def device_numbers(plan: Plan) -> list[int]:
    """For which times and disk are told: no fewer than a training takes, of cores also this machine's."""
    least = max(1, plan.experiment.config.gpus)
    usual = {*CORES, machine_cores()} if plan.rates.on_core else GPUS
    return sorted({least, *(number for number in usual if number > least)})


def _head(plan: Plan) -> Iterator[str]:
    experiment = plan.experiment
    yield f"# Plan of {experiment.config.experiment}"
    yield ""
    yield (
        f"{len(experiment.languages)} languages, {len(experiment.directions):,} directions; dev of "
        f"{plan.rows[0]:,} rows, devtest of {plan.rows[1]:,}; a base model of "
        f"{millions(plan.sizes.parameters)} parameters ({plan.sizes_source}). Times are those of one "
        f"{plan.rates.title}."
    )
    yield ""


def _stages(plan: Plan) -> Iterator[str]:
    stages = plan.stages
    whole = sum(totals.seconds for totals in stages.values())
    rows = [
        [
            name,
            f"{totals.jobs:,}",
            count(totals.pairs),
            count(totals.target_tokens),
            f"{totals.flops:.1e}" if totals.flops else "-",
            # What a network decides is not reckoned with.
            "-" if name == "downloads" else duration(totals.seconds),
            f"{totals.seconds / whole:.0%}",
            size(totals.bytes),
        ]
        for name, totals in stages.items()
    ]
    rows.append(
        [
            "**in all**",
            f"{sum(totals.jobs for totals in stages.values()):,}",
            *[
                count(sum(getattr(totals, key) for totals in stages.values()))
                for key in ("pairs", "target_tokens")
            ],
            f"{sum(totals.flops for totals in stages.values()):.1e}",
            duration(whole),
            "",
            size(sum(totals.bytes for totals in stages.values())),
        ]
    )
    head = ["stage", "jobs", "sentence pairs", "target tokens trained on", "FLOPs", "time", "share", "disk"]
    yield from table(head, rows)
    largest = max(stages, key=lambda name: stages[name].seconds)
    if plan.other_seconds:
        yield (
            f"The time in all is {duration(plan.device_seconds)} of one {plan.rates.title}, and "
            f"{duration(plan.other_seconds)} of one core for the jobs that need no GPU (scores, tables, "
            "figures, report)."
        )
        yield ""
    yield f"{largest.capitalize()} takes most of the time. A translated sentence counts as a pair."
    yield ""
    if plan.trainings:
        yield (
            f"On the disk there are at most **{size(plan.most_bytes(1))}** at one time if one training runs "
            f"at a time: {size(plan.bytes_that_stay)} that stay, and {size(plan.space.most_states(1))} of "
            "the largest training's states, which go when it ends. More at once need more, see below."
        )
        yield ""


def _allocation(plan: Plan, runtime_minutes: float) -> Iterator[str]:
    yield "## Does it fit an allocation?"
    yield ""
    what = "core" if plan.rates.on_core else "GPU"
    counted = "every job counted" if plan.rates.on_core else "without the jobs that need no GPU"
    yield (
        f"**{hours(plan.device_seconds)} {what} hours** in all, {counted}. On several {what}s, where no job "
        "waits in a queue, at least:"
    )
    yield ""
    here = machine_cores() if plan.rates.on_core else None
    yield from table(
        [f"{what}s", "wall time", "trainings at once", "disk, at most"],
        [
            [
                f"{number} (this machine)" if number == here else str(number),
                duration(plan.wall_seconds(number)),
                str(plan.trainings_at_once(number)),
                size(plan.most_bytes(plan.trainings_at_once(number))),
            ]
            for number in device_numbers(plan)
        ],
    )
    if plan.trainings:
        name, seconds = plan.longest_training
        limit = 60 * runtime_minutes
        fits = "within" if seconds < limit else "MORE than"
        yield (
            f"The longest training, {name}, takes {duration(seconds)}: {fits} the {duration(limit)} that its "
            "rule asks for. A profile may ask for another time; a training that is cut off goes on from its "
            "last state."
        )
        yield ""
        if plan.scoring_memory > MUCH_MEMORY:
            yield (
                "The scores of a setting hold all its translations in main memory, about "
                f"{size(plan.scoring_memory)}: give the rule `score` as much in a profile "
                "(`set-resources`)."
            )
            yield ""
        memory = plan.space.memory_fits()
        if memory:
            yield memory
            yield ""


def _trainings(plan: Plan) -> Iterator[str]:
    if not plan.trainings:
        return
    yield "## Trainings (of one seed)"
    yield ""
    rows = [
        [
            training.name,
            millions(training.trained),
            f"{training.flops:.1e}",
            duration(training.seconds),
            size(plan.space.memory(training)),
            size(training.bytes),
            size(plan.space.states(training)),
        ]
        for training in plan.trainings
    ]
    memory = f"{'main' if plan.rates.on_core else 'GPU'} memory, about"
    head = ["training", "trained parameters", "FLOPs", "time", memory, "adapter or model", "states"]
    yield from table(head, rows)
    yield "States are there only while it trains: two saved ones, and a third while it is written."
    yield ""


def _disk(plan: Plan) -> Iterator[str]:
    yield "## Disk"
    yield ""
    groups = {
        "downloads, extracted and converted (`data/`, shared by experiments)": plan.stage("downloads"),
        "corpus": plan.stage("corpus"),
        "adapters, models, and those after each epoch of Figure 3's settings": plan.stage("fine-tuning"),
        "translations": [*plan.stage("translation"), *plan.stage("Figure 3's translation")],
        "scores and their statistics": plan.stage("scores"),
    }
    rows = [[name, size(sum(job.bytes for job in jobs))] for name, jobs in groups.items() if jobs]
    rows.append(["**in all that stays**", size(plan.bytes_that_stay)])
    if plan.trainings:
        rows += [
            ["states of one training, the largest, while it runs", size(plan.space.most_states(1))],
            ["**at most at one time, one training at a time**", size(plan.most_bytes(1))],
        ]
    yield from table(["what", "size"], rows)


def _jobs(plan: Plan) -> Iterator[str]:
    yield "## Jobs"
    yield ""
    rows = [[rule, f"{number:,}"] for rule, number in plan.rules.items()]
    rows.append(["**in all**", f"{len(plan.jobs):,}"])
    yield from table(["rule", "jobs"], rows)


def _estimates(plan: Plan) -> Iterator[str]:
    yield "## What this is reckoned from"
    yield ""
    for line in (*plan.corpus_sources, *plan.rates.sources):
        yield f"- {line}."
    yield (
        "- FLOPs follow from the sentences' lengths and the model's sizes; padding is left out, and LSLo "
        "counted with the mean rank of the languages."
    )
    yield "- Translations are taken to be as long as the references; the search goes on a little longer."
    yield "- Memory of a batch's activations is a rough estimate; a batch that does not fit is halved."
    yield "- The start of a job, and scoring, were measured on one core with the demo; downloads get no time."
    if any(job.rule == "convert_base_model" for job in plan.jobs):
        yield (
            "- The model's archive, where config/sources.tsv has no size: 10 bytes a parameter, weights in "
            "float16 and the optimizer's moments in float32."
        )
