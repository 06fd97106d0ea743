"""Translation and scores of each setting."""


# This copies files; on a cluster it runs where Snakemake does.
localrules:
    gather_translations,


rule translate:
    input:
        DECLARED_DEVTEST,
        base_model=MODEL_FILES,
        adapter=adapter_of,
    output:
        hypotheses=temp(directory(PATHS.shard())),
        record=PATHS.record("translate{shard}"),
    log:
        PATHS.log("translate", f"{SETTING_JOB}-{{shard}}"),
    benchmark:
        PATHS.benchmark("translate", f"{SETTING_JOB}-{{shard}}")
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=TRANSLATION_MEMORY,
        runtime=TRAINING_RUNTIME,
        gpu=min(GPUS, 1),
    params:
        directions=lambda wildcards: EXPERIMENT.directions[
            int(wildcards.shard) :: CONFIG.translation.shards
        ],
        translation=asdict(CONFIG.translation.decoding),
        codes=EXPERIMENT.model_codes,
        locks=str(PATHS.gpu_locks),
        state=str(PATHS.state("translate-{setting}-seed{seed}-{shard}")),
        code=code_of("translate"),
    script:
        "../workflow/scripts/translate.py"


rule gather_translations:
    input:
        expand(
            rules.translate.output.hypotheses,
            shard=range(CONFIG.translation.shards),
            allow_missing=True,
        ),
    output:
        hypotheses=directory(PATHS.hypotheses()),
    log:
        PATHS.log("gather_translations", SETTING_JOB),
    benchmark:
        PATHS.benchmark("gather_translations", SETTING_JOB)
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=100,
        runtime=10,
    shell:
        "(rm -rf {output:q}.partial && mkdir -p {output:q}.partial"
        ' && for shard in {input:q}; do cp "$shard"/*.txt {output:q}.partial/ || exit 1; done'
        " && mv -T {output:q}.partial {output:q}) 2> {log:q}"


rule score:
    input:
        corpus=corpus_files("devtest"),
        base_model=MODEL_FILES,
        scoring_model=scoring_input(),
        hypotheses=rules.gather_translations.output.hypotheses,
    output:
        scores=PATHS.scores(),
        statistics=PATHS.statistics(),
        record=PATHS.record("score"),
    log:
        PATHS.log("score", SETTING_JOB),
    benchmark:
        PATHS.benchmark("score", SETTING_JOB)
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        languages=EXPERIMENT.codes,
        directions=EXPERIMENT.directions,
        tokenizer=CONFIG.scoring.tokenizer,
        code=code_of("score"),
    script:
        "../workflow/scripts/score.py"


rule translate_epochs:
    input:
        corpus=corpus_files("devtest"),
        base_model=MODEL_FILES,
        epochs=rules.finetune.output.epochs,
    output:
        hypotheses=directory(PATHS.epoch_hypotheses()),
        record=PATHS.record("translate_epochs"),
    log:
        PATHS.log("translate_epochs", SETTING_JOB),
    benchmark:
        PATHS.benchmark("translate_epochs", SETTING_JOB)
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=TRANSLATION_MEMORY,
        runtime=TRAINING_RUNTIME,
        gpu=min(GPUS, 1),
    params:
        directions=EXPERIMENT.figure_directions,
        translation=asdict(CONFIG.translation.decoding),
        codes=EXPERIMENT.model_codes,
        locks=str(PATHS.gpu_locks),
        state=str(PATHS.state("translate-{setting}-seed{seed}-epochs")),
        code=code_of("translate_epochs"),
    script:
        "../workflow/scripts/translate_epochs.py"


rule score_epochs:
    input:
        corpus=corpus_files("devtest"),
        base_model=MODEL_FILES,
        scoring_model=scoring_input(),
        hypotheses=rules.translate_epochs.output.hypotheses,
        pretrain=rules.score.output.scores.format(
            setting=PRETRAIN, seed=CONFIG.seeds[0]
        ),
        final=rules.score.output.scores,
    output:
        scores=PATHS.epoch_scores(),
        record=PATHS.record("score_epochs"),
    log:
        PATHS.log("score_epochs", SETTING_JOB),
    benchmark:
        PATHS.benchmark("score_epochs", SETTING_JOB)
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        languages=EXPERIMENT.codes,
        directions=EXPERIMENT.figure_directions,
        epochs=CONFIG.training.epochs,
        tokenizer=CONFIG.scoring.tokenizer,
        code=code_of("score_epochs"),
    script:
        "../workflow/scripts/score_epochs.py"
