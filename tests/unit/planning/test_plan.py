"""Plans of the repository's configurations: jobs, sentence pairs, time and disk."""

import pytest

from lslo.planning.stages import STAGES


def test_every_job_belongs_to_a_stage(lang12):
    rules = [rule for rules in STAGES.values() for rule in rules]
    assert len(rules) == len(set(rules))
    assert set(lang12.rules) <= set(rules)
    assert sum(totals.jobs for totals in lang12.stages.values()) == len(lang12.jobs) == 111


def test_the_other_configurations_have_as_many_jobs_as_documented(configuration, plan_of, demo):
    assert len(plan_of(configuration("lang30")).jobs) == 50
    assert len(demo.jobs) == 60


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


def test_the_corpus_and_model_of_the_demo_are_counted_not_estimated(demo):
    assert all("counted with the base model's tokenizer" in source for source in demo.corpus_sources)
    assert demo.sizes_source.startswith("read from")
    assert demo.rates.name == "CPU"
    assert demo.footprint.memory_verdict() is None


def test_on_cores_all_jobs_count_and_on_gpus_those_that_need_one(demo, lang12):
    stages = sum(totals.seconds for totals in demo.stages.values())
    assert demo.device_seconds == pytest.approx(stages)
    assert demo.wall_seconds(1) == demo.device_seconds
    assert demo.other_seconds == 0
    alone = sum(job.seconds for job in lang12.jobs if job.rule in ("score", "score_epochs", "make_figure"))
    assert alone < lang12.other_seconds < 1.01 * alone
    assert lang12.device_seconds + lang12.other_seconds == pytest.approx(
        sum(totals.seconds for totals in lang12.stages.values())
    )


def test_more_gpus_shorten_a_plan_until_its_longest_chain(lang12):
    assert lang12.wall_seconds(1) == lang12.device_seconds
    assert lang12.wall_seconds(4) == lang12.device_seconds / 4
    assert lang12.wall_seconds(1000) == lang12.longest_chain > lang12.longest_training[1]


def test_the_gpus_of_a_training_share_its_time(configuration, plan_of, lang12):
    plan = plan_of(configuration("lang12") | {"gpus": 4})
    assert plan.longest_training[1] == pytest.approx(lang12.longest_training[1] / 4)
    assert plan.device_seconds == pytest.approx(lang12.device_seconds)


def test_the_disk_holds_results_and_the_states_of_the_trainings_that_run_at_once(
    configuration, plan_of, lang12
):
    results = sum(totals.bytes for totals in lang12.stages.values())
    largest = sorted((9 * 4 * training.trained for training in lang12.trainings), reverse=True)
    assert largest[0] == 9 * 4 * lang12.sizes.parameters
    assert lang12.peak_bytes(0) == pytest.approx(results)
    assert lang12.peak_bytes(1) == pytest.approx(results + largest[0])
    assert lang12.peak_bytes(4) == pytest.approx(results + sum(largest[:4]))
    # Each seed of a setting is a training, and a training may take several GPUs.
    plan = plan_of(configuration("lang12") | {"seeds": [1, 2], "gpus": 2})
    assert [plan.trainings_at_once(number) for number in (2, 8, 1000)] == [1, 4, 3 + 2 * 18]
    assert plan.footprint.largest_state_bytes(2) == pytest.approx(2 * largest[0])


def test_settings_without_a_figure_or_claims(configuration, plan_of):
    config = configuration("lang12")
    config |= {"tables": {"table1": ["Ft-all", "2;2;8+SRC"]}, "figures": []}
    for key in ("claims", "figure3"):
        del config[key]
    rules = plan_of(config).rules
    assert not {"learn_weights", "estimate_subspaces", "make_figure", "claims"} & set(rules)
    assert rules["finetune"] == 2


def test_a_model_that_is_not_known_is_asked_for(configuration, plan_of):
    config = configuration("lang12")
    config["base_model"] = {"hub": "someone/some_model"}
    with pytest.raises(ValueError, match="config key 'base_model': the sizes of someone/some_model") as error:
        plan_of(config)
    assert "some_model/config.json` with this configuration" in str(error.value)
