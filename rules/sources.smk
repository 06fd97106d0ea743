"""Downloads, and what is made of them; shared by all experiments, below data/."""


# On a cluster these run where Snakemake does: compute nodes often have no network.
localrules:
    fetch_source,
    fetch_hub_model,
    fetch_scoring_model,


rule fetch_source:
    output:
        PATHS.download(),
    log:
        PATHS.shared_log("fetch_source", "{file}"),
    benchmark:
        PATHS.shared_benchmark("fetch_source", "{file}")
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
        lambda wildcards: PATHS.download(EXPERIMENT.sources[wildcards.source].file),
    output:
        directory(PATHS.extracted()),
    log:
        PATHS.shared_log("extract_source", "{source}"),
    benchmark:
        PATHS.shared_benchmark("extract_source", "{source}")
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
        archive=PATHS.extracted(),
    output:
        [PATHS.converted_model() / name for name in CONVERTED_FILES],
    log:
        PATHS.shared_log("convert_base_model", "{source}"),
    benchmark:
        PATHS.shared_benchmark("convert_base_model", "{source}")
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
        [PATHS.hub_model() / name for name in HUB_FILES],
    log:
        PATHS.shared_log("fetch_hub_model", "{owner}-{model}"),
    benchmark:
        PATHS.shared_benchmark("fetch_hub_model", "{owner}-{model}")
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
        lambda wildcards: PATHS.download(EXPERIMENT.sources["flores101_spm"].file),
    output:
        PATHS.flores101_model,
    log:
        PATHS.shared_log("fetch_scoring_model"),
    benchmark:
        PATHS.shared_benchmark("fetch_scoring_model")
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=100,
        runtime=5,
    shell:
        "cp {input:q} {output:q} 2> {log:q}"
