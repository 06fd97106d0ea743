"""Exploring intrinsic language-specific subspaces in fine-tuning multilingual NMT."""

from snakemake.utils import min_version

min_version("9.0")


# The demo is the default. Where a configuration is named it stands alone: Snakemake would merge the two.
if not workflow.configfiles:

    configfile: "config/demo.yaml"


include: "rules/common.smk"
include: "rules/sources.smk"
include: "rules/corpus.smk"
include: "rules/base_model.smk"
include: "rules/architecture.smk"
include: "rules/finetune.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"
include: "rules/plan.smk"


onstart:
    check_leftover_jobs()


rule all:
    default_target: True
    input:
        rules.results.input,
        rules.report.output,
