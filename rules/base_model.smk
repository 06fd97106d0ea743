"""The embedded base model, retrained from nothing (`snakemake base_model`; see docs/demo.md)."""


rule pretrain_base_model:
    output:
        folder=directory(PATHS.demo_model),
        metrics=PATHS.demo_model_metrics,
    log:
        PATHS.log("pretrain_base_model"),
    benchmark:
        PATHS.benchmark("pretrain_base_model")
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        resource_classes=EXPERIMENT.resource_classes,
        embedded=CONFIG.corpus.embedded and CONFIG.corpus.embedded.model_dump(),
        pretraining=CONFIG.pretraining and CONFIG.pretraining.model_dump(),
        translation=asdict(CONFIG.translation.decoding),
        code=code_of("pretrain_base_model"),
    script:
        "../workflow/scripts/pretrain_base_model.py"


rule base_model:
    input:
        rules.pretrain_base_model.output,
