"""What pages take from elsewhere: the references of configurations and presets, and the worked example of a run.

`python -m pipeline.reference` renews the first two in pipeline/configs/README.md and data/presets/README.md; with
`--run FOLDER` the third in evaluation/README.md as well.
"""

import argparse
import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from evaluation.paired_losses import RowLosses
from evaluation.selection import Setting, setting_losses
from features.schema.preset import Preset
from pipeline.config import Config
from pipeline.stages.artifacts.sweep_files import ValidOutcomes, read_outcomes
from pipeline.storage.atomic import write_text
from pipeline.storage.content import read_json

HOUSE = Path(__file__).parent.parent
REFERENCE_PAGE = HOUSE / "pipeline" / "configs" / "README.md"
PRESET_PAGE = HOUSE / "data" / "presets" / "README.md"
EXAMPLE_PAGE = HOUSE / "evaluation" / "README.md"
CONFIGURATION = ("<!-- configuration: generated -->", "<!-- /configuration -->")
PRESET = ("<!-- preset: generated -->", "<!-- /preset -->")
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


def preset_reference() -> str:
    """Markdown: the plain keys of a preset, then a table per part: each key, its default and what it means."""
    parts = {name: _parts_in(field.annotation) for name, field in Preset.model_fields.items()}
    plain = [name for name, models in parts.items() if not models]
    sections = [f"## Plain keys\n\n{_preset_table(Preset, plain)}"]
    told: dict[type[BaseModel], str] = {}
    for name, (model, *_) in ((name, models) for name, models in parts.items() if models):
        heading = _heading(name, Preset.model_fields[name])
        sections.append(_preset_section(heading, model, Preset.model_fields[name], told))
        told.setdefault(model, heading)
    return "\n\n".join(sections)


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


def _parts_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _parts_in(part)]


def _heading(name: str, field: FieldInfo) -> str:
    """As it stands in a file: a table, a list of tables, or a table under a name of the user's."""
    if get_origin(field.annotation) is dict:
        return f"[{name}.NAME_id]"
    return f"[[{name}]]" if get_origin(field.annotation) is tuple else f"[{name}]"


def _preset_section(heading: str, model: type[BaseModel], field: FieldInfo, told: Mapping[type[BaseModel], str]) -> str:
    text = " ".join(filter(None, (inspect.cleandoc(model.__doc__ or ""), _sentence(field.description))))
    if model in told:
        return f"## {heading}\n\n{text} Keys as in {told[model]}."
    tables = [_preset_table(model, model.model_fields)]
    for name, inner in model.model_fields.items():
        for part in _parts_in(inner.annotation):
            where = f"`{name}`: keys as in {told[part]}." if part in told else f"Of each entry of `{name}`:"
            tables += [where] if part in told else [where, _preset_table(part, part.model_fields)]
    return "\n\n".join([f"## {heading}", text, *tables])


def _preset_table(model: type[BaseModel], names: Iterable[str]) -> str:
    rows = []
    for name in names:
        field = model.model_fields[name]
        default = "required" if field.is_required() else _default_text(field.get_default(call_default_factory=True))
        texts = (field.description, *(inspect.cleandoc(part.__doc__ or "") for part in _parts_in(field.annotation)))
        said = next(filter(None, texts), "").replace("|", "∣")
        rows.append(f"| `{name}` | {default} | {said} |")
    return "\n".join(["| key | default | |", "|---|---|---|", *rows])


def _default_text(value: object) -> str:
    if value is None or value == () or value == {}:
        return "unset"
    return f"`{json.dumps(value, ensure_ascii=False, default=str)}`"


def _sentence(text: str | None) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


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
    _renew(PRESET_PAGE, PRESET, preset_reference())
    if arguments.run is not None:
        report, train = read_json(arguments.run / "evaluate" / "report.json"), arguments.run / "train"
        floor = report["configuration"]["calibration"]["posterior_floor"]
        valid = read_outcomes(train / "valid.parquet", train / "sweep.json", floor=floor)
        _renew(EXAMPLE_PAGE, EXAMPLE, worked_example(report, valid))


def _renew(page: Path, markers: tuple[str, str], content: str) -> None:
    write_text(page, with_part(page.read_text(encoding="utf-8"), markers, content))


if __name__ == "__main__":
    main()
