"""The verdict as tracking shows it: few headline numbers with their intervals on the run, figures and texts beside."""

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.render.foreign_text import markdown_text
from evaluation.report.drift_section import drift_metrics
from pipeline.tracking.stage_log import StageLog

WITH_INTERVAL = ("average_precision", "roc_auc", "brier_skill", "log_loss", "ece", "observed_expected")
WITHOUT_INTERVAL = ("brier", "recall_at_budget")
OF_EVERY_CANDIDATE = ("average_precision", "roc_auc", "brier_skill", "ece")
DOCUMENTS = ("report.html", "report.json", "model_card.md")


def log_verdict(log: StageLog, report: Mapping[str, Any], *, pictures: Sequence[str]) -> None:
    """Log the shipped candidate's headline on the run, every candidate's on the stage; nothing a row long.

    Args:
        log: the log of the stage.
        report: the content of report.json.
        pictures: file names in reliability/.
    """
    shipped, population, gate = report["shipped"], report["population"], report["gate"]
    metrics = report["candidates"][shipped]
    log.run.metrics(
        {
            **{key: value for name in WITH_INTERVAL for key, value in _with_interval(name, metrics[name]).items()},
            **{name: metrics[name]["value"] for name in WITHOUT_INTERVAL},
            "ece_null_95": metrics["ece_null_95"],
            "test_rows": population["rows"],
            "test_frauds": population["frauds"],
        }
    )
    verdict = "passed" if gate["passed"] else "refused"
    log.run.tags({"harbor.gate": verdict, "harbor.shipped": shipped, "mlflow.note.content": _note(report)})
    for name, each in report["candidates"].items():
        log.metrics({f"{name}/{metric}": each[metric]["value"] for metric in OF_EVERY_CANDIDATE})
    for name in DOCUMENTS:
        log.run.artifact(f"evaluate/{name}")
    for name in pictures:
        log.run.artifact(f"evaluate/reliability/{name}", folder="reliability")
    log.metrics(drift_metrics(report["drift"]))


def _with_interval(name: str, metric: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: metric["value"], f"{name}_low": metric["low"], f"{name}_high": metric["high"]}


def _note(report: Mapping[str, Any]) -> str:
    """The description that the UI shows above a run, in Markdown."""
    population, gate = report["population"], report["gate"]
    metrics = report["candidates"][report["shipped"]]
    lines = [
        f"**Gate {'passed' if gate['passed'] else 'refused'}.** Candidate *{markdown_text(report['shipped'])}* on "
        f"{population['rows']:,} test rows, {population['frauds']:,} frauds.",
        "",
        "| | value | 95 % interval |",
        "|---|---|---|",
        *(_note_row(name, metrics[name]) for name in WITH_INTERVAL),
        "",
        *(f"- {markdown_text(reason)}" for reason in gate["reasons"]),
    ]
    return "\n".join(lines)


def _note_row(name: str, metric: Mapping[str, Any]) -> str:
    interval = "" if metric["low"] is None else f"{metric['low']:.4g} to {metric['high']:.4g}"
    value = "" if metric["value"] is None else f"{metric['value']:.4g}"
    return f"| {name.replace('_', ' ')} | {value} | {interval} |"
