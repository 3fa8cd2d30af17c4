"""Harbor under Dagster: seven assets by day, data checks and the gate as blocking checks, a nightly schedule.

`dagster dev -m pipeline.dagster_defs` starts it. The layer is thin: an asset brings one stage of the day's run folder
up to date, so a retried or repeated step costs nothing, and whatever Dagster does `harbor` can do from a shell.
Environment: HARBOR_CONFIG (a file or a shipped name, default retrain.toml), HARBOR_RUNS (default runs),
HARBOR_FIRST_DAY (default 2024-01-01), and HARBOR_SECTION__KEY for any key of the configuration.
"""

import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from features.times import day_microseconds, time_microseconds, time_name, time_text
from pipeline.config import Config, load_config
from pipeline.process.private_files import private_files
from pipeline.process.reporter import SilentReporter
from pipeline.process.terminal import shown_text
from pipeline.reading.sources import source_files
from pipeline.run import run_stages
from pipeline.runs.settings import RunSettings
from pipeline.schedule.retrain import retrain
from pipeline.sections import SIMULATE
from pipeline.stages import STAGES
from pipeline.stages.artifacts.evaluate_report import EvaluateReport
from pipeline.stages.artifacts.features_report import FeaturesReport
from pipeline.stages.artifacts.ingest_report import IngestReport
from pipeline.stages.stage import Stage
from pipeline.storage.content import read_json
from pipeline.storage.errors import INPUT_ERRORS, may_pass

RETRIES = dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
NIGHTLY = "0 3 * * *"


@dataclass(frozen=True)
class Place:
    """Where the day's runs lie and by which configuration they are made."""

    config_file: str
    runs: Path

    def settings(self, day: str) -> RunSettings:
        """Configuration and as-of time of a day: its first moment, so that the day before is whole."""
        return RunSettings(self.config(), time_microseconds(day))

    def config(self) -> Config:
        """The configuration, overridden by the environment."""
        return load_config(self.config_file)

    def folder(self, day: str) -> Path:
        """The run folder of a day, the same that `harbor retrain` uses."""
        return self.runs / f"{Path(self.config_file).stem}-{time_name(time_microseconds(day))}"


def definitions(
    place: Place, *, first_day: str, last_day: str | None = None, retries: dg.RetryPolicy = RETRIES
) -> dg.Definitions:
    """Assets, checks, job, schedule and sensor for one configuration.

    Args:
        place: run folders and configuration.
        first_day: first partition, ISO 8601.
        last_day: where the partitions end, or None for today.
        retries: how often and after how long a failed asset is tried again.
    """
    days = dg.DailyPartitionsDefinition(
        start_date=first_day, end_date=last_day, end_offset=1 if last_day is None else 0
    )
    assets = [*(_asset(stage, place, days, retries) for stage in STAGES), _champion(place, days, retries)]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", dg.PreviewWarning
        )  # partitions of checks are new; without them none would match
        checks = [_rows_check(place, days), _folds_check(place, days), _gate_check(place, days)]
    job = dg.define_asset_job("retrain", selection=dg.AssetSelection.all())
    schedule = dg.ScheduleDefinition(
        name="nightly", job=job, cron_schedule=NIGHTLY, execution_timezone="UTC", execution_fn=_nightly
    )
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=[job],
        schedules=[schedule],
        sensors=[_sensor(place, job)],
        executor=dg.in_process_executor,  # each step follows another; a process each would only load libraries anew
    )


def _asset(
    stage: Stage, place: Place, days: dg.DailyPartitionsDefinition, retries: dg.RetryPolicy
) -> dg.AssetsDefinition:
    @dg.asset(
        name=stage.name,
        deps=list(stage.reads),
        partitions_def=days,
        retry_policy=retries,
        group_name="harbor",
        description=(stage.work.__doc__ or "").strip(),
        kinds={"parquet"} if stage.name in ("ingest", "features") else {"python"},
    )
    def brought_up_to_date(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        day = context.partition_key
        folder = place.folder(day)
        with _bad_input_is_final(), private_files(os.environ):
            run_stages(folder, place.settings(day), STAGES, force=None, only=stage.name, reporter=_LogReporter(context))
        done = read_json(folder / stage.name / "DONE")
        return dg.MaterializeResult(
            metadata={
                "summary": done["summary"],
                "seconds": done["seconds"],
                "fingerprint": done["fingerprint"][:16],
                "folder": dg.MetadataValue.path(str(folder / stage.name)),
            }
        )

    return brought_up_to_date


def _champion(place: Place, days: dg.DailyPartitionsDefinition, retries: dg.RetryPolicy) -> dg.AssetsDefinition:
    """What is left of `harbor retrain` once its stages stand; it stands behind the gate's check, which blocks it.

    So a backfill of the past replaces no champion that knows more, and old runs go as they do under cron.
    """

    @dg.asset(name="champion", deps=["export"], partitions_def=days, retry_policy=retries, group_name="harbor")
    def promoted(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        name, settings = Path(place.config_file).stem, place.settings(context.partition_key)
        with _bad_input_is_final():
            outcome = retrain(name, settings, STAGES, runs=place.runs, reporter=_LogReporter(context))
        metadata = {
            "promoted": outcome.promoted,
            "said": "; ".join(map(str.strip, outcome.lines)),
            "removed": len(outcome.removed),
        }
        return dg.MaterializeResult(metadata=metadata)

    return promoted


@contextlib.contextmanager
def _bad_input_is_final() -> Iterator[None]:
    """Bad input does not get better by trying again; a lock, a network and a disk may."""
    try:
        yield
    except INPUT_ERRORS as error:
        raise dg.Failure(str(error), allow_retries=may_pass(error)) from error


class _LogReporter(SilentReporter):
    """What a stage says, in the log of Dagster's step."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._log = context.log

    def say(self, text: str, **_fields: object) -> None:
        self._log.info(shown_text(text.strip()))

    def warn(self, text: str) -> None:
        self._log.warning(shown_text(text.strip()))


def _rows_check(place: Place, days: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="ingest", name="every_row_has_a_place", blocking=True, partitions_def=days)
    def checked(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        report = IngestReport.read(place.folder(context.partition_key) / "ingest" / "report.json")
        share = report.quarantined / report.rows_in
        whole = report.rows_in == report.accepted + report.quarantined
        metadata = {"accepted": report.accepted, "quarantined": report.quarantined, "share": share}
        return dg.AssetCheckResult(passed=whole and report.labels.fraud > 0, metadata=metadata)

    return checked


def _folds_check(place: Place, days: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="features", name="every_fold_has_both_classes", blocking=True, partitions_def=days)
    def checked(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        folds = FeaturesReport.read(place.folder(context.partition_key) / "features" / "report.json").folds
        usable = {name: fold.usable for name, fold in folds.items()}
        return dg.AssetCheckResult(
            passed=all(min(counts) > 0 for counts in usable.values()),
            metadata={
                name: f"{legitimate:,} legitimate, {fraud:,} fraud" for name, (legitimate, fraud) in usable.items()
            },
        )

    return checked


def _gate_check(place: Place, days: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="export", name="gate", blocking=True, partitions_def=days)
    def checked(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        report = EvaluateReport.read(place.folder(context.partition_key) / "evaluate" / "report.json")
        metadata = {"reasons": "\n".join(report.gate.reasons), "drift": report.drift.sentence}
        return dg.AssetCheckResult(passed=report.gate.passed, metadata=metadata)

    return checked


def _nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The day that begins on the night of the tick."""
    day = _day(context.scheduled_execution_time)
    return dg.RunRequest(run_key=day, partition_key=day)


def _sensor(place: Place, job: Any) -> dg.SensorDefinition:
    @dg.sensor(name="new_data", job=job, minimum_interval_seconds=300)
    def asked(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        """Asks for a run when source files have come or changed; the cursor holds what was there last time."""
        source = place.config().data.source
        if source == SIMULATE:
            yield dg.SkipReason("the data are simulated: no file can come")
            return
        state = _state(source)
        if state == context.cursor:
            yield dg.SkipReason("no file of data.source has come or changed")
            return
        context.update_cursor(state)
        yield dg.RunRequest(run_key=state, partition_key=_day(datetime.now(UTC)))

    return asked


def _day(moment: datetime) -> str:
    """A day in UTC as partitions are named."""
    return time_text(day_microseconds(moment)).partition("T")[0]


def _state(source: str | Sequence[str]) -> str:
    files = source_files(source if isinstance(source, str) else tuple(source))
    return "; ".join(f"{each.name} {each.path.stat().st_size} {each.path.stat().st_mtime_ns}" for each in files)


defs = definitions(
    Place(os.environ.get("HARBOR_CONFIG", "retrain.toml"), Path(os.environ.get("HARBOR_RUNS", "runs"))),
    first_day=os.environ.get("HARBOR_FIRST_DAY", "2024-01-01"),
)
