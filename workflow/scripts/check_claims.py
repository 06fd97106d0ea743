"""Check the paper's claims against the results of this experiment."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas

from lslo.experiment.provenance import recorded
from lslo.reporting.claims.check import check_claims
from lslo.reporting.claims.evidence import ClaimSettings, Evidence
from lslo.reporting.claims.report import claims_markdown, claims_page
from lslo.running.script import script_job
from lslo.scoring.score_files import read_scores


def main(
    roles: Mapping,
    scores: Mapping[str, Sequence[str]],
    epoch_scores: Mapping[str, Sequence[str]],
    parameters: Mapping[str, str],
    weights: str,
    ise: str,
    lsp: str,
    resource_classes: Mapping[str, str],
    markdown: Path,
    page: Path,
) -> None:
    """Write claims.md and claims.html. roles: the config's `claims`; the others: paths of the results."""
    frames = {setting: [read_scores(path) for path in paths] for setting, paths in scores.items()}
    evidence = Evidence(
        resource_classes=resource_classes,
        scores=frames,
        epoch_scores={
            setting: [read_scores(path) for path in paths] for setting, paths in epoch_scores.items()
        },
        parameters={setting: json.loads(Path(path).read_text()) for setting, path in parameters.items()},
        weights=pandas.read_csv(weights),
        ise=pandas.read_csv(ise, keep_default_na=False),
        lsp=pandas.read_csv(lsp, keep_default_na=False),
    )
    settings = ClaimSettings(
        pretrain="Pretrain" if "Pretrain" in frames else None,
        full="Ft-all" if "Ft-all" in frames else None,
        **roles,
    )
    signature = next(iter(frames.values()))[0]["spbleu_signature"].iloc[0]
    seeds = len(next(iter(frames.values())))
    note = (
        f"Scores are spBLEU ({signature}), means over directions and {seeds} seed{'s' if seeds > 1 else ''}."
    )
    claims = check_claims(settings, evidence)
    markdown.write_text(claims_markdown(claims, note), encoding="utf-8")
    page.write_text(claims_page(claims, note), encoding="utf-8")


if "snakemake" in globals():
    with script_job(snakemake.log[0]), recorded(snakemake, "check_claims"):
        main(
            snakemake.params.roles,
            snakemake.params.scores,
            snakemake.params.epoch_scores,
            snakemake.params.parameters,
            snakemake.input.weights,
            snakemake.input.ise,
            snakemake.input.lsp,
            snakemake.params.resource_classes,
            Path(snakemake.output.markdown),
            Path(snakemake.output.page),
        )
