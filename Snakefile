"""Exploring intrinsic language-specific subspaces in fine-tuning multilingual NMT."""

from snakemake.utils import min_version

min_version("9.0")


configfile: "config/demo.yaml"


include: "rules/common.smk"
include: "rules/corpus.smk"
include: "rules/base_model.smk"
include: "rules/architecture.smk"
include: "rules/finetune.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        rules.results.input,
        rules.report.output,
