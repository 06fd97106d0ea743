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
            setting_files(EXPERIMENT, table_settings(wildcards), PATHS.scores)
        ),
        statistics=lambda wildcards: flat(
            setting_files(EXPERIMENT, table_settings(wildcards), PATHS.statistics)
        ),
        parameters=lambda wildcards: list(
            parameter_files(EXPERIMENT, table_settings(wildcards)).values()
        ),
    output:
        **PATHS.table_files("table{number}"),
        **(
            {
                **PATHS.table_files("table{number}_comparison", "comparison_"),
                "comparison_page": report(
                    PATHS.table("table{number}_comparison", "html"),
                    caption="../workflow/report/comparison_table.rst",
                    category="Tables",
                    labels={"table": "{number}, compared"},
                ),
            }
            if EXPERIMENT.tables_are_compared
            else {}
        ),
        record=PATHS.table_record("table{number}"),
        page=report(
            PATHS.table("table{number}", "html"),
            caption="../workflow/report/results_table.rst",
            category="Tables",
            labels={"table": "{number}"},
        ),
    log:
        PATHS.log("make_table", "{number}"),
    benchmark:
        PATHS.benchmark("make_table", "{number}")
    wildcard_constraints:
        number="|".join(name.removeprefix("table") for name in CONFIG.tables),
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=table_settings,
        scores=lambda wildcards: setting_files(
            EXPERIMENT, table_settings(wildcards), PATHS.scores
        ),
        parameters=lambda wildcards: parameter_files(
            EXPERIMENT, table_settings(wildcards)
        ),
        statistics=lambda wildcards: setting_files(
            EXPERIMENT, table_settings(wildcards), PATHS.statistics
        ),
        resamples=CONFIG.significance,
        paper=lambda wildcards: paper_table(wildcards.number),
        resource_classes=EXPERIMENT.resource_classes,
        experiment=CONFIG.experiment,
        code=code_of("make_results_table"),
    script:
        "../workflow/scripts/make_results_table.py"


rule make_setup_table:
    output:
        **PATHS.table_files("table{number}"),
        page=report(
            PATHS.table("table{number}", "html"),
            caption="../workflow/report/setup_table.rst",
            category="Tables",
            labels={"table": "{number}"},
        ),
    log:
        PATHS.log("make_table", "{number}"),
    benchmark:
        PATHS.benchmark("make_table", "{number}")
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
        experiment=CONFIG.experiment,
        code=code_of("make_setup_table"),
    script:
        "../workflow/scripts/make_setup_table.py"


rule make_figure:
    input:
        figure_input,
    output:
        pdf=PATHS.figure("pdf"),
        png=report(
            PATHS.figure("png"),
            caption="../workflow/report/figure.rst",
            category="Figures",
            labels={"figure": "{number}"},
        ),
        csv=PATHS.figure("csv"),
        record=PATHS.figure_record(),
    log:
        PATHS.log("make_figure", "{number}"),
    benchmark:
        PATHS.benchmark("make_figure", "{number}")
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
            setting_files(EXPERIMENT, CONFIG.figure3, PATHS.epoch_scores)
            if wildcards.number == "3"
            else {}
        ),
        resource_classes=EXPERIMENT.resource_classes,
        code=code_of("make_figure"),
    script:
        "../workflow/scripts/make_figure.py"


rule claims:
    input:
        scores=flat(setting_files(EXPERIMENT, EXPERIMENT.settings, PATHS.scores)),
        epoch_scores=flat(setting_files(EXPERIMENT, CONFIG.figure3, PATHS.epoch_scores)),
        parameters=list(parameter_files(EXPERIMENT, EXPERIMENT.settings).values()),
        weights=rules.learn_weights.output.weights,
        ise=rules.estimate_subspaces.output.scores.format(analysis="ise"),
        lsp=rules.estimate_subspaces.output.scores.format(analysis="lsp"),
    output:
        markdown=PATHS.claims("md"),
        record=PATHS.claims_record,
        page=report(
            PATHS.claims("html"),
            caption="../workflow/report/claims.rst",
            category="Claims",
        ),
    log:
        PATHS.log("claims"),
    benchmark:
        PATHS.benchmark("claims")
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        roles=CONFIG.claims.model_dump(exclude_unset=True) if CONFIG.claims else {},
        scores=setting_files(EXPERIMENT, EXPERIMENT.settings, PATHS.scores),
        epoch_scores=setting_files(EXPERIMENT, CONFIG.figure3, PATHS.epoch_scores),
        parameters=parameter_files(EXPERIMENT, EXPERIMENT.settings),
        resource_classes=EXPERIMENT.resource_classes,
        code=code_of("check_claims"),
    script:
        "../workflow/scripts/check_claims.py"


rule why:
    log:
        PATHS.log("why"),
    conda:
        "../envs/lslo.yaml"
    params:
        records=[str(file) for file in record_files(EXPERIMENT)],
    script:
        "../workflow/scripts/why.py"


rule describe_run:
    output:
        page=report(
            PATHS.run_page,
            caption="../workflow/report/run.rst",
            category="Configuration and software",
        ),
        config=PATHS.configuration,
    log:
        PATHS.log("describe_run"),
    benchmark:
        PATHS.benchmark("describe_run")
    conda:
        "../envs/lslo.yaml"
    resources:
        mem_mb=500,
        runtime=5,
    params:
        config=CONFIG.model_dump(mode="json", exclude_unset=True),
        # So that a new version of a package makes it again.
        software=software(),
        code=code_of("describe_run"),
    script:
        "../workflow/scripts/describe_run.py"


rule tables:
    input:
        [
            PATHS.table(name, ending)
            for name in sorted([*CONFIG.tables, *EXPERIMENT.setup_tables])
            for ending in TABLE_FORMS.values()
        ],
        [
            PATHS.table(f"{name}_comparison", ending)
            for name in CONFIG.tables
            for ending in TABLE_FORMS.values()
            if EXPERIMENT.tables_are_compared
        ],


rule figures:
    input:
        [
            PATHS.figure(form, number)
            for number in EXPERIMENT.figures
            for form in FIGURE_FORMS
        ],


rule results:
    input:
        rules.tables.input,
        rules.figures.input,
        rules.claims.output if CONFIG.claims else [],
        rules.describe_run.output,


rule report:
    input:
        rules.results.input,
        config=rules.describe_run.output.config,
    output:
        PATHS.report,
    log:
        PATHS.log("report"),
    benchmark:
        PATHS.benchmark("report")
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
