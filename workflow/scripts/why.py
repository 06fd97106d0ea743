"""Say of each result whether it is what the configuration asks for, and if not, what has changed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lslo.experiment.provenance import explain


def main(records: Sequence[Path], config: Mapping, root: Path, log: Path) -> None:
    """Print a line for each record, and write the same to the log. root: the folder of the Snakefile."""
    lines = list(explain(records, config, root))
    log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print("\n".join(lines))


if "snakemake" in globals():
    main(
        [Path(path) for path in snakemake.params.records],
        snakemake.config,
        Path(snakemake.scriptdir).parents[1],
        Path(snakemake.log[0]),
    )
