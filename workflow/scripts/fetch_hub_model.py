"""Fetch a base model from the Hugging Face hub."""

from pathlib import Path

import huggingface_hub
from transformers import M2M100ForConditionalGeneration

from lslo.job import job

WANTED = ["*.json", "*.model", "model.safetensors"]


def main(name: str, output: Path) -> None:
    """Write the folder of the model `owner/model` with its weights as safetensors."""
    huggingface_hub.snapshot_download(name, local_dir=output, allow_patterns=WANTED)
    if not (output / "model.safetensors").exists():
        # An older model has a pickle only; transformers reads it with weights_only=True, no code is run.
        huggingface_hub.snapshot_download(name, local_dir=output, allow_patterns=["pytorch_model.bin"])
        M2M100ForConditionalGeneration.from_pretrained(output, dtype="auto").save_pretrained(output)
        (output / "pytorch_model.bin").unlink()


if "snakemake" in globals():
    with job(snakemake.log[0], snakemake.threads):
        main(f"{snakemake.wildcards.owner}/{snakemake.wildcards.model}", Path(snakemake.output[0]).parent)
