"""Plans of the repository's configurations: jobs, sizes, hours, and what a run left beside them."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import yaml

from lslo.experiment.config import Device, Planning
from lslo.experiment.experiment import Experiment
from lslo.planning.devices import DEVICES, Rates
from lslo.planning.measured import measured
from lslo.planning.plan import STAGES, Plan
from lslo.planning.report import as_json, markdown
from lslo.planning.units import count, duration, size, table

REPOSITORY = Path(__file__).parents[3]


def configuration(name: str) -> dict:
    return yaml.safe_load((REPOSITORY / "config" / f"{name}.yaml").read_text())


def plan_of(config: dict, folder: Path) -> Plan:
    return Plan.of(Experiment(config, REPOSITORY, folder))


@pytest.fixture
def lang12(tmp_path):
    return plan_of(configuration("lang12"), tmp_path)


def test_every_job_belongs_to_a_stage(lang12):
    rules = [rule for rules in STAGES.values() for rule in rules]
    assert len(rules) == len(set(rules))
    assert set(lang12.rules) <= set(rules)
    assert sum(totals.jobs for totals in lang12.stages.values()) == len(lang12.jobs) == 111


def test_the_other_configurations_have_as_many_jobs_as_documented(tmp_path):
    assert len(plan_of(configuration("lang30"), tmp_path).jobs) == 50
    assert len(plan_of(configuration("demo"), tmp_path).jobs) == 60


def test_sentence_pairs_and_tokens_of_the_paper(lang12):
    stages = lang12.stages
    # Section 5: every row of every direction, 15 epochs.
    assert stages["weight learning"].pairs == 997 * 132 * 15
    assert stages["fine-tuning"].pairs == pytest.approx(18 * 997 * 132 * 15)
    assert stages["fine-tuning"].target_tokens == pytest.approx(18 * 997 * 132 * 15 * 40)
    assert stages["translation"].pairs == 19 * 1012 * 132
    # H2H and V2V have twelve directions each; 14 epochs of five settings.
    assert stages["Figure 3's translation"].pairs == 5 * 14 * 24 * 1012
    # 2 operations a weight and token, forward and through activations: about 2.5 GFLOP a pair of tokens.
    training = next(training for training in lang12.trainings if training.name == "2;2;8+WL")
    assert training.flops / (997 * 132 * 15 * 40) == pytest.approx(2.5e9, rel=0.02)
    assert training.trained == 12 * 4 * 44_826_624 // (12 * 8)


def test_a_plan_before_any_download_says_what_it_is_reckoned_from(lang12):
    text = markdown(lang12, 1440)
    assert "estimated, the text is not there yet: 997 sentences" in text
    assert "as m2m124_615M is known to be; the model is not there yet" in text
    assert "it is assumed, not measured, that training reaches 20% of it" in text
    assert "Planned and actual" not in text
    assert "within the 24.0 h" in text
    assert "MORE than" in markdown(lang12, 10)
    content = json.loads(json.dumps(as_json(lang12)))
    assert content["finished"] == {}
    assert content["rules"]["finetune"] == 18


def test_the_embedded_corpus_and_model_are_counted_not_estimated(tmp_path):
    plan = plan_of(configuration("demo"), tmp_path)
    assert all("counted with the base model's tokenizer" in source for source in plan.corpus_sources)
    assert plan.sizes_source.startswith("read from")
    assert plan.rates.name == "CPU"
    assert plan.space.memory_fits() is None


def test_measured_rates_take_the_place_of_shares(tmp_path):
    config = configuration("lang12")
    config["plan"] = {
        "device": "L40S",
        "measured": {"tokens_per_second": {"lslo": 50_000}, "sentences_per_second": 200},
    }
    plan = plan_of(config, tmp_path)
    job = next(job for job in plan.jobs if job.rule == "learn_weights")
    assert job.seconds == pytest.approx(997 * 132 * 15 * 40 / 50_000, rel=0.01)
    job = next(job for job in plan.jobs if job.rule == "translate")
    assert job.seconds == pytest.approx(1012 * 132 / 200, rel=0.01)
    assert "50,000 target tokens/s in lslo trainings" in markdown(plan, 1440)


def test_on_cores_all_jobs_count_and_on_gpus_those_that_need_one(tmp_path, lang12):
    plan = plan_of(configuration("demo"), tmp_path)
    stages = sum(totals.seconds for totals in plan.stages.values())
    assert plan.device_seconds == pytest.approx(stages)
    assert plan.wall_seconds(1) == plan.device_seconds
    assert plan.other_seconds == 0
    alone = sum(job.seconds for job in lang12.jobs if job.rule in ("score", "score_epochs", "make_figure"))
    assert alone < lang12.other_seconds < 1.01 * alone
    assert lang12.device_seconds + lang12.other_seconds == pytest.approx(
        sum(totals.seconds for totals in lang12.stages.values())
    )


def test_small_jobs_on_a_core_tell_no_pace_of_trainings(tmp_path):
    plan = plan_of(configuration("demo"), tmp_path)
    small = next(job for job in plan.jobs if job.rule == "make_corpus")
    write_benchmark(small.benchmark, str(100 * small.seconds))
    # Nothing is planned for gathering translations.
    write_benchmark(next(job for job in plan.jobs if job.rule == "gather_translations").benchmark, "3")
    assert plan.remaining_seconds() is None
    training = next(job for job in plan.jobs if job.rule == "learn_weights")
    write_benchmark(training.benchmark, str(2 * training.seconds))
    left = [job for job in plan.jobs if job not in (small, training)]
    expected = sum(job.seconds * (2 if job.on_device else 1) for job in left)
    assert plan.remaining_seconds() == pytest.approx(expected)


def test_the_disk_holds_results_and_the_states_of_what_trains_at_once(tmp_path, lang12):
    results = sum(totals.bytes for totals in lang12.stages.values())
    largest = sorted((9 * 4 * training.trained for training in lang12.trainings), reverse=True)
    assert largest[0] == 9 * 4 * lang12.sizes.parameters
    assert lang12.most_bytes(0) == pytest.approx(results)
    assert lang12.most_bytes(1) == pytest.approx(results + largest[0])
    assert lang12.most_bytes(4) == pytest.approx(results + sum(largest[:4]))
    text = markdown(lang12, 1440)
    assert f"at most **{size(results + largest[0])}** at one time if one training runs at a time" in text
    assert text.count(size(results + largest[0])) == 3
    # Each seed of a setting is a training, and a training may take several GPUs.
    config = configuration("lang12") | {"seeds": [1, 2], "gpus": 2}
    plan = plan_of(config, tmp_path)
    assert [plan.trainings_at_once(number) for number in (2, 8, 1000)] == [1, 4, 3 + 2 * 18]
    assert plan.space.most_states(2) == pytest.approx(2 * largest[0])


def test_more_gpus_shorten_a_plan_until_its_longest_chain(lang12):
    assert lang12.wall_seconds(1) == lang12.device_seconds
    assert lang12.wall_seconds(4) == lang12.device_seconds / 4
    assert lang12.wall_seconds(1000) == lang12.longest_chain > lang12.longest_training[1]


def test_a_gpu_that_is_too_small_is_named(tmp_path):
    config = configuration("lang12")
    config["plan"] = {"device": "T4"}
    assert "it may not fit" in plan_of(config, tmp_path).space.memory_fits()


def test_on_a_cpu_the_program_takes_memory_too(tmp_path, lang12):
    plan = plan_of(configuration("demo"), tmp_path)
    memory = {training["name"]: training["memory_bytes"] for training in as_json(plan)["trainings"]}
    # As measured: the resident set of the demo's trainings.
    assert memory["2;2;8+WL"] == pytest.approx(582e6, rel=0.1)
    assert memory["Ft-all"] == pytest.approx(592e6, rel=0.1)
    assert "| main memory, about |" in markdown(plan, 240)
    assert "| GPU memory, about |" in markdown(lang12, 1440)


@pytest.mark.parametrize(("cores", "numbers"), [(2, [1, 2, 4, 8]), (48, [1, 2, 4, 8, 48])])
def test_on_a_cpu_the_cores_of_this_machine_are_told(tmp_path, monkeypatch, cores, numbers):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(cores)))
    plan = plan_of(configuration("demo"), tmp_path)
    assert [row["number"] for row in as_json(plan)["devices"]] == numbers
    text = markdown(plan, 240)
    assert f"\n| {cores} (this machine) |" in text
    assert "core hours** in all, every job counted" in text
    assert "need no GPU" not in text


def test_gpus_are_told_from_those_of_a_training_on(tmp_path, lang12):
    config = configuration("lang12") | {"gpus": 4}
    assert [row["number"] for row in as_json(plan_of(config, tmp_path))["devices"]] == [4, 8]
    assert [row["number"] for row in as_json(lang12)["devices"]] == [1, 4, 8]
    assert "this machine" not in markdown(lang12, 1440)


@pytest.mark.parametrize("name", ["demo", "lang12"])
def test_memory_and_disk_have_one_unit(tmp_path, name):
    assert not re.search(r"\d [kMGT]iB\b", markdown(plan_of(configuration(name), tmp_path), 240))


def test_hours_with_and_without_the_jobs_that_need_no_gpu_are_told_apart(lang12):
    text = markdown(lang12, 1440)
    device = duration(lang12.device_seconds)
    assert (
        f"The time in all is {device} of one A100-80GB, and {duration(lang12.other_seconds)} of one" in text
    )
    # The same digits where the same is meant.
    assert f"**{device.removesuffix(' h')} GPU hours** in all, without the jobs that need no GPU" in text


def test_the_configuration_knows_every_device():
    assert list(get_args(Device)) == ["CPU", *DEVICES]


@pytest.mark.parametrize("plan", [{"device": "A1"}, {"training_share": 1.5}, {"measured": {"gpu": 1}}])
def test_a_wrong_key_is_named(plan):
    with pytest.raises(ValueError, match="config key 'plan"):
        Experiment({**configuration("demo"), "plan": plan}, REPOSITORY)


def test_a_model_that_is_not_known_is_asked_for(tmp_path):
    config = configuration("lang12")
    config["base_model"] = {"hub": "someone/some_model"}
    with pytest.raises(ValueError, match="config key 'base_model': the sizes of someone/some_model") as error:
        plan_of(config, tmp_path)
    assert "some_model/config.json` with this configuration" in str(error.value)


def write_benchmark(file: Path, seconds: str, memory: str = "100.0") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:10\t{memory}\n")


def test_what_is_done_stands_beside_what_was_planned(lang12):
    job = next(job for job in lang12.jobs if job.rule == "learn_weights")
    write_benchmark(job.benchmark, str(2 * job.seconds))
    job.metrics.parent.mkdir(parents=True)
    lines = [json.dumps({"target_tokens": tokens}) for tokens in (30, 12)]
    job.metrics.write_text("\n".join(lines) + "\n")
    comparison = lang12.comparison()
    assert list(comparison) == ["weight learning"]
    done = comparison["weight learning"]
    assert (done.jobs, done.jobs_done, done.target_tokens) == (1, 1, 42)
    assert done.memory == 100 * 2**20
    # What is left goes at the same pace: half of the planned.
    assert lang12.remaining_seconds() == pytest.approx(2 * (lang12.device_seconds - job.seconds))
    text = markdown(lang12, 1440)
    assert "Planned and actual" in text
    assert "2.00" in text


@pytest.mark.parametrize("content", ["", "s\n", "s\tmax_rss\nNaNs\t3\n", "\x00"])
def test_a_damaged_benchmark_is_that_of_no_finished_job(lang12, content):
    job = next(job for job in lang12.jobs if job.rule == "finetune")
    job.benchmark.parent.mkdir(parents=True)
    job.benchmark.write_text(content)
    assert measured(job) is None


def test_a_short_job_has_no_memory_and_damaged_metrics_no_tokens(lang12):
    job = next(job for job in lang12.jobs if job.rule == "finetune")
    write_benchmark(job.benchmark, "1.5", "NA")
    job.metrics.parent.mkdir(parents=True)
    job.metrics.write_text("{")
    taken = measured(job)
    assert (taken.seconds, taken.memory, taken.target_tokens) == (1.5, None, None)


def test_settings_without_a_figure_or_claims(tmp_path):
    config = configuration("lang12")
    config |= {"tables": {"table1": ["Ft-all", "2;2;8+SRC"]}, "figures": []}
    for key in ("claims", "figure3"):
        del config[key]
    rules = plan_of(config, tmp_path).rules
    assert not {"learn_weights", "estimate_subspaces", "make_figure", "claims"} & set(rules)
    assert rules["finetune"] == 2
    config["tables"] = {"table1": ["Pretrain"]}
    assert plan_of(config, tmp_path).longest_training == ("none", 0.0)
    markdown(plan_of(config, tmp_path), 60)


def test_gpus_of_a_training_share_its_time(tmp_path):
    config = configuration("lang12")
    one = plan_of(config, tmp_path).longest_training[1]
    config["gpus"] = 4
    plan = plan_of(config, tmp_path)
    assert plan.longest_training[1] == pytest.approx(one / 4)
    assert plan.device_seconds == pytest.approx(plan_of(configuration("lang12"), tmp_path).device_seconds)


def test_rates_of_a_gpu_are_shares_of_its_peak():
    rates = Rates.of(Planning(device="A100-40GB", training_share=0.5), 1)
    assert rates.training_seconds("lslo", 312e12, 1) == pytest.approx(2)
    assert replace(rates, sentences_per_second=10).translation_seconds(1e15, 20) == 2


def test_numbers_as_a_person_reads_them():
    assert [duration(seconds) for seconds in (0, 119, 121, 7300, 200_000)] == [
        *("0.0 s", "119.0 s", "2.0 min", "2.0 h", "2.3 days"),
    ]
    assert [size(number) for number in (0, 12, 2.5e3, 3e9)] == ["-", "12 B", "2.5 kB", "3.0 GB"]
    assert [count(number) for number in (0, 1234, 2.5e6)] == ["-", "1,234", "2.5 M"]
    assert list(table(["a", "bb"], [["ccc", "d"]])) == ["| a   | bb |", "| --- | -: |", "| ccc |  d |", ""]


def test_many_languages_need_memory_for_their_scores(tmp_path):
    table = (REPOSITORY / "config/languages.tsv").read_text().splitlines()
    rows = [f"x{number}\tX\tV\t-\t-\tx{number}\tx{number}" for number in range(204)]
    file = tmp_path / "languages.tsv"
    file.write_text("\n".join([table[0], *rows]) + "\n")
    config = configuration("lang12") | {
        "languages": [f"x{number}" for number in range(204)],
        "languages_table": str(file),
        "tables": {"table1": ["Pretrain", "Ft-all", "1;1;1+SRC"]},
    }
    for key in ("claims", "figure3"):
        del config[key]
    plan = plan_of(config, tmp_path)
    assert plan.stages["fine-tuning"].pairs == pytest.approx(2 * 15 * 997 * 41_412)
    assert plan.scoring_memory == pytest.approx(41_412 * 1012 * 330, rel=0.02)
    assert "give the rule `score` as much in a profile" in markdown(plan, 1440)
