"""A judgement on outcomes, printed for a person."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.process.terminal import print_line, print_table

METRIC_TITLES = {
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
"""The metrics that are printed, in this order, and what they are called."""


def print_outcomes(report: Mapping[str, Any], place: Path | str | None, console: Console) -> None:
    """Print the verdict, a table in a terminal and plain lines everywhere else, and where it stands if it does."""
    for line in population_lines(report):
        print_line(line, console=console)
    rows = metric_rows(report["metrics"])
    if console.is_terminal:
        print_table(("on known outcomes", "value", "95 % interval"), rows, console=console)
    else:
        for title, value, interval in rows:
            print_line(f"  {title:<20} {value:>9}  {interval}", console=console)
    for line in (*refit_lines(report), *(f"! {warning}" for warning in report["warnings"])):
        print_line(line, console=console)
    if place is not None:
        print_place(place, console)


def print_place(place: Path | str, console: Console) -> None:
    """Say where a report stands."""
    print_line(f"report  {place}", console=console)


def population_lines(report: Mapping[str, Any]) -> list[str]:
    """What was judged, in words."""
    population, coverage = report["population"], report["coverage"]
    return [
        f"{report['bundle']['candidate']} on {population['rows']:,} known outcomes of {coverage['rows']:,} rows "
        f"({coverage['waiting']:,} waiting, {coverage['blocked']:,} blocked)",
        f"{population['frauds']:,} frauds, prevalence {100 * population['prevalence']:.2f} %",
    ]


def refit_lines(report: Mapping[str, Any]) -> list[str]:
    """How the refit that ships compares with its judged twin, in words; nothing where it has none."""
    found = report.get("refit")
    if found is None:
        return []
    if "reason" in found:
        return [f"! {found['reason']}"]
    loss = found["log_loss"]
    said = {"worse": "is worse: go back to the twin", "better": "is better", "open": "cannot be told apart yet"}
    limits = "no limits yet" if loss["low"] is None else f"{loss['low']:+.5f} to {loss['high']:+.5f} on all days"
    value = "none" if loss["value"] is None else f"{loss['value']:+.5f}"
    return [
        f"refit against its judged twin: log loss {value} ({limits}), {loss['frauds']:,} frauds of {loss['days']} "
        f"days: it {said[found['verdict']]}"
    ]


def metric_rows(metrics: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Title, value and interval of each metric that the report has."""
    held = [(title, metrics[name]) for name, title in METRIC_TITLES.items() if name in metrics]
    return [(title, _number(m["value"]), f"{_number(m['low'])} to {_number(m['high'])}") for title, m in held]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
