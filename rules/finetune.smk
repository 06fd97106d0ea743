"""Fine-tuning of each setting (Section 5)."""


rule finetune:
    input:
        corpus=corpus_files("dev"),
        base_model=MODEL_FILES,
        strategy=learned_strategy,
    output:
        adapter=directory(PATHS.setting("adapter")),
        metrics=PATHS.setting("metrics.jsonl"),
        parameters=PATHS.setting("parameters.json"),
        epochs=directory(PATHS.setting("epochs")),
        record=PATHS.record("finetune"),
    log:
        PATHS.log("finetune", "{setting}-seed{seed}"),
    benchmark:
        PATHS.benchmark("finetune", "{setting}-seed{seed}")
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
        pruning=[CONFIG.pruning.start, CONFIG.pruning.duration],
        keep_epochs=lambda wildcards: str(setting_of(wildcards)) in CONFIG.figure3,
        codes=EXPERIMENT.model_codes,
        locks=str(PATHS.gpu_locks),
        state=str(PATHS.state("{setting}-seed{seed}")),
        code=code_of("finetune"),
    script:
        "../workflow/scripts/finetune.py"
