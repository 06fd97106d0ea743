"""Downloads, and what is made of them; shared by all experiments, below data/."""


rule fetch_source:
    output:
        f"{DATA}/sources/{{file}}",
    log:
        "logs/fetch_source/{file}.log",
    benchmark:
        "benchmarks/fetch_source/{file}.tsv"
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=500,
        runtime=240,
    params:
        source=lambda wildcards: asdict(source_of_file(wildcards.file)),
        code=code_of("fetch_source"),
    script:
        "../workflow/scripts/fetch_source.py"


rule extract_source:
    input:
        lambda wildcards: f"{DATA}/sources/{EXPERIMENT.sources[wildcards.source].file}",
    output:
        directory(f"{DATA}/extracted/{{source}}"),
    log:
        "logs/extract_source/{source}.log",
    benchmark:
        "benchmarks/extract_source/{source}.tsv"
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=500,
        runtime=60,
    params:
        code=code_of("extract_source"),
    script:
        "../workflow/scripts/extract_source.py"


rule convert_base_model:
    input:
        archive=f"{DATA}/extracted/{{source}}",
    output:
        [f"{DATA}/base_models/{{source}}/{name}" for name in CONVERTED_FILES],
    log:
        "logs/convert_base_model/{source}.log",
    benchmark:
        "benchmarks/convert_base_model/{source}.tsv"
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        code=code_of("convert_base_model"),
    script:
        "../workflow/scripts/convert_base_model.py"


rule fetch_hub_model:
    output:
        [f"{DATA}/hub/{{owner}}/{{model}}/{name}" for name in HUB_FILES],
    log:
        "logs/fetch_hub_model/{owner}-{model}.log",
    benchmark:
        "benchmarks/fetch_hub_model/{owner}-{model}.tsv"
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=16000,
        runtime=240,
    params:
        code=code_of("fetch_hub_model"),
    script:
        "../workflow/scripts/fetch_hub_model.py"


rule fetch_scoring_model:
    input:
        lambda wildcards: f"{DATA}/sources/{EXPERIMENT.sources['flores101_spm'].file}",
    output:
        f"{SACREBLEU}/models/{SCORING_MODEL}",
    log:
        "logs/fetch_scoring_model.log",
    benchmark:
        "benchmarks/fetch_scoring_model.tsv"
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=100,
        runtime=5,
    shell:
        "cp {input:q} {output:q} 2> {log:q}"
