"""The embedded base model, retrained from nothing (`snakemake base_model`; see docs/demo.md)."""


rule pretrain_base_model:
    output:
        folder=directory(f"{RESULTS}/base_model"),
        metrics=f"{RESULTS}/base_model_metrics.jsonl",
    log:
        f"{LOGS}/pretrain_base_model.log",
    benchmark:
        f"{BENCHMARKS}/pretrain_base_model.tsv"
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        resource_classes=EXPERIMENT.resource_classes,
        embedded=config["corpus"].get("embedded"),
        pretraining=config.get("pretraining"),
        translation=DECODING,
        code=code_of("pretrain_base_model"),
    script:
        "../workflow/scripts/pretrain_base_model.py"


rule base_model:
    input:
        rules.pretrain_base_model.output,
