"""Tables, figures, claims and what goes into the report."""


# Short work that a submission would take longer than; on a cluster it runs where Snakemake does.
localrules:
    make_results_table,
    make_setup_table,
    make_figure,
    claims,
    describe_run,
    report,
    why,


rule make_results_table:
    input:
        scores=lambda wildcards: flat(
            paths_of(config["tables"][f"table{wildcards.number}"], "scores.csv")
        ),
        statistics=lambda wildcards: flat(
            paths_of(config["tables"][f"table{wildcards.number}"], "statistics.npz")
        ),
        parameters=lambda wildcards: list(
            parameters_of(config["tables"][f"table{wildcards.number}"]).values()
        ),
    output:
        **table_files("table{number}"),
        **(
            {
                **table_files("table{number}_comparison", "comparison_"),
                "comparison_page": report(
                    f"{RESULTS}/tables/table{{number}}_comparison.html",
                    caption="../workflow/report/comparison_table.rst",
                    category="Tables",
                    labels={"table": "{number}, compared"},
                ),
            }
            if COMPARED
            else {}
        ),
        record=f"{RESULTS}/tables/table{{number}}_record.json",
        page=report(
            f"{RESULTS}/tables/table{{number}}.html",
            caption="../workflow/report/results_table.rst",
            category="Tables",
            labels={"table": "{number}"},
        ),
    log:
        f"{LOGS}/make_table/{{number}}.log",
    benchmark:
        f"{BENCHMARKS}/make_table/{{number}}.tsv"
    wildcard_constraints:
        number="|".join(name.removeprefix("table") for name in config["tables"]),
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=lambda wildcards: config["tables"][f"table{wildcards.number}"],
        scores=lambda wildcards: paths_of(
            config["tables"][f"table{wildcards.number}"], "scores.csv"
        ),
        parameters=lambda wildcards: parameters_of(
            config["tables"][f"table{wildcards.number}"]
        ),
        statistics=lambda wildcards: paths_of(
            config["tables"][f"table{wildcards.number}"], "statistics.npz"
        ),
        resamples=config.get("significance", 0),
        paper=lambda wildcards: paper_table(wildcards.number),
        resource_classes=EXPERIMENT.resource_classes,
        experiment=config["experiment"],
        code=code_of("make_results_table"),
    script:
        "../workflow/scripts/make_results_table.py"


rule make_setup_table:
    output:
        **table_files("table{number}"),
        page=report(
            f"{RESULTS}/tables/table{{number}}.html",
            caption="../workflow/report/setup_table.rst",
            category="Tables",
            labels={"table": "{number}"},
        ),
    log:
        f"{LOGS}/make_table/{{number}}.log",
    benchmark:
        f"{BENCHMARKS}/make_table/{{number}}.tsv"
    wildcard_constraints:
        number="[345]",
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        schedules=schedules(),
        languages=[asdict(language) for language in EXPERIMENT.languages],
        experiment=config["experiment"],
        code=code_of("make_setup_table"),
    script:
        "../workflow/scripts/make_setup_table.py"


rule make_figure:
    input:
        figure_input,
    output:
        pdf=f"{RESULTS}/figures/figure{{number}}.pdf",
        png=report(
            f"{RESULTS}/figures/figure{{number}}.png",
            caption="../workflow/report/figure.rst",
            category="Figures",
            labels={"figure": "{number}"},
        ),
        csv=f"{RESULTS}/figures/figure{{number}}.csv",
        record=f"{RESULTS}/figures/figure{{number}}_record.json",
    log:
        f"{LOGS}/make_figure/{{number}}.log",
    benchmark:
        f"{BENCHMARKS}/make_figure/{{number}}.tsv"
    wildcard_constraints:
        number="[1-6]",
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        data=lambda wildcards, input: input[0],
        epoch_scores=lambda wildcards: (
            paths_of(config["figure3"], "epoch_scores.csv")
            if wildcards.number == "3"
            else {}
        ),
        resource_classes=EXPERIMENT.resource_classes,
        code=code_of("make_figure"),
    script:
        "../workflow/scripts/make_figure.py"


rule claims:
    input:
        scores=flat(paths_of(EXPERIMENT.settings, "scores.csv")),
        epoch_scores=flat(paths_of(config.get("figure3", []), "epoch_scores.csv")),
        parameters=list(parameters_of(EXPERIMENT.settings).values()),
        weights=rules.learn_weights.output.weights,
        ise=rules.estimate_subspaces.output.scores.format(analysis="ise"),
        lsp=rules.estimate_subspaces.output.scores.format(analysis="lsp"),
    output:
        markdown=f"{RESULTS}/claims.md",
        record=f"{RESULTS}/claims_record.json",
        page=report(
            f"{RESULTS}/claims.html",
            caption="../workflow/report/claims.rst",
            category="Claims",
        ),
    log:
        f"{LOGS}/claims.log",
    benchmark:
        f"{BENCHMARKS}/claims.tsv"
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        roles=config.get("claims", {}),
        scores=paths_of(EXPERIMENT.settings, "scores.csv"),
        epoch_scores=paths_of(config.get("figure3", []), "epoch_scores.csv"),
        parameters=parameters_of(EXPERIMENT.settings),
        resource_classes=EXPERIMENT.resource_classes,
        code=code_of("check_claims"),
    script:
        "../workflow/scripts/check_claims.py"


rule why:
    log:
        f"{LOGS}/why.log",
    conda:
        "../envs/lslo.yaml"
    params:
        records=RECORDS,
    script:
        "../workflow/scripts/why.py"


rule describe_run:
    output:
        page=report(
            f"{RESULTS}/run.html",
            caption="../workflow/report/run.rst",
            category="Configuration and software",
        ),
        config=f"{RESULTS}/config.yaml",
    log:
        f"{LOGS}/describe_run.log",
    benchmark:
        f"{BENCHMARKS}/describe_run.tsv"
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=500,
        runtime=5,
    params:
        config=config,
        # So that a new version of a package makes it again.
        software=software(),
        code=code_of("describe_run"),
    script:
        "../workflow/scripts/describe_run.py"


rule tables:
    input:
        expand(
            f"{RESULTS}/tables/table{{number}}.{{ending}}",
            number=sorted(
                [name.removeprefix("table") for name in config["tables"]]
                + ["3", "5" if "L" in EXPERIMENT.resource_classes.values() else "4"]
            ),
            ending=TABLE_FORMS.values(),
        ),
        expand(
            f"{RESULTS}/tables/{{name}}_comparison.{{ending}}",
            name=config["tables"] if COMPARED else [],
            ending=TABLE_FORMS.values(),
        ),


rule figures:
    input:
        expand(
            f"{RESULTS}/figures/figure{{number}}.{{ending}}",
            number=figure_numbers(),
            ending=FIGURE_FORMS,
        ),


rule results:
    input:
        rules.tables.input,
        rules.figures.input,
        rules.claims.output if "claims" in config else [],
        rules.describe_run.output,


rule report:
    input:
        rules.results.input,
        config=rules.describe_run.output.config,
    output:
        f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{BENCHMARKS}/report.tsv"
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        snakefile=Path(workflow.basedir) / "Snakefile",
        python=sys.executable,
    # Snakemake writes its report from a run of its own; the lock of the running one would keep it out.
    shell:
        "{params.python:q} -m snakemake --snakefile {params.snakefile:q} --configfile {input.config:q}"
        " --nolock --report {output:q} results > {log:q} 2>&1"
