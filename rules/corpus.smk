"""The n-way corpus: one sentence a line, line i of every language is the same sentence."""


# Seconds of work; on a cluster it runs where Snakemake does.
localrules:
    make_corpus,


rule make_corpus:
    input:
        corpus_input(),
    output:
        corpus_files("dev"),
        corpus_files("devtest"),
        record=f"{CORPUS}/record.json",
    log:
        f"{LOGS}/make_corpus.log",
    benchmark:
        f"{BENCHMARKS}/make_corpus.tsv"
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        resource_classes=EXPERIMENT.resource_classes,
        embedded=config["corpus"].get("embedded"),
        text=(
            None
            if "embedded" in config["corpus"]
            else {"folder": corpus_folder(), "paths": EXPERIMENT.corpus_paths}
        ),
        code=code_of("make_corpus"),
    script:
        "../workflow/scripts/make_corpus.py"


rule corpus:
    input:
        corpus_files("dev"),
        corpus_files("devtest"),
