"""Planned and actual costs of finished jobs, and the time of the other jobs at that pace."""

import json

import pytest

from lslo.planning.markdown_report import as_markdown


def test_finished_jobs_stand_beside_their_plan(lang12, write_benchmark):
    job = next(job for job in lang12.jobs if job.rule == "learn_weights")
    write_benchmark(job.benchmark, str(2 * job.seconds))
    job.metrics.parent.mkdir(parents=True)
    lines = [json.dumps({"target_tokens": tokens}) for tokens in (30, 12)]
    job.metrics.write_text("\n".join(lines) + "\n")
    stages = lang12.planned_and_actual()
    assert list(stages) == ["weight learning"]
    done = stages["weight learning"]
    assert (done.jobs, done.jobs_done, done.target_tokens) == (1, 1, 42)
    assert done.memory == 100 * 2**20
    # What is left goes at the same pace: half of the planned.
    assert lang12.remaining_seconds() == pytest.approx(2 * (lang12.device_seconds - job.seconds))
    text = as_markdown(lang12, 1440)
    assert "Planned and actual" in text
    assert "2.00" in text


def test_small_jobs_on_a_core_tell_no_pace_of_trainings(demo, write_benchmark):
    small = next(job for job in demo.jobs if job.rule == "make_corpus")
    write_benchmark(small.benchmark, str(100 * small.seconds))
    # Nothing is planned for gathering translations.
    write_benchmark(next(job for job in demo.jobs if job.rule == "gather_translations").benchmark, "3")
    assert demo.remaining_seconds() is None
    training = next(job for job in demo.jobs if job.rule == "learn_weights")
    write_benchmark(training.benchmark, str(2 * training.seconds))
    left = [job for job in demo.jobs if job not in (small, training)]
    expected = sum(job.seconds * (2 if job.on_device else 1) for job in left)
    assert demo.remaining_seconds() == pytest.approx(expected)
