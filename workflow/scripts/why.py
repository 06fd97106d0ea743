"""Says of each result whether it still matches the configuration, and if not, what has changed."""

from pathlib import Path

from lslo.experiment.staleness import explain

records = [Path(path) for path in snakemake.params.records]
text = "\n".join(explain(records, snakemake.config, root=Path(snakemake.scriptdir).parents[1]))
Path(snakemake.log[0]).write_text(f"{text}\n", encoding="utf-8")
print(text)
