"""Raw files to valid transactions, sorted by time, and quarantined rows with reasons."""

from pathlib import Path

import pyarrow as pa

from features.simulate.simulated import simulate_transactions
from pipeline.config import Config
from pipeline.reading.sources import source_files
from pipeline.sections import SIMULATE
from pipeline.stages.artifacts.ingest_report import IngestReport
from pipeline.stages.ingest.hash_key import hash_key_check
from pipeline.stages.ingest.preset_files import load_preset, preset_path, rates_path
from pipeline.stages.ingest.two_passes import ingest_transactions
from pipeline.stages.stage import StageContext


def make_transactions(context: StageContext) -> str:
    """Write transactions.parquet, quarantine.parquet and report.json."""
    config = context.config
    report = ingest_transactions(
        config.data,
        labels=config.labels,
        as_of=context.as_of,
        simulate=_simulated,
        transactions_to=context.out / "transactions.parquet",
        quarantine_to=context.out / "quarantine.parquet",
        progress=lambda rows: context.reporter.progress(rows, rows, f"{rows:,} rows"),
    )
    context.report(report.to_dict())
    _log(context, report)
    prevalence = report.labels.prevalence
    rate = "no labels" if prevalence is None else f"{prevalence:.2%} fraud"
    return f"{report.accepted:,} rows accepted, {report.quarantined:,} quarantined, {rate}"


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
        found += [(f"data.source {file.name}", file.path) for file in source_files(config.data.source)]
    return found


def _simulated(rows: int, seed: int) -> pa.Table:
    return simulate_transactions(rows, seed=seed).transactions


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
    for log in (run, context.log):
        log.dataset(context.config.data.preset, digest=report.digest, rows=report.accepted, context="training")
    context.log.artifact("ingest/report.json")
    for warning in report.warnings:
        context.reporter.warn(warning)
