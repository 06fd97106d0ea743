"""Translation and scores of each setting."""


def adapter_of(wildcards):
    """The adapter folder of a setting; the base model has none."""
    if setting_of(wildcards).kind == "pretrain":
        return []
    return rules.finetune.output.adapter.format(**wildcards)


rule translate:
    input:
        corpus=corpus_files("devtest"),
        base_model=BASE_MODEL_FILES,
        adapter=adapter_of,
    output:
        hypotheses=directory(f"{SETTING}/hypotheses"),
    params:
        corpus=f"{CORPUS}/devtest",
        base_model=BASE_MODEL,
        languages=EXPERIMENT.codes,
        directions=EXPERIMENT.directions,
        translation=config["translation"],
        code=code_of("translate"),
    log:
        f"{LOGS}/translate/{{setting}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/translate/{{setting}}-seed{{seed}}.tsv"
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=240,
    script:
        "../workflow/scripts/translate.py"


rule score:
    input:
        corpus=corpus_files("devtest"),
        base_model=BASE_MODEL_FILES,
        hypotheses=rules.translate.output.hypotheses,
    output:
        scores=f"{SETTING}/scores.csv",
    params:
        corpus=f"{CORPUS}/devtest",
        languages=EXPERIMENT.codes,
        directions=EXPERIMENT.directions,
        tokenizer=scoring_model(),
        code=code_of("score"),
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
    script:
        "../workflow/scripts/score.py"


rule translate_epochs:
    input:
        corpus=corpus_files("devtest"),
        base_model=BASE_MODEL_FILES,
        epochs=rules.finetune.output.epochs,
    output:
        hypotheses=directory(f"{SETTING}/epoch_hypotheses"),
    params:
        corpus=f"{CORPUS}/devtest",
        base_model=BASE_MODEL,
        languages=EXPERIMENT.codes,
        directions=figure_directions(),
        translation=config["translation"],
        code=code_of("translate_epochs"),
    log:
        f"{LOGS}/translate_epochs/{{setting}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/translate_epochs/{{setting}}-seed{{seed}}.tsv"
    conda:
        "../envs/lslo.yaml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=240,
    script:
        "../workflow/scripts/translate_epochs.py"


rule score_epochs:
    input:
        corpus=corpus_files("devtest"),
        base_model=BASE_MODEL_FILES,
        hypotheses=rules.translate_epochs.output.hypotheses,
        pretrain=rules.score.output.scores.format(setting="Pretrain", seed=SEEDS[0]),
        final=rules.score.output.scores,
    output:
        scores=f"{SETTING}/epoch_scores.csv",
    params:
        corpus=f"{CORPUS}/devtest",
        languages=EXPERIMENT.codes,
        directions=figure_directions(),
        epochs=config["training"]["epochs"],
        tokenizer=scoring_model(),
        code=code_of("score_epochs"),
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
    script:
        "../workflow/scripts/score_epochs.py"
