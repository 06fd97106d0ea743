"""What a configuration will cost (`snakemake plan`); it needs nothing, not even the downloads."""


localrules:
    plan,


# No output is declared: it is asked again while a run goes on and when it is done.
rule plan:
    log:
        PATHS.log("plan"),
    conda:
        "../envs/lslo.yaml"
    params:
        runtime=TRAINING_RUNTIME,
    script:
        "../workflow/scripts/plan.py"
