"""The n-way corpus: one sentence a line, line i of every language is the same sentence."""


# Seconds of work; on a cluster it runs where Snakemake does.
localrules:
    make_corpus,


rule make_corpus:
    input:
        EXPERIMENT.text_inputs,
    output:
        corpus_files("dev"),
        corpus_files("devtest"),
        record=PATHS.corpus_record,
    log:
        PATHS.log("make_corpus"),
    benchmark:
        PATHS.benchmark("make_corpus")
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        resource_classes=EXPERIMENT.resource_classes,
        embedded=CONFIG.corpus.embedded and CONFIG.corpus.embedded.model_dump(),
        text=EXPERIMENT.text_folder
        and {"folder": str(EXPERIMENT.text_folder), "paths": EXPERIMENT.text_paths},
        code=code_of("make_corpus"),
    script:
        "../workflow/scripts/make_corpus.py"


# `devtest` as the rule declares it, for the many jobs that translate. As an input without a name Snakemake takes
# the rule from it; to find the rule of a path it tries all outputs of make_corpus, which doubles the time of a dry
# run of 204 languages.
DECLARED_DEVTEST = [
    file
    for file in rules.make_corpus.output
    if str(file) in set(map(str, corpus_files("devtest")))
]


rule corpus:
    input:
        corpus_files("dev"),
        corpus_files("devtest"),
