"""Checks the paper's claims against the results of this experiment."""

from pathlib import Path

from lslo.experiment.provenance import recorded
from lslo.reporting.claims.evidence import Evidence, EvidenceFiles
from lslo.reporting.claims.report import report_claims
from lslo.running.script import script_job

if "snakemake" in globals():
    with script_job(snakemake.log[0]), recorded(snakemake, "check_claims"):
        files = EvidenceFiles(
            scores=snakemake.params.scores,
            epoch_scores=snakemake.params.epoch_scores,
            parameters=snakemake.params.parameters,
            weights=snakemake.input.weights,
            ise=snakemake.input.ise,
            lsp=snakemake.input.lsp,
        )
        report_claims(
            snakemake.params.roles,
            Evidence.read(files, snakemake.params.resource_classes),
            markdown_file=Path(snakemake.output.markdown),
            page_file=Path(snakemake.output.page),
        )
