"""A deployed bundle judged on outcomes that arrived later, and that judgement in words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from evaluation.report.outcomes_section import outcomes_report
from pipeline.bundle.manifest import MANIFEST, checked_bundle, signing_key
from pipeline.bundle.scorer import loaded_scorer
from pipeline.config import Config
from pipeline.outcomes.outcome_rows import read_outcomes
from pipeline.process.hardware import cpu_threads
from pipeline.storage.content import write_json
from pipeline.storage.digests import sha256_file

SHOWN = {
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "brier": "Brier",
    "brier_skill": "Brier skill",
    "log_loss": "log loss",
    "ece": "ECE",
    "observed_expected": "observed / expected",
    "calibration_slope": "calibration slope",
    "precision_at_half": "precision at 0.5",
    "recall_at_budget": "recall at budget",
}


def judge_outcomes(bundle: Path, outcomes: Path, config: Config) -> tuple[dict[str, Any], Path]:
    """Scores a file's rows with a bundle and judges the probabilities where the outcome is known.

    The report is written beside the file, as its name with `.report.json` in place of the suffix.

    Args:
        bundle: the deployed bundle; its files are checked first.
        outcomes: .parquet, .csv or .jsonl with `label` (0, 1 or empty: not known) and either the graph's columns or
            the `probability` that the bundle gave; `event_time`, `amount`, `card_id` and `blocked` (0 or 1) may follow.
        config: [evaluation] says how to judge, train.seed draws.

    Returns:
        The report, and where it was written.

    Raises:
        InputError: the bundle or the file is not as it must be; nothing is written then.
    """
    checked = checked_bundle(bundle, key=signing_key(config.export.sign_key_env))
    read = read_outcomes(outcomes, loaded_scorer(checked), threads=cpu_threads(config.train.threads))
    candidate = str(checked.manifest["candidate"])
    report = outcomes_report(
        read.rows,
        read.probabilities,
        config=config.evaluation,
        rng=np.random.default_rng(config.train.seed),
        blocked=read.blocked,
        name=candidate,
    )
    if not read.timed:
        report["population"] |= {"from": None, "to": None}
    seen = checked.manifest.get("seen_until_microseconds")
    early = int((read.rows.event_time <= seen).sum()) if read.timed and isinstance(seen, int) else 0
    remarks = [*read.remarks, *([_early(early, checked.manifest)] if early else [])]
    report["warnings"] = [*report["warnings"], *remarks]
    about = {
        "bundle": {"manifest": sha256_file(bundle / MANIFEST), "candidate": candidate},
        "outcomes": {"file": outcomes.name, "sha256": sha256_file(outcomes)},
    }
    place = outcomes.with_name(f"{outcomes.stem}.report.json")
    write_json(place, about | report)
    return about | report, place


def _early(rows: int, manifest: Mapping[str, Any]) -> str:
    return (
        f"{rows:,} rows are not later than {manifest.get('seen_until')}, the last event that a fit of the bundle saw: "
        "on those the numbers flatter it"
    )


def print_outcomes(report: Mapping[str, Any], place: Path | str, console: Console) -> None:
    """The verdict for a person: a table in a terminal, plain lines everywhere else."""
    for line in outcome_lines(report):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    cells = [(title, report["metrics"][name]) for name, title in SHOWN.items() if name in report["metrics"]]
    if console.is_terminal:
        table = Table("on known outcomes", "value", "95 % interval")
        for title, cell in cells:
            table.add_row(title, _figure(cell["value"]), f"{_figure(cell['low'])} to {_figure(cell['high'])}")
        console.print(table)
    else:
        for title, cell in cells:
            interval = f"{_figure(cell['low'])} to {_figure(cell['high'])}"
            console.print(f"  {title:<20} {_figure(cell['value']):>9}  {interval}", highlight=False, soft_wrap=True)
    for warning in report["warnings"]:
        console.print(f"! {warning}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"report  {place}", highlight=False, markup=False, soft_wrap=True)


def outcome_lines(report: Mapping[str, Any]) -> list[str]:
    """What was judged, in words."""
    population, coverage = report["population"], report["coverage"]
    return [
        f"{report['bundle']['candidate']} on {population['rows']:,} known outcomes of {coverage['rows']:,} rows "
        f"({coverage['waiting']:,} waiting, {coverage['blocked']:,} blocked)",
        f"{population['frauds']:,} frauds, prevalence {100 * population['prevalence']:.2f} %",
    ]


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
