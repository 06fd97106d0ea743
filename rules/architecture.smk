"""Weight learning, and the demands of ISE and LSP (Section 4, Section 7.2)."""


rule learn_weights:
    input:
        corpus=corpus_files("dev", EXPERIMENT.strategy_languages),
        base_model=BASE_MODEL_FILES,
    output:
        weights=f"{RESULTS}/weight_learning/weights.csv",
        strategy=f"{RESULTS}/weight_learning/index_strategy.json",
        metrics=f"{RESULTS}/weight_learning/metrics.jsonl",
        record=f"{RESULTS}/weight_learning/record.json",
    log:
        f"{LOGS}/learn_weights.log",
    benchmark:
        f"{BENCHMARKS}/learn_weights.tsv"
    # Everything but the baselines waits for this job.
    priority: 10
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=TRAINING_MEMORY,
        runtime=TRAINING_RUNTIME,
        gpu=GPUS,
    params:
        resource_classes={
            code: EXPERIMENT.resource_classes[code]
            for code in EXPERIMENT.strategy_languages
        },
        rank=config["weight_learning"]["rank"],
        recipe=recipe("lslo", SEEDS[0]),
        codes=EXPERIMENT.model_codes,
        locks=GPU_LOCKS,
        state=f"{RESULTS}/state/weight_learning",
        code=code_of("learn_weights"),
    script:
        "../workflow/scripts/learn_weights.py"


rule estimate_subspaces:
    input:
        corpus=corpus_files("dev"),
        base_model=BASE_MODEL_FILES,
        strategy=rules.learn_weights.output.strategy,
    output:
        scores=f"{RESULTS}/subspaces/{{analysis}}.csv",
        metrics=f"{RESULTS}/subspaces/{{analysis}}_metrics.jsonl",
        record=f"{RESULTS}/subspaces/{{analysis}}_record.json",
    log:
        f"{LOGS}/estimate_subspaces/{{analysis}}.log",
    benchmark:
        f"{BENCHMARKS}/estimate_subspaces/{{analysis}}.tsv"
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=TRAINING_MEMORY,
        runtime=TRAINING_RUNTIME,
        gpu=GPUS,
    params:
        resource_classes=EXPERIMENT.resource_classes,
        rank=config["subspaces"]["rank"],
        schedule={"ratio": config["subspaces"]["ratio"], **config["pruning"]},
        recipe=recipe("lslo", SEEDS[0]),
        codes=EXPERIMENT.model_codes,
        locks=GPU_LOCKS,
        state=f"{RESULTS}/state/{{analysis}}",
        code=code_of("estimate_subspaces"),
    script:
        "../workflow/scripts/estimate_subspaces.py"


rule weight_learning:
    input:
        rules.learn_weights.output,


rule subspaces:
    input:
        expand(rules.estimate_subspaces.output.scores, analysis=["ise", "lsp"]),
