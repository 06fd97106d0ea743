"""Translation and scores of each setting."""


# ForkPool files; on a cluster it runs where Snakemake does.
localrules:
    gather_translations,


rule translate:
    input:
        DECLARED_DEVTEST,
        base_model=BASE_MODEL_FILES,
        adapter=adapter_of,
    output:
        hypotheses=temp(directory(f"{SETTING}/shards/{{shard}}")),
        record=f"{SETTING}/records/translate{{shard}}.json",
    log:
        f"{LOGS}/translate/{{setting}}-seed{{seed}}-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/translate/{{setting}}-seed{{seed}}-{{shard}}.tsv"
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=TRANSLATION_MEMORY,
        runtime=TRAINING_RUNTIME,
        gpu=min(GPUS, 1),
    params:
        directions=lambda wildcards: EXPERIMENT.directions[
            int(wildcards.shard) :: SHARDS
        ],
        translation=DECODING,
        codes=EXPERIMENT.model_codes,
        locks=GPU_LOCKS,
        state=f"{RESULTS}/state/translate-{{setting}}-seed{{seed}}-{{shard}}",
        code=code_of("translate"),
    script:
        "../workflow/scripts/translate.py"


rule gather_translations:
    input:
        expand(
            rules.translate.output.hypotheses, shard=range(SHARDS), allow_missing=True
        ),
    output:
        hypotheses=directory(f"{SETTING}/hypotheses"),
    log:
        f"{LOGS}/gather_translations/{{setting}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/gather_translations/{{setting}}-seed{{seed}}.tsv"
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
        base_model=BASE_MODEL_FILES,
        scoring_model=scoring_input(),
        hypotheses=rules.gather_translations.output.hypotheses,
    output:
        scores=f"{SETTING}/scores.csv",
        statistics=f"{SETTING}/statistics.npz",
        record=f"{SETTING}/records/score.json",
    log:
        f"{LOGS}/score/{{setting}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/score/{{setting}}-seed{{seed}}.tsv"
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        languages=EXPERIMENT.codes,
        directions=EXPERIMENT.directions,
        tokenizer=config["scoring"]["tokenizer"],
        code=code_of("score"),
    script:
        "../workflow/scripts/score.py"


rule translate_epochs:
    input:
        corpus=corpus_files("devtest"),
        base_model=BASE_MODEL_FILES,
        epochs=rules.finetune.output.epochs,
    output:
        hypotheses=directory(f"{SETTING}/epoch_hypotheses"),
        record=f"{SETTING}/records/translate_epochs.json",
    log:
        f"{LOGS}/translate_epochs/{{setting}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/translate_epochs/{{setting}}-seed{{seed}}.tsv"
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=TRANSLATION_MEMORY,
        runtime=TRAINING_RUNTIME,
        gpu=min(GPUS, 1),
    params:
        directions=figure_directions(),
        translation=DECODING,
        codes=EXPERIMENT.model_codes,
        locks=GPU_LOCKS,
        state=f"{RESULTS}/state/translate-{{setting}}-seed{{seed}}-epochs",
        code=code_of("translate_epochs"),
    script:
        "../workflow/scripts/translate_epochs.py"


rule score_epochs:
    input:
        corpus=corpus_files("devtest"),
        base_model=BASE_MODEL_FILES,
        scoring_model=scoring_input(),
        hypotheses=rules.translate_epochs.output.hypotheses,
        pretrain=rules.score.output.scores.format(setting="Pretrain", seed=SEEDS[0]),
        final=rules.score.output.scores,
    output:
        scores=f"{SETTING}/epoch_scores.csv",
        record=f"{SETTING}/records/score_epochs.json",
    log:
        f"{LOGS}/score_epochs/{{setting}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/score_epochs/{{setting}}-seed{{seed}}.tsv"
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        languages=EXPERIMENT.codes,
        directions=figure_directions(),
        epochs=config["training"]["epochs"],
        tokenizer=config["scoring"]["tokenizer"],
        code=code_of("score_epochs"),
    script:
        "../workflow/scripts/score_epochs.py"
