"""What pages take from elsewhere: the configuration reference, and the worked example of a finished run.

`python -m pipeline.reference` renews the first in pipeline/configs/README.md; with `--run FOLDER` the second in
evaluation/README.md as well.
"""

import argparse
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from evaluation.paired_losses import RowLosses
from evaluation.selection import Setting, setting_losses
from pipeline.config import Config
from pipeline.stages.artifacts.sweep_files import ValidOutcomes, read_outcomes
from pipeline.storage.atomic import write_text
from pipeline.storage.content import read_json

HOUSE = Path(__file__).parent.parent
REFERENCE_PAGE = HOUSE / "pipeline" / "configs" / "README.md"
EXAMPLE_PAGE = HOUSE / "evaluation" / "README.md"
CONFIGURATION = ("<!-- configuration: generated -->", "<!-- /configuration -->")
EXAMPLE_COLUMNS = (
    *("ε", "train accuracy", "ROC AUC", "ECE", "Brier", "precision at 0.5", "legitimate > 0.95"),
    *("ECE, inverse", "Brier, inverse", "log loss behind ε = 0, × 10⁻⁴"),
)
EXAMPLE = ("<!-- example: generated -->", "<!-- /example -->")


def configuration_reference() -> str:
    """Markdown: a heading and a table per section, with its docstring and every key, its default and what it means."""
    defaults = Config().model_dump(mode="json")
    parts = []
    for name, field in Config.model_fields.items():
        section = field.annotation
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        rows = "\n".join(_rows(section, defaults[name], prefix=""))
        text = inspect.cleandoc(section.__doc__ or "").replace(f" ([{name}])", "")
        parts.append(f"## [{name}]\n\n{text}\n\n| key | default | |\n|---|---|---|\n{rows}")
    return "\n\n".join(parts)


def worked_example(report: dict[str, Any], valid: ValidOutcomes) -> str:
    """Markdown: the guide's experiment on one run, with class weights as torch applies them and without any.

    Args:
        report: evaluate/report.json of the run; its sweep was judged on valid.
        valid: the margins of that sweep.
    """
    sweep = report["smoothing"]["sweep"]
    losses = setting_losses(valid.labels, valid.outcomes, event_time=valid.event_time, merchant=valid.merchant)
    parts = [_example_intro(report)]
    for title, weight, weighting in (
        ("Balanced class weights and smoothing in one line of torch", "balanced", "column"),
        ("No class weights", "none", "example"),
    ):
        rows = [row for row in sweep if (row["class_weight"], row["weighting"]) == (weight, weighting)]
        lines = "\n".join(_example_row(row, losses) for row in sorted(rows, key=lambda row: row["smoothing"]))
        head = f"| {' | '.join(EXAMPLE_COLUMNS)} |\n|{'---:|' * len(EXAMPLE_COLUMNS)}"
        repeats = max(row["repeats"] for row in rows)
        fits = "one fit each" if repeats == 1 else f"means over {repeats} fits each"
        parts.append(f"**{title}**, {fits}\n\n{head}\n{lines}")
    return "\n\n".join(parts)


def with_part(text: str, markers: tuple[str, str], content: str) -> str:
    """A document with what stands between two markers renewed.

    Raises:
        ValueError: the document lacks a marker.
    """
    begin, end = markers
    if begin not in text or end not in text:
        raise ValueError(f"the document must hold {begin} and {end}")
    return f"{text.partition(begin)[0]}{begin}\n\n{content}\n\n{end}{text.partition(end)[2]}"


def _example_intro(report: dict[str, Any]) -> str:
    people, bins = report["smoothing"]["population"], report["configuration"]["evaluation"]["bins"]
    return (
        f"Valid fold: {people['rows']:,} rows, {people['frauds']:,} frauds, prevalence {people['prevalence']:.2%}. "
        f"ECE has {bins} equal-width bins; *inverse* is after the closed-form inverse of the loss. The last column "
        "is after an affine map of the margin, the same for every setting, with the 95 % interval of the paired "
        "difference over days or merchants, and over repeats where there are several."
    )


def _example_row(row: dict[str, Any], losses: RowLosses[Setting]) -> str:
    raw, inverted = row["raw"], row["inverted"]
    precision = "–" if raw["precision_at_half"] is None else f"{raw['precision_at_half']:.1%}"
    return (
        f"| {row['smoothing']:g} | {row['train_accuracy']:.1%} | {raw['roc_auc']:.4f} | {raw['ece']:.4f} | "
        f"{raw['brier']:.4f} | {precision} | {raw['share_negatives_above_095']:.2%} | {inverted['ece']:.4f} | "
        f"{inverted['brier']:.4f} | {_behind(row, losses)} |"
    )


def _behind(row: dict[str, Any], losses: RowLosses[Setting]) -> str:
    """How far a setting lies behind its own ε = 0, with its interval."""
    if row["smoothing"] == 0:
        return "–"
    setting, twin = (Setting(each, row["class_weight"], row["weighting"]) for each in (row["smoothing"], 0.0))
    found = losses.difference(setting, twin)
    low, high = found.interval
    return " ".join((f"{found.value * 1e4:+.1f}", f"({low * 1e4:+.1f} to {high * 1e4:+.1f})")).replace("-", "−")


def _rows(section: type[BaseModel], defaults: dict[str, object], *, prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        default = defaults[name]
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert isinstance(default, dict)
            yield from _rows(field.annotation, default, prefix=f"{prefix}{name}.")
        else:
            shown = "unset" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"
            yield f"| `{prefix}{name}` | {shown} | {(field.description or '').replace('|', '∣')} |"


def main() -> None:
    """Renew the pages in place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="finished run whose sweep is the worked example")
    arguments = parser.parse_args()
    _renew(REFERENCE_PAGE, CONFIGURATION, configuration_reference())
    if arguments.run is not None:
        report, train = read_json(arguments.run / "evaluate" / "report.json"), arguments.run / "train"
        floor = report["configuration"]["calibration"]["posterior_floor"]
        valid = read_outcomes(train / "valid.parquet", train / "sweep.json", floor=floor)
        _renew(EXAMPLE_PAGE, EXAMPLE, worked_example(report, valid))


def _renew(page: Path, markers: tuple[str, str], content: str) -> None:
    write_text(page, with_part(page.read_text(encoding="utf-8"), markers, content))


if __name__ == "__main__":
    main()
