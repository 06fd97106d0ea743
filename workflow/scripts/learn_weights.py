"""Weight learning (Section 4.1): train source- and target-indexed LSLo modules side by side."""

from pathlib import Path

from lslo.architecture import learn_weights
from lslo.gpus import claimed_gpus
from lslo.job import job
from lslo.launch import launch
from training_job import training_job


def main(arguments: dict, gpus: int, locks: Path) -> None:
    """Write the weights and the strategy. arguments: of `lslo.architecture.learn_weights`."""
    with claimed_gpus(gpus, locks):
        launch(learn_weights, arguments, gpus)


if "snakemake" in globals() and __name__ == "__main__":
    with job(snakemake.log[0], snakemake.threads) as terminal:
        main(
            {
                "job": training_job(snakemake),
                "rank": snakemake.params.rank,
                "weights_file": Path(snakemake.output.weights),
                "strategy_file": Path(snakemake.output.strategy),
                "progress": terminal,
            },
            snakemake.resources.get("gpu", 0),
            Path(snakemake.params.locks),
        )
