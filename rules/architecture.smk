"""Weight learning, and the demands of ISE and LSP (Section 4, Section 7.2)."""


rule learn_weights:
    input:
        corpus=corpus_files("dev", EXPERIMENT.strategy_languages),
        base_model=MODEL_FILES,
    output:
        weights=PATHS.weight_learning("weights.csv"),
        strategy=PATHS.weight_learning("index_strategy.json"),
        metrics=PATHS.weight_learning("metrics.jsonl"),
        record=PATHS.weight_learning("record.json"),
    log:
        PATHS.log("learn_weights"),
    benchmark:
        PATHS.benchmark("learn_weights")
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
        rank=CONFIG.weight_learning.rank,
        recipe=recipe("lslo", CONFIG.seeds[0]),
        codes=EXPERIMENT.model_codes,
        locks=str(PATHS.gpu_locks),
        state=str(PATHS.state("weight_learning")),
        code=code_of("learn_weights"),
    script:
        "../workflow/scripts/learn_weights.py"


rule estimate_subspaces:
    input:
        corpus=corpus_files("dev"),
        base_model=MODEL_FILES,
        strategy=rules.learn_weights.output.strategy,
    output:
        scores=PATHS.subspaces(".csv"),
        metrics=PATHS.subspaces("_metrics.jsonl"),
        record=PATHS.subspaces("_record.json"),
    log:
        PATHS.log("estimate_subspaces", "{analysis}"),
    benchmark:
        PATHS.benchmark("estimate_subspaces", "{analysis}")
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=TRAINING_MEMORY,
        runtime=TRAINING_RUNTIME,
        gpu=GPUS,
    params:
        resource_classes=EXPERIMENT.resource_classes,
        rank=CONFIG.subspaces.rank,
        schedule=asdict(CONFIG.pruning.schedule(CONFIG.subspaces.ratio)),
        recipe=recipe("lslo", CONFIG.seeds[0]),
        codes=EXPERIMENT.model_codes,
        locks=str(PATHS.gpu_locks),
        state=str(PATHS.state("{analysis}")),
        code=code_of("estimate_subspaces"),
    script:
        "../workflow/scripts/estimate_subspaces.py"


rule weight_learning:
    input:
        rules.learn_weights.output,


rule subspaces:
    input:
        expand(rules.estimate_subspaces.output.scores, analysis=["ise", "lsp"]),
