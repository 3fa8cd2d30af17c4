"""Raw files to valid transactions, sorted by time, and quarantined rows with reasons."""

from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa

from features.simulate.simulated import simulate_transactions
from pipeline.config import Config
from pipeline.reading.lake_tables import source_tables
from pipeline.reading.sources import source_files
from pipeline.sections import SIMULATE
from pipeline.stages.artifacts.ingest_report import IngestReport, rate_text, reasons_text
from pipeline.stages.hash_key import hash_key_check
from pipeline.stages.ingest.card_number_warnings import card_number_warnings
from pipeline.stages.ingest.lost_frauds import set_aside_line
from pipeline.stages.ingest.preset_files import keep_preset, load_preset, preset_path, rates_path
from pipeline.stages.ingest.two_passes import ingest_transactions
from pipeline.stages.stage import StageContext


def make_transactions(context: StageContext) -> str:
    """Write transactions.parquet, quarantine.parquet and report.json, and the preset by which they were read."""
    config = context.config
    report = ingest_transactions(
        config.data,
        labels=config.labels,
        as_of=context.as_of,
        simulate=_simulated,
        folder=context.out,
        progress=lambda rows: context.reporter.progress(rows, None, f"{rows:,} rows"),
    )
    keep_preset(config.data, context.out / "preset")
    tables = {} if config.data.source == SIMULATE else _read_tables(config)
    ids = card_number_warnings(context.out / "transactions.parquet", hashed=config.data.hash_key_env is not None)
    report = replace(report, tables=tables, warnings=(*ids, *report.warnings))
    context.report(report.to_dict())
    _log(context, report)
    return f"{report.accepted:,} rows accepted, {report.quarantined:,} quarantined, {rate_text(report)}"


def outside_inputs(config: Config) -> list[tuple[str, Path | str]]:
    """The source files, the preset and the secret for card ids: what decides the output beside the configuration."""
    found: list[tuple[str, Path | str]] = [("data.preset", preset_path(config.data.preset))]
    rates = rates_path(config.data, load_preset(config.data))
    if rates is not None:
        found.append(("data.preset rates", rates))
    check = hash_key_check(config.data)
    if check is not None:
        found.append(("data.hash_key_env", check))
    if config.data.source != SIMULATE:
        tables = source_tables(config.data.source)
        found += [(f"data.source {each.address.name}", each.identity) for each in tables]
        files = () if tables else source_files(config.data.source)
        found += [(f"data.source {file.name}", file.path) for file in files]
    return found


def _simulated(rows: int, seed: int) -> pa.Table:
    return simulate_transactions(rows, seed=seed).transactions


def _read_tables(config: Config) -> dict[str, str]:
    """Which version of which table was read, by its name in the report."""
    return {each.address.name: each.identity for each in source_tables(config.data.source)}


def _log(context: StageContext, report: IngestReport) -> None:
    context.log.metrics(
        {
            "rows_in": report.rows_in,
            "accepted": report.accepted,
            "quarantined": report.quarantined,
            "prevalence": report.labels.prevalence,
        }
    )
    run = context.log.run
    run.params({"rows": report.accepted})
    run.tags({"harbor.data_digest": report.digest[:36]})
    if report.tables:
        run.tags({"harbor.tables": "; ".join(f"{name}: {table}" for name, table in report.tables.items())})
    for log in (run, context.log):
        log.dataset(context.config.data.preset, digest=report.digest, rows=report.accepted, context="training")
    context.log.artifact("ingest/report.json")
    if report.set_aside is not None:
        context.reporter.say(set_aside_line(report.set_aside), event="set_aside", **asdict(report.set_aside))
        context.reporter.say(f"    {reasons_text(report)}", event="quarantine", reasons=dict(report.reasons))
    for warning in report.warnings:
        context.reporter.warn(warning)
