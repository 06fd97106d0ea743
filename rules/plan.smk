"""What a configuration will cost (`snakemake plan`); it needs nothing, not even the downloads."""


localrules:
    plan,


# No output is declared: it is asked again while a run goes on and when it is done.
rule plan:
    log:
        f"{LOGS}/plan.log",
    conda:
        "../envs/lslo.yaml"
    params:
        results=RESULTS,
        benchmarks=BENCHMARKS,
        data=DATA,
        runtime=TRAINING_RUNTIME,
    script:
        "../workflow/scripts/plan.py"
