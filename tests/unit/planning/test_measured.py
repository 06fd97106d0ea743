"""Measurements of finished jobs, read from their benchmarks and metrics."""

import pytest

from lslo.planning.measured import measured_job


@pytest.mark.parametrize("content", ["", "s\n", "s\tmax_rss\nNaNs\t3\n", "\x00"])
def test_a_damaged_benchmark_is_that_of_no_finished_job(lang12, content):
    job = next(job for job in lang12.jobs if job.rule == "finetune")
    job.benchmark.parent.mkdir(parents=True)
    job.benchmark.write_text(content)
    assert measured_job(job) is None


def test_a_short_job_has_no_memory_and_damaged_metrics_no_tokens(lang12, write_benchmark):
    job = next(job for job in lang12.jobs if job.rule == "finetune")
    write_benchmark(job.benchmark, "1.5", "NA")
    job.metrics.parent.mkdir(parents=True)
    job.metrics.write_text("{")
    taken = measured_job(job)
    assert (taken.seconds, taken.memory, taken.target_tokens) == (1.5, None, None)
