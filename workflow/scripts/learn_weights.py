"""Weight learning (Section 4.1): train source- and target-indexed LSLo modules side by side."""

from pathlib import Path

from lslo.experiment.provenance import recorded
from lslo.recipes.training_job import run
from lslo.recipes.weight_learning import learn_weights
from lslo.running.gpus import requested_gpus
from lslo.running.script import script_job
from training_job import training_job


def main(arguments: dict, outputs: dict, gpus: int, locks: Path) -> None:
    """Write the weights and the strategy. arguments, outputs: of `learn_weights`."""
    run(learn_weights, arguments, outputs, gpus, locks)


if "snakemake" in globals() and __name__ == "__main__":
    with script_job(snakemake.log[0], snakemake.threads) as terminal, recorded(snakemake):
        main(
            {"job": training_job(snakemake), "rank": snakemake.params.rank, "progress": terminal},
            {
                "weights_file": Path(snakemake.output.weights),
                "strategy_file": Path(snakemake.output.strategy),
            },
            requested_gpus(snakemake.resources),
            Path(snakemake.params.locks),
        )
