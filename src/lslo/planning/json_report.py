"""A plan as JSON, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lslo.planning.plan import Plan
from lslo.planning.planned_training import PlannedTraining


def as_json(plan: Plan) -> dict[str, Any]:
    """Returns the content of `plan.json`: times in seconds on one device, sizes in bytes."""
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
        "devices": [_on_devices(plan, number) for number in plan.device_numbers()],
        "stages": {stage: asdict(totals) for stage, totals in plan.stages.items()},
        "rules": plan.rules,
        "trainings": [_training(plan, training) for training in plan.trainings],
        "finished": {stage: asdict(values) for stage, values in plan.planned_and_actual().items()},
        "remaining_device_seconds": plan.remaining_seconds(),
        "scoring_memory_bytes": plan.scoring_memory,
        "estimates": [*plan.corpus_sources, *plan.rates.sources],
    }


def _on_devices(plan: Plan, number: int) -> dict[str, Any]:
    at_once = plan.trainings_at_once(number)
    return {
        "number": number,
        "wall_seconds": plan.wall_seconds(number),
        "trainings_at_once": at_once,
        "most_bytes": plan.peak_bytes(at_once),
    }


def _training(plan: Plan, training: PlannedTraining) -> dict[str, Any]:
    return {
        "name": training.name,
        "trained": training.trained,
        "bytes": training.bytes,
        "flops": training.flops,
        "seconds": training.seconds,
        "seeds": training.seeds,
        "state_bytes": plan.footprint.state_bytes(training),
        "memory_bytes": plan.footprint.memory_bytes(training),
    }
