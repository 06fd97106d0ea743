"""Fetches a base model from the Hugging Face hub."""

from pathlib import Path

from lslo.running.script import script_job
from lslo.sources.hub import fetch_hub_model

with script_job(snakemake.log[0], snakemake.threads):
    fetch_hub_model(
        f"{snakemake.wildcards.owner}/{snakemake.wildcards.model}", Path(snakemake.output[0]).parent
    )
