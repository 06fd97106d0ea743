"""Figures 1 to 6."""

from pathlib import Path

from lslo.experiment.provenance import recorded
from lslo.reporting.figures.drawing import draw_figure
from lslo.reporting.figures.style import save_figure
from lslo.running.script import script_job

if "snakemake" in globals():
    with script_job(snakemake.log[0]), recorded(snakemake):
        figure, shown = draw_figure(
            int(snakemake.wildcards.number),
            snakemake.params.data,
            snakemake.params.epoch_scores,
            snakemake.params.resource_classes,
        )
        save_figure(figure, shown, **{form: Path(snakemake.output[form]) for form in ("pdf", "png", "csv")})
