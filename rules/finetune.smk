"""Fine-tuning of each setting (Section 5)."""


rule finetune:
    input:
        corpus=corpus_files("dev"),
        base_model=MODEL_FILES,
        strategy=learned_strategy,
    output:
        adapter=directory(PATHS.adapter()),
        metrics=PATHS.metrics(),
        parameters=PATHS.parameters(),
        epochs=directory(PATHS.epochs()),
        record=PATHS.record("finetune"),
    log:
        PATHS.log("finetune", SETTING_JOB),
    benchmark:
        PATHS.benchmark("finetune", SETTING_JOB)
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=TRAINING_MEMORY,
        runtime=TRAINING_RUNTIME,
        gpu=GPUS,
    params:
        resource_classes=EXPERIMENT.resource_classes,
        recipe=lambda wildcards: recipe(setting_of(wildcards).kind, wildcards.seed),
        pruning=pruning,
        keep_epochs=lambda wildcards: str(setting_of(wildcards))
        in EXPERIMENT.followed_settings,
        codes=EXPERIMENT.model_codes,
        locks=str(PATHS.gpu_locks),
        state=str(PATHS.state(SETTING_JOB)),
        code=code_of("finetune"),
    script:
        "../workflow/scripts/finetune.py"
