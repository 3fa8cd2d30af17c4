"""The backtest: what retraining at each past date would have shipped, and what the gate would have said.

Every date is a run of its own as of that date, judged against the last one promoted before it. Ingest and windows are
paid for once. Beside each retrained model stand the first one, never retrained, and the logistic baseline.
"""

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.model_age import BacktestRows, ageing_table, backtest_statistics
from evaluation.render.backtest_picture import backtest_picture
from evaluation.render.week_after_picture import week_after_picture
from features.times import DAY, duration_text, time_name, time_text
from pipeline.config import Config
from pipeline.process.hardware import cpu_threads
from pipeline.process.reporter import Reporter
from pipeline.run import run_stages
from pipeline.runs.settings import RunSettings, pinned_settings, read_settings
from pipeline.schedule.backtest_tables import MODELS, STATISTICS, csv_text, weeks_csv
from pipeline.schedule.shared_windows import SharedRun, shared_stages, stages_as_of, why_not_shared
from pipeline.schedule.week_after import Production, week_after, week_means
from pipeline.stages.artifacts.candidates import calibrated_probabilities, raw_scores
from pipeline.stages.artifacts.evaluate_report import EvaluateReport, GateReport
from pipeline.stages.artifacts.features_report import FeaturesReport
from pipeline.stages.artifacts.model_files import load_calibration, load_models
from pipeline.stages.stage import CHAMPION_FILE, Stage
from pipeline.storage.atomic import replaced_folder, write_bytes, write_text
from pipeline.storage.content import read_json, read_table, write_json
from pipeline.storage.digests import sha256_file, sha256_json
from pipeline.storage.errors import INPUT_ERRORS, InputError
from pipeline.storage.locks import held
from pipeline.tracking.journal import Journal
from pipeline.tracking.replay import replay
from pipeline.tracking.stage_log import StageLog, close_interrupted

FEWEST_DATES = 2


@dataclass(frozen=True)
class BacktestDates:
    """Which dates: from `start` to `end` (microseconds since 1970, both included) in steps of `every`."""

    start: int
    end: int
    every: int

    @property
    def moments(self) -> list[int]:
        """The dates in order, in microseconds since 1970."""
        return list(range(self.start, self.end + 1, self.every))


def backtest(
    name: str, config: Config, dates: BacktestDates, stages: Sequence[Stage], *, runs: Path, reporter: Reporter
) -> tuple[Path, dict[str, Any]]:
    """Run the pipeline at each of some past dates; a backtest that was interrupted goes on with the date it was at.

    Args:
        name: the configuration's name.
        config: of every date; its dates are not sent to MLflow as runs of their own.
        dates: the dates.
        stages: all stages, in order.
        runs: the folder of runs.
        reporter: where progress is told.

    Returns:
        The folder and the content of its backtest.json.

    Raises:
        LockedError: another backtest works in the same folder.
        InputError: bad input, or a date with too little data before it; the message names the date.
    """
    if dates.every <= 0 or len(dates.moments) < FEWEST_DATES:
        raise InputError(
            f"a backtest needs at least {FEWEST_DATES} dates, got {len(dates.moments)} from --from to --to"
        )
    config = pinned_settings(RunSettings(config, None)).config
    folder = runs / f"backtest-{name}-{time_name(dates.start)}-{time_name(dates.end)}-{duration_text(dates.every)}"
    quiet = config.model_copy(
        update={
            "tracking": config.tracking.model_copy(update={"enabled": False}),
            "export": config.export.model_copy(update={"state": False}),
        }
    )
    with held(folder / ".lock", f"another backtest is at work in {folder}"):
        of_date, shared = _stages_of_a_date(folder, quiet, stages, reporter)
        log, logged = _opened_log(folder, config, dates)
        lines: list[dict[str, Any]] = []
        rows: list[BacktestRows] = []
        for index, date in enumerate(dates.moments):
            reporter.say(f"{index + 1} of {len(dates.moments)}: as of {time_text(date)}")
            run = folder / time_name(date)
            _place_champion(run, _last_promoted(folder, lines))
            _run_date(run, RunSettings(quiet, date), of_date, reporter)
            judged = _judged_rows(run, first=folder / time_name(dates.start), config=quiet)
            lines.append(_line(run, date, judged) | _after(folder, date, run, lines, shared=shared, config=quiet))
            rows += judged
            _log_date(log, index, lines[-1], logged=logged)
        weeks = [line["week_after"] for line in lines if line["week_after"] is not None]
        result = {"configuration": name, "dates": lines, "ageing": ageing_table(rows), "means": week_means(weeks)}
        _write(folder, result)
        _close(log, folder, config, reporter)
    return folder, result


def _stages_of_a_date(
    folder: Path, config: Config, stages: Sequence[Stage], reporter: Reporter
) -> tuple[Sequence[Stage], SharedRun | None]:
    """Stages that take from what is shared, or the plain ones where rows of the file decide on one another."""
    shared = SharedRun(folder / "shared")
    run_stages(shared.folder, RunSettings(config, None), shared_stages(stages), force=None, reporter=reporter)
    why = why_not_shared(shared.report)
    if why is None:
        return stages_as_of(stages, shared), shared
    reporter.warn(f"every date reads the data anew, and no week after a date is judged: {why}")
    return stages, None


def _run_date(run: Path, settings: RunSettings, stages: Sequence[Stage], reporter: Reporter) -> None:
    assert settings.as_of is not None
    try:
        run_stages(run, settings, stages, force=None, reporter=reporter)
    except INPUT_ERRORS as error:
        raise InputError(f"as of {time_text(settings.as_of)}: {error}") from error


def _last_promoted(folder: Path, lines: Sequence[Mapping[str, Any]]) -> Path | None:
    promoted = [line for line in lines if line["promoted"]]
    return folder / str(promoted[-1]["run"]) if promoted else None


def _place_champion(run: Path, champion: Path | None) -> None:
    """The backtest's own champion in the run folder, as the registry's would lie there."""
    if champion is None:
        shutil.rmtree(run / "champion", ignore_errors=True)
        return
    bundle = champion / "export" / "bundle"
    note = {"version": champion.name, "manifest": sha256_file(bundle / "manifest.json"), "problem": ""}
    path = run / CHAMPION_FILE
    if path.is_file() and read_json(path) == note:
        return
    run.mkdir(parents=True, exist_ok=True)
    with replaced_folder(path.parent) as out:
        shutil.copytree(bundle, out / "bundle")
        write_json(out / "champion.json", note)


def _judged_rows(run: Path, *, first: Path, config: Config) -> list[BacktestRows]:
    """The three models on a date's test rows of known label; labels are those that evaluate wrote out."""
    scores = read_table(run / "evaluate" / "scores.parquet")
    known = scores["label"].is_valid()
    never = _never_retrained(run, first, config)
    scores = scores.append_column("never retrained", pa.array(never)).filter(known)
    labels = scores["label"].to_numpy().astype(np.float64)
    times = scores["event_time"].cast(pa.int64()).to_numpy()
    own, oldest = (_newest_training_row(each) for each in (run, first))
    return [
        BacktestRows("retrained", labels, scores[config.export.candidate].to_numpy(), times, own),
        BacktestRows("never retrained", labels, scores["never retrained"].to_numpy(), times, oldest),
        BacktestRows("baseline", labels, scores["logistic"].to_numpy(), times, own),
    ]


def _never_retrained(run: Path, first: Path, config: Config) -> np.ndarray:
    models = load_models(first, posterior_floor=config.calibration.posterior_floor)
    test = read_table(run / "features" / "features.parquet", filters=pc.field("fold") == "test")
    scores = raw_scores(models, models.encoder.apply(test), threads=cpu_threads(config.train.threads))
    return calibrated_probabilities(load_calibration(first), scores.log_odds)[config.export.candidate]


def _line(run: Path, date: int, judged: Sequence[BacktestRows]) -> dict[str, Any]:
    report = EvaluateReport.read(run / "evaluate" / "report.json")
    population, selected = report.population, report.smoothing.selected
    bins = read_settings(run).config.evaluation.bins
    middle = float(judged[0].event_time.mean())
    return {
        "run": run.name,
        "as_of": time_text(date),
        "test": {"from": population.start, "to": population.end},
        "rows": population.rows,
        "frauds": population.frauds,
        "prevalence": population.prevalence,
        "smoothing": selected.smoothing,
        "class_weight": selected.class_weight,
        "promoted": report.gate.passed,
        "reasons": list(report.gate.reasons),
        "settings": len(report.smoothing.sweep),
        "drift": report.drift.sentence,
        "alarms": list(report.drift.alarms),
        "models": {
            each.model: {
                **backtest_statistics(each.labels, each.probabilities, bins=bins),
                "training_row_age_days": (middle - each.newest_training_row) / DAY,
            }
            for each in judged
        },
    }


def _after(
    folder: Path, date: int, run: Path, lines: Sequence[Mapping[str, Any]], *, shared: SharedRun | None, config: Config
) -> dict[str, Any]:
    """What would have been in production in the week after a date: this run's models if they were promoted.

    Otherwise those of the last promoted run, or this run's where none was promoted yet: something must serve.
    """
    if shared is None:
        return {"week_after": None}
    promoted = GateReport.read(run / "evaluate" / "report.json").gate.passed
    current = run if promoted else (_last_promoted(folder, lines) or run)
    first = folder / str(lines[0]["run"]) if lines else run
    return {"week_after": week_after(date, Production(first, current), shared, config)}


def _newest_training_row(run: Path) -> int:
    return FeaturesReport.read(run / "features" / "report.json").newest_training_row


def _opened_log(folder: Path, config: Config, dates: BacktestDates) -> tuple[StageLog, set[str]]:
    """The one MLflow run of the backtest, and the dates that its journal holds already."""
    journal = Journal(folder / "journal.jsonl")
    close_interrupted(journal)
    settings = config.model_dump(mode="json", exclude={"tracking"})
    key = sha256_json({"config": settings, "walk": [dates.start, dates.end, dates.every]})[:12]
    logged = {each.key for each in journal.records() if each.kind == "close" and each.content["status"] == "FINISHED"}
    log = StageLog(journal, f"backtest-{key}", parent=None)
    log.open(folder.name)
    log.tags({"harbor.level": "backtest", "harbor.from": time_text(dates.start), "harbor.to": time_text(dates.end)})
    log.params({"dates": len(dates.moments), "preset": config.data.preset, "seed": config.train.seed})
    return log, {each.removeprefix(f"{log.key}/") for each in logged}


def _log_date(log: StageLog, index: int, line: Mapping[str, Any], *, logged: Collection[str]) -> None:
    """A point on each curve of the backtest, the date's place as the step, and a nested run for the date; once."""
    name = f"{line['run']}-{sha256_json(line)[:8]}"
    if name in logged:
        return
    values = {
        f"{model.replace(' ', '_')}/{statistic}": line["models"][model][statistic]
        for model in MODELS
        for statistic in STATISTICS
    }
    counts = {"drift_alarms": float(len(line["alarms"])), "settings": float(line["settings"])}
    log.metrics({**values, **counts, "smoothing": line["smoothing"], "promoted": float(line["promoted"])}, step=index)
    child = log.child(name, name=str(line["run"]))
    child.params({"as_of": line["as_of"], "smoothing": line["smoothing"], "class_weight": line["class_weight"]})
    child.metrics({**values, "test_rows": line["rows"], "test_frauds": line["frauds"]})
    child.tags({"harbor.level": "date", "harbor.gate": "passed" if line["promoted"] else "refused"})
    child.artifact(f"{line['run']}/evaluate/report.html")
    child.close("FINISHED")


def _close(log: StageLog, folder: Path, config: Config, reporter: Reporter) -> None:
    names = ("backtest.json", "backtest.csv", "backtest.png", "weeks.csv", "weeks.png")
    for name in (each for each in names if (folder / each).is_file()):
        log.artifact(name)
    log.close("FINISHED")
    outcome = replay(folder, config.tracking)
    if outcome.problem is not None:
        reporter.warn(f"MLflow did not take {outcome.pending} records, kept in the journal ({outcome.problem})")


def _write(folder: Path, result: Mapping[str, Any]) -> None:
    write_json(folder / "backtest.json", result)
    write_text(folder / "backtest.csv", csv_text(result))
    write_bytes(folder / "backtest.png", backtest_picture(result).png)
    if any(line["week_after"] is not None for line in result["dates"]):
        write_text(folder / "weeks.csv", weeks_csv(result))
        write_bytes(folder / "weeks.png", week_after_picture(result).png)
