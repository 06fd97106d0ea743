"""Fine-tuning of each setting (Section 5)."""


rule finetune:
    input:
        corpus=corpus_files("dev"),
        base_model=BASE_MODEL_FILES,
        strategy=learned_strategy,
    output:
        adapter=directory(f"{SETTING}/adapter"),
        metrics=f"{SETTING}/metrics.jsonl",
        parameters=f"{SETTING}/parameters.json",
        epochs=directory(f"{SETTING}/epochs"),
        record=f"{SETTING}/records/finetune.json",
    log:
        f"{LOGS}/finetune/{{setting}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/finetune/{{setting}}-seed{{seed}}.tsv"
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
        pruning=[config["pruning"]["start"], config["pruning"]["duration"]],
        keep_epochs=lambda wildcards: str(setting_of(wildcards))
        in config.get("figure3", []),
        codes=EXPERIMENT.model_codes,
        locks=GPU_LOCKS,
        state=f"{RESULTS}/state/{{setting}}-seed{{seed}}",
        code=code_of("finetune"),
    script:
        "../workflow/scripts/finetune.py"
