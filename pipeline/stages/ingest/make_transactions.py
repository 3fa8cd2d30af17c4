"""Raw files to valid transactions, sorted by time, and quarantined rows with reasons."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from features.schema.preset import CANONICAL
from features.simulate.simulated import simulate_transactions
from pipeline.config import Config
from pipeline.sections import SIMULATE
from pipeline.stages.ingest.job import hash_key_check, ingest_transactions
from pipeline.stages.ingest.preset_files import load_preset, preset_path
from pipeline.stages.ingest.sources import source_files
from pipeline.stages.stage import StageContext


def make_transactions(context: StageContext) -> str:
    """Write transactions.parquet, quarantine.parquet and report.json."""
    config = context.config
    found = ingest_transactions(
        config.data,
        labels_delay=config.labels.delay,
        as_of=context.as_of,
        simulate=_simulated,
        transactions_to=context.out / "transactions.parquet",
        quarantine_to=context.out / "quarantine.parquet",
        progress=lambda rows: context.reporter.progress(rows, rows, f"{rows:,} rows"),
    )
    report = {**found, **_roles(found, config)}
    context.report(report)
    _log(context, report)
    labels = report["labels"]
    assert isinstance(labels, Mapping)
    prevalence = labels["prevalence"]
    rate = "no labels" if prevalence is None else f"{prevalence:.2%} fraud"
    return f"{report['accepted']:,} rows accepted, {report['quarantined']:,} quarantined, {rate}"


def outside_inputs(config: Config) -> list[tuple[str, Path | str]]:
    """The source files, the preset and the secret for card ids: what decides the output beside the configuration."""
    found: list[tuple[str, Path | str]] = [("data.preset", preset_path(config.data.preset))]
    check = hash_key_check(config.data)
    if check is not None:
        found.append(("data.hash_key_env", check))
    if config.data.source != SIMULATE:
        found += [(f"data.source {file.name}", file.path) for file in source_files(config.data.source)]
    return found


def _simulated(rows: int, seed: int) -> pa.Table:
    return simulate_transactions(rows, seed=seed).transactions


def _roles(report: Mapping[str, object], config: Config) -> dict[str, object]:
    """Which columns are categories and which are numbers, for the stages that follow."""
    preset = load_preset(config.data)
    columns = report["columns"]
    assert isinstance(columns, Mapping)
    known = {*CANONICAL, *preset.entities}
    extras = {name: kind for name, kind in columns["types"].items() if name not in known}
    return {
        "categorical": [name for name, kind in extras.items() if kind == "string"],
        "numeric": [name for name, kind in extras.items() if kind != "string"],
        "entities": [name for name in preset.entities if name in columns["types"]],
        "amount_scale": preset.amount.scale,
    }


def _log(context: StageContext, report: Mapping[str, object]) -> None:
    labels = report["labels"]
    assert isinstance(labels, Mapping)
    context.log.metrics(
        {
            "rows_in": float(str(report["rows_in"])),
            "accepted": float(str(report["accepted"])),
            "quarantined": float(str(report["quarantined"])),
            "prevalence": labels["prevalence"],
        }
    )
    digest, accepted = str(report["digest"]), int(str(report["accepted"]))
    run = context.log.run
    run.params({"rows": accepted})
    run.tags({"harbor.data_digest": digest[:36]})
    for log in (run, context.log):
        log.dataset(context.config.data.preset, digest=digest, rows=accepted, context="training")
    context.log.artifact("ingest/report.json")
    warnings = report["warnings"]
    assert isinstance(warnings, list)
    for warning in warnings:
        context.reporter.warn(warning)
