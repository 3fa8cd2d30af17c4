"""The command line: where effects begin and every error becomes one message and an exit code."""

import os
import shlex
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pipeline.online.commands import PluginsOption, load_plugins_of, score_raw, skew, state_commands
from pipeline.process.command_help import help_end
from pipeline.process.exits import Exit, run_command
from pipeline.process.terminal import print_line
from pipeline.serve.serve_command import serve
from pipeline.storage.addresses import user_path
from pipeline.storage.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.config import Config
    from pipeline.outcomes.written_judgement import WrittenJudgement
    from pipeline.process.reporter import Reporter
    from pipeline.runs.settings import RunSettings

app = typer.Typer(
    name="harbor",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


RunOption = Annotated[
    str | None,
    typer.Option("--run", metavar="FOLDER", help="run folder, or its address", show_default="runs/<config>-<as_of>"),
]
StageRunOption = Annotated[str, typer.Option("--run", metavar="FOLDER", help="run folder, or its address")]
ConfigOption = Annotated[
    str, typer.Option("--config", metavar="FILE", help="TOML file, or the name of one that Harbor ships")
]
StageConfigOption = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="TOML file; the run's own settings where it is left out")
]
StoreConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="FILE", help="TOML file that says where the registry is; the defaults without one"
    ),
]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="the moment the run may know; ISO 8601, UTC")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="a.b=value overrides a key; repeatable")
]
PlanOption = Annotated[bool, typer.Option("--plan", help="say what would run and why; change nothing")]
ForceOption = Annotated[
    str | None, typer.Option("--force", metavar="STAGE", help="run this stage again, and what follows it")
]
BundleOption = Annotated[
    str, typer.Option("--bundle", metavar="FOLDER", help="exported bundle: a folder, or its address")
]
app.add_typer(state_commands, name="state")
app.command("skew", epilog=help_end("skew"))(skew)
app.command("serve", epilog=help_end("serve"))(serve)


SHOWN_RUNS = 10


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        _show(f"harbor {version('harbor-fraud')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="say the version, and end")
    ] = False,
) -> None:
    """Turns raw card transactions into fraud models whose probabilities can be trusted."""


@app.command(epilog=help_end("run"))
def run(
    config: ConfigOption,
    run_folder: RunOption = None,
    as_of: AsOfOption = None,
    assignments: SetOption = None,
    force: ForceOption = None,
    plan: PlanOption = False,
) -> None:
    """Bring the seven stages up to date, in order: raw transactions in, a judged and exported model out."""
    from features.times import time_microseconds, time_name
    from pipeline.config import load_config

    loaded = load_config(config, assignments=assignments or ())  # a wrong name is told before libraries load
    from pipeline.runs.settings import RunSettings
    from pipeline.stages import STAGES

    known = [stage.name for stage in STAGES]
    if force is not None and force not in known:
        raise InputError(f"--force must be one of {', '.join(known)}, got {force!r}")
    moment = time_microseconds(as_of) if as_of is not None else None
    settings = RunSettings(loaded, moment)
    placed = _placed(run_folder or f"runs/{Path(config).stem}-{time_name(moment)}", settings)
    if plan:
        _print_plan(placed, force)
        return
    raise typer.Exit(_brought_up_to_date(placed, force=force))


@app.command(epilog=help_end("init"))
def init(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="transactions: CSV, JSON lines or Parquet; patterns, addresses"),
    ],
    out: Annotated[Path, typer.Option("--out", help="folder of the configuration and the preset")] = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="ask nothing: take every default, marked `# check:`")] = False,
    force: Annotated[bool, typer.Option("--force", help="write over files that are there")] = False,
) -> None:
    """Look at files and write a preset and a configuration with folds that fit; asks where it is not sure."""
    from pipeline.reading.sources import check_local_files

    check_local_files(tuple(files))
    from pipeline.inspection.interview import Interview, asked_on
    from pipeline.inspection.new_configuration import new_configuration, said_of, write_configuration

    console = Console()
    interview = Interview(None if yes or not (console.is_terminal and sys.stdin.isatty()) else asked_on(console))
    new = new_configuration(files, user_path(str(out)), interview, force=force)
    write_configuration(new, force=force)
    for line in said_of(new, interview):
        _show(line)


@app.command(epilog=help_end("check"))
def check(config: ConfigOption, as_of: AsOfOption = None, assignments: SetOption = None) -> None:
    """Open the data as a run would and say what it would find; writes nothing, ends with 2 where a run would."""
    from features.times import time_microseconds
    from pipeline.config import load_config
    from pipeline.stages import STAGES

    moment = time_microseconds(as_of) if as_of is not None else None
    settings = load_config(config, assignments=assignments or ())
    for stage in STAGES:
        stage.check(settings)
    from pipeline.inspection.data_check import check_lines, check_warnings
    from pipeline.inspection.opened_data import opened_data

    reporter = _reporter()
    with reporter.stage("check"):
        data = opened_data(settings, as_of=moment, reporter=reporter)
    for line in check_lines(settings, data):
        reporter.say(line)
    for warning in check_warnings(settings, data):
        reporter.warn(warning)
    further = [
        *(["--as-of", as_of] if as_of else []),
        *(word for each in assignments or () for word in ("--set", each)),
    ]
    reporter.say(f"next    {shlex.join(['harbor', 'run', '--config', config, *further])}")


@dataclass(frozen=True)
class _PlacedRun:
    """The working folder of a run, and its settings with the store that its address named."""

    folder: Path
    settings: "RunSettings"


def _placed(run_folder: str, settings: "RunSettings") -> _PlacedRun:
    from pipeline.runs.settings import kept_in
    from pipeline.runs.working_copy import run_place

    place = run_place(run_folder, runs=Path("runs"))
    return _PlacedRun(place.folder, kept_in(settings, place.store))


def _print_plan(placed: _PlacedRun, force: str | None) -> None:
    from pipeline.runs.steps import planned_steps
    from pipeline.runs.working_copy import bring_run
    from pipeline.stages import STAGES

    config = placed.settings.config
    for stage in STAGES:
        stage.check(config)
    from pipeline.inspection.quick_look import look_at_columns, look_at_span

    span = look_at_span(config, look_at_columns(config), as_of=placed.settings.as_of)
    bring_run(placed.folder, placed.settings.config.runs.store, [stage.name for stage in STAGES])
    steps = planned_steps(placed.folder, placed.settings, STAGES, force=force)
    _show(f"plan for {placed.folder}" + (f", of rows from {span}" if span else ""))
    for step in steps:
        verb = "run " if step.runs else "keep"
        _show(f"  {verb}  {step.stage.name:<10} {step.reason}")


def _brought_up_to_date(placed: _PlacedRun, *, force: str | None = None, only: str | None = None) -> Exit:
    from pipeline.run import run_stages
    from pipeline.runs.cost import cost_line
    from pipeline.stages import STAGES
    from pipeline.stages.artifacts.evaluate_report import VerdictReport

    folder, settings = placed.folder, placed.settings
    reporter = _reporter()
    reporter.say(f"{'harbor ' + (only or 'run')} → {folder}", event="started", run=str(folder))
    run_stages(folder, settings, STAGES, force=force, only=only, reporter=reporter)
    if only not in (None, "export"):
        return Exit.DONE
    found = VerdictReport.read(folder / "evaluate" / "report.json")
    gate = found.gate
    reporter.say(f"cost    {cost_line(folder, STAGES)}")
    reporter.say(f"report  {folder / 'refit' / 'report.html'}")
    reporter.say(f"bundle  {folder / 'export' / 'bundle'}")
    if settings.config.runs.store:
        reporter.say(f"store   {settings.config.runs.store}/{folder.name}")
    verdict = "passed" if gate.passed else "refused"
    lines = "\n".join((f"gate    {verdict}", *(f"        {line}" for line in gate.lines)))
    told = {"passed": gate.passed, "reasons": list(gate.reasons), "remedies": list(gate.remedies)}
    places = {"run": str(folder), "report": str(folder / "refit" / "report.html")}
    reporter.say(lines, event="gate", message=verdict, verdict=verdict, metrics=found.metrics, **told, **places)
    for line in _next_commands(placed, passed=gate.passed):
        reporter.say(line, event="next")
    return Exit.DONE if gate.passed or only is not None else Exit.REFUSED


def _next_commands(placed: _PlacedRun, *, passed: bool) -> list[str]:
    """What a person may want to type now."""
    tracked = placed.settings.config.tracking.enabled
    commands = [f"harbor report {placed.folder} --open"]
    commands += [f"harbor promote --run {placed.folder}"] if passed and tracked else []
    commands += [_ui_command(placed)] if tracked else []
    return [f"{'next' if command is commands[0] else '':<8}{command}" for command in commands]


def _ui_command(placed: _PlacedRun) -> str:
    """What shows the run's store, which lies beside the run and not always in runs/."""
    from pipeline.tracking.mlflow_store import store_uri

    tracking, beside = placed.settings.config.tracking, placed.folder.parent
    if tracking.uri or beside.resolve() == Path("runs").resolve():
        return "harbor ui"
    return shlex.join(["harbor", "ui", "--set", f"tracking.uri={store_uri(tracking, runs=beside)}"])


def _show(line: str) -> None:
    """One line of a result on standard output, a verdict in its colour."""
    print_line(line)


def _reporter() -> "Reporter":
    """Lines for a person or records for a machine, and a heartbeat where one is asked for."""
    from pipeline.process.heartbeat import HEARTBEAT, BeatingReporter
    from pipeline.process.json_log import JsonReporter, wants_json
    from pipeline.process.reporter import reporter_for

    reporter = JsonReporter(sys.stderr) if wants_json(os.environ) else reporter_for(Console())
    beat = os.environ.get(HEARTBEAT)
    return BeatingReporter(reporter, user_path(beat)) if beat else reporter


def _stage_command(name: str, text: str) -> None:
    def command(
        run_folder: StageRunOption,
        config: StageConfigOption = None,
        assignments: SetOption = None,
        force: Annotated[bool, typer.Option("--force", help="run it again even if it is up to date")] = False,
    ) -> None:
        placed = _stage_settings(run_folder, config, assignments or [])
        raise typer.Exit(_brought_up_to_date(placed, only=name, force=name if force else None))

    command.__doc__ = text
    app.command(name, epilog=help_end(name))(command)


def _stage_settings(run_folder: str, config: str | None, assignments: list[str]) -> _PlacedRun:
    """A run that exists, with its own settings or those of a file, overridden by assignments."""
    from pipeline.config import load_config, override_config
    from pipeline.runs.settings import RunSettings, kept_in, read_settings
    from pipeline.runs.working_copy import run_place

    place = run_place(run_folder, runs=Path("runs"))
    if config is not None:
        loaded = load_config(config, assignments=assignments)  # its plugins are what the run's own settings name
        as_of = read_settings(place.folder).as_of if (place.folder / "config.json").is_file() else None
        settings = RunSettings(loaded, as_of)
    else:
        kept = read_settings(place.folder)
        settings = RunSettings(override_config(kept.config, assignments), kept.as_of)
    return _PlacedRun(place.folder, kept_in(settings, place.store))


for _name, _text in (
    ("ingest", "Raw files to valid and quarantined transactions."),
    ("features", "Transactions to point-in-time features and time folds."),
    ("train", "Sweep the head over smoothing and class weight; fit the booster and the baseline."),
    ("calibrate", "Fit calibrators and the hybrid on the calibration fold."),
):
    _stage_command(_name, _text)


@app.command(epilog=help_end("evaluate"))
def evaluate(
    run_folder: Annotated[
        str | None, typer.Option("--run", metavar="FOLDER", help="run folder: judge its candidates on test")
    ] = None,
    config: StageConfigOption = None,
    assignments: SetOption = None,
    force: Annotated[bool, typer.Option("--force", help="run it again even if it is up to date")] = False,
    bundle: Annotated[
        str | None, typer.Option("--bundle", metavar="FOLDER", help="deployed bundle, judged on --outcomes")
    ] = None,
    outcomes: Annotated[
        str | None,
        typer.Option(
            "--outcomes", help="feature or scored rows with the labels that arrived later: a file, or a folder of them"
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", help="where the report on --outcomes goes", show_default="beside it, as NAME.report.json"
        ),
    ] = None,
) -> None:
    """Judge every candidate once on the test fold, or a deployed bundle on outcomes that arrived later."""
    if run_folder is not None and (bundle, outcomes, out) == (None, None, None):
        placed = _stage_settings(run_folder, config, assignments or [])
        name = "evaluate"
        raise typer.Exit(_brought_up_to_date(placed, only=name, force=name if force else None))
    if run_folder is not None or bundle is None or outcomes is None:
        raise InputError("evaluate needs either --run, or both --bundle and --outcomes")
    from pipeline.config import load_config

    raise typer.Exit(_judge_outcomes(bundle, outcomes, out, load_config(config, assignments=assignments or ())))


def _judge_outcomes(bundle: str, outcomes: str, out: str | None, settings: "Config") -> Exit:
    """The numbers on a person's screen first: they must not be lost to a place where nothing can be written."""
    from pipeline.bundle.fetched import local_bundle
    from pipeline.storage.transfers import local_file

    console = Console()
    if out is not None and user_path(out) == user_path(outcomes):
        raise InputError(f"--out must be another file than --outcomes, got {out} for both")
    if out is not None and out.endswith(".html"):
        raise InputError(f"--out must name the JSON report, beside which the page goes, got {out}")
    with local_bundle(bundle) as bundle_folder, local_file(outcomes) as rows:
        from pipeline.outcomes.outcome_folder import outcome_files
        from pipeline.reading.whole_table import row_file

        for path in outcome_files(rows):
            row_file(path, "outcomes")
        from pipeline.outcomes.judged_outcomes import outcomes_judgement
        from pipeline.outcomes.printed_outcomes import print_outcomes, print_place
        from pipeline.outcomes.written_judgement import write_beside, write_out

        report = outcomes_judgement(bundle_folder, rows, settings)
        print_outcomes(report, None, console)
        written = write_beside(report, rows, outcomes) if out is None else write_out(report, out)
        for place in written.shown:
            print_place(place, console)
        return _told_outcomes(report, written, settings)


def _told_outcomes(report: "Mapping[str, Any]", written: "WrittenJudgement", settings: "Config") -> Exit:
    """The verdict as a record, to Prometheus and MLflow, and as a notice where it is an alarm."""
    from pipeline.notices.delivery import notices
    from pipeline.outcomes.metrics_file import write_metrics
    from pipeline.outcomes.outcome_notices import alarm_notice, verdict_fields
    from pipeline.registry.monitored_version import logged_or_why_not

    reporter = _reporter()
    found = report["monitoring"]
    with notices(settings.notify, warn=reporter.warn) as tell:
        verdict = "passed" if found["passed"] else "refused"
        lines = [f"outcomes {verdict}", *(f"         {reason}" for reason in found["reasons"])]
        fields = verdict_fields(report, written.shown)
        reporter.say("\n".join(lines), event="outcomes", **fields)
        if not found["passed"]:
            tell(alarm_notice(fields))
        if settings.monitoring.prometheus:
            write_metrics(user_path(settings.monitoring.prometheus), report)
        logged = logged_or_why_not(report, written.files, settings, runs=Path("runs"), warn=reporter.warn)
        if logged:
            reporter.say(f"tracking {logged}")
    return Exit.DONE if found["passed"] else Exit.REFUSED


_stage_command("refit", "Fit the judged recipe anew on the newest rows, and guard it.")
_stage_command("export", "Build the bundle for serving.")


@app.command(epilog=help_end("retrain"))
def retrain(
    config: ConfigOption,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            help="the moment the job may know; ISO 8601, UTC",
            show_default="today, 00:00 UTC",
        ),
    ] = None,
    assignments: SetOption = None,
    plan: PlanOption = False,
) -> None:
    """Train as of a moment, judge against the champion, promote or not; running it again is free."""
    from features.times import day_microseconds, time_microseconds, time_text
    from pipeline.config import load_config
    from pipeline.runs.cost import cost_line
    from pipeline.runs.settings import RunSettings
    from pipeline.schedule.retrain import retrain as retrained
    from pipeline.schedule.retrain import retrain_folder
    from pipeline.stages import STAGES

    moment = time_microseconds(as_of) if as_of is not None else day_microseconds(datetime.now(UTC))
    settings = RunSettings(load_config(config, assignments=assignments or ()), moment)
    if plan:
        _print_plan(_PlacedRun(retrain_folder(Path(config).stem, moment, runs=Path("runs")), settings), None)
        return
    reporter = _reporter()
    reporter.say(f"harbor retrain as of {time_text(moment)}", event="started", as_of=time_text(moment))
    outcome = retrained(Path(config).stem, settings, STAGES, runs=Path("runs"), reporter=reporter)
    told = {"run": str(outcome.folder), "passed": outcome.passed, "promoted": outcome.promoted}
    lines = (
        f"run     {outcome.folder}",
        f"cost    {cost_line(outcome.folder, STAGES)}",
        f"report  {outcome.folder / 'refit' / 'report.html'}",
        *outcome.lines,
    )
    for line in lines:
        reporter.say(line)
    reporter.say("; ".join(map(str.strip, outcome.lines)), event="retrained", **told)
    if outcome.removed:
        reporter.say(f"removed {len(outcome.removed)} old runs: {', '.join(outcome.removed)}")
    raise typer.Exit(Exit.DONE if outcome.passed else Exit.REFUSED)


@app.command(epilog=help_end("backtest"))
def backtest(
    config: ConfigOption,
    start: Annotated[str, typer.Option("--from", help="first date; ISO 8601, UTC")],
    end: Annotated[str, typer.Option("--to", help="last date")],
    every: Annotated[str, typer.Option("--every", help="step between dates: d, h, m or s")] = "7d",
    assignments: SetOption = None,
) -> None:
    """Do what retrain does at each past date: table, plot, and what never retraining would have cost."""
    from features.times import duration_microseconds, time_microseconds
    from pipeline.config import load_config
    from pipeline.schedule.backtest import BacktestDates
    from pipeline.schedule.backtest import backtest as backtested
    from pipeline.schedule.backtest_tables import ageing_lines, drift_lines, table_lines, week_lines
    from pipeline.stages import STAGES

    dates = BacktestDates(time_microseconds(start), time_microseconds(end), duration_microseconds(every))
    reporter = _reporter()
    settings = load_config(config, assignments=assignments or ())
    folder, result = backtested(Path(config).stem, settings, dates, STAGES, runs=Path("runs"), reporter=reporter)
    parts = (table_lines(result), week_lines(result), drift_lines(result), ageing_lines(result))
    for line in (line for part in parts if part for line in (*part, "")):
        print_line(line)
    for path in (*sorted(folder.glob("backtest.*")), *sorted(folder.glob("weeks.*"))):
        reporter.say(f"wrote   {path}")


@app.command(epilog=help_end("simulate"))
def simulate(
    rows: Annotated[int, typer.Option("--rows", help="number of transactions")],
    out: Annotated[Path, typer.Option("--out", help="file to write: .parquet or .csv")],
    seed: Annotated[int, typer.Option("--seed", help="same seed, same bytes")] = 0,
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario", help="harbor; drift: two fraud schemes change on day 90; censored: a policy blocks rows"
        ),
    ] = "harbor",
    truth: Annotated[
        Path | None, typer.Option("--truth", help="also write each row's true probability and label (.parquet)")
    ] = None,
    chargebacks: Annotated[
        Path | None,
        typer.Option(
            "--chargebacks", help="labels as a feed of reports in this file, none in --out (.parquet or .csv)"
        ),
    ] = None,
) -> None:
    """Write simulated raw transactions with 1.8 % fraud, late labels and wrong ones."""
    from pipeline.stages.ingest.simulation import write_simulation

    beside = None if truth is None else user_path(str(truth))
    feed = None if chargebacks is None else user_path(str(chargebacks))
    written = write_simulation(
        user_path(str(out)), rows=rows, seed=seed, scenario=scenario, truth=beside, chargebacks=feed
    )
    _show(f"{written.rows:,} rows, {written.fraud_share:.2%} fraud → {out}")


@app.command(epilog=help_end("score"))
def score(
    bundle: BundleOption,
    out: Annotated[str, typer.Option("--out", help="where the probabilities go: .parquet or .csv")],
    input_file: Annotated[str | None, typer.Option("--input", help="feature rows: .parquet, .csv or .jsonl")] = None,
    transactions: Annotated[
        list[str] | None, typer.Option("--transactions", help="raw rows: a file or a pattern; repeatable")
    ] = None,
    state: Annotated[str | None, typer.Option("--state", help="folder of the state that raw rows go on from")] = None,
    state_out: Annotated[str | None, typer.Option("--state-out", help="folder for the state behind them")] = None,
    config: PluginsOption = None,
) -> None:
    """Score feature rows, or raw transactions with a state, with a bundle whose checksums have been verified."""
    load_plugins_of(config)
    if transactions and state is not None and input_file is None:
        score_raw(bundle, state, tuple(transactions), out, state_out)
        return
    if input_file is None or transactions or state is not None or state_out is not None:
        raise InputError("score needs either --input, or both --state and --transactions")
    from pipeline.bundle.fetched import local_bundle
    from pipeline.bundle.manifest import signing_key
    from pipeline.bundle.score import scored_file
    from pipeline.storage.transfers import local_file, written_file

    if out == input_file:
        raise InputError(f"--out must be another file than --input, got {out} for both")
    with local_bundle(bundle) as folder, local_file(input_file) as source, written_file(out) as target:
        scored = scored_file(folder, source, target, key=signing_key())
    lines = [f"{scored.rows:,} rows scored → {out}", scored.coverage.line, *(f"! {each}" for each in scored.remarks)]
    for line in filter(None, lines):
        _show(line)


@app.command(epilog=help_end("explain"))
def explain(
    bundle: BundleOption,
    input_file: Annotated[str, typer.Option("--input", help="feature rows: .parquet, .csv or .jsonl")],
    out: Annotated[str, typer.Option("--out", help="where the reasons go: .parquet or .csv")],
    share: Annotated[float, typer.Option("--share", help="of the rows, those of the highest probability")] = 0.005,
    references: Annotated[int, typer.Option("--references", help="legitimate rows to compare with; 1: medians")] = 8,
) -> None:
    """Say why the rows that a bundle scores highest are scored so: codes, log odds, sentences."""
    from pipeline.bundle.explain import ExplainOptions, explain_file
    from pipeline.bundle.fetched import local_bundle
    from pipeline.bundle.manifest import signing_key
    from pipeline.storage.transfers import local_file, written_file

    options = ExplainOptions(share, references)
    if out == input_file:
        raise InputError(f"--out must be another file than --input, got {out} for both")
    reporter = _reporter()
    with (
        reporter.stage("explain"),
        local_bundle(bundle) as folder,
        local_file(input_file) as source,
        written_file(out) as target,
    ):
        found = explain_file(folder, source, target, options=options, key=signing_key(), progress=reporter.progress)
    _show(f"{found.explained:,} of {found.rows:,} rows explained → {out}")
    for line in found.remarks:
        _show(f"! {line}")


@app.command(epilog=help_end("verify"))
def verify(bundle: BundleOption, config: StoreConfigOption = None, assignments: SetOption = None) -> None:
    """Check a bundle: checksums first, then load it and replay its golden rows and reasons."""
    from pipeline.bundle.fetched import local_bundle
    from pipeline.bundle.manifest import signing_key
    from pipeline.bundle.verify import verify_bundle

    key = signing_key()
    if config is not None or assignments:
        from pipeline.config import load_config

        key = signing_key(load_config(config, assignments=assignments or ()).export.sign_key_env)
    with local_bundle(bundle) as folder:
        outcome = verify_bundle(folder, key=key)
    _show(outcome.summary)


@app.command(epilog=help_end("promote"))
def promote(run_folder: StageRunOption, config: StageConfigOption = None, assignments: SetOption = None) -> None:
    """Register a run's bundle, and make it champion where its gate passed."""
    began = time.time_ns() // 1000
    from pipeline.registry.champion_notices import champion_changes_told
    from pipeline.registry.promotion import promote_run
    from pipeline.runs.working_copy import held_in_store
    from pipeline.stages import STAGES

    placed = _stage_settings(run_folder, config, assignments or [])
    names = [stage.name for stage in STAGES]
    settings, reporter = placed.settings.config, _reporter()
    with (
        champion_changes_told(settings, runs=placed.folder.parent, warn=reporter.warn),
        held_in_store(placed.folder, settings.runs.store, names, reporter=reporter),
    ):
        outcome = promote_run(placed.folder, settings, began=began)
    for line in outcome.lines:
        _show(line)
    raise typer.Exit(Exit.DONE if outcome.champion == outcome.version else Exit.REFUSED)


@app.command(epilog=help_end("rollback"))
def rollback(config: StoreConfigOption = None, assignments: SetOption = None) -> None:
    """Make the previous version champion again."""
    from pipeline.config import load_config
    from pipeline.registry.champion_notices import champion_changes_told
    from pipeline.registry.promotion import rollback_champion

    settings, runs = load_config(config, assignments=assignments or ()), Path("runs")
    with champion_changes_told(settings, runs=runs, warn=_reporter().warn):
        outcome = rollback_champion(settings, runs=runs)
    for line in outcome.lines:
        _show(line)


@app.command(epilog=help_end("sync"))
def sync(run_folder: StageRunOption, config: PluginsOption = None) -> None:
    """Replay what the tracking journal holds and MLflow has not taken yet."""
    from pipeline.run import send_journal
    from pipeline.runs.working_copy import held_in_store
    from pipeline.stages import STAGES

    load_plugins_of(config)
    placed = _stage_settings(run_folder, None, [])
    names = [stage.name for stage in STAGES]
    with held_in_store(placed.folder, placed.settings.config.runs.store, names, reporter=_reporter()):
        outcome = send_journal(placed.folder)
    refused = f", {outcome.refused} refused for good" if outcome.refused else ""
    _show(f"{outcome.sent} records sent, {outcome.pending} to send{refused}")
    if outcome.problem is not None:
        raise OSError(outcome.problem)


@app.command(epilog=help_end("status"))
def status(config: StoreConfigOption = None, assignments: SetOption = None) -> None:
    """Say what is in production, since when and why, and what became of the last runs."""
    from pipeline.config import load_config
    from pipeline.registry.production_status import production_lines
    from pipeline.runs.run_summaries import run_summaries

    runs, settings = Path("runs"), load_config(config, assignments=assignments or ())
    summaries = run_summaries(runs)
    names = {each.manifest: each.folder.name for each in reversed(summaries) if each.manifest}
    produced = production_lines(settings, runs=runs, run_of=names)
    shown = [each.line for each in summaries[:SHOWN_RUNS]] or [f"none in {runs.resolve()}"]
    rest = [f"and {len(summaries) - SHOWN_RUNS} more"] if len(summaries) > SHOWN_RUNS else []
    for title, lines in (("champion", produced), ("runs", [*shown, *rest])):
        for number, line in enumerate(lines):
            _show(f"{title if number == 0 else '':<10}{line}")


@app.command(epilog=help_end("report"))
def report(
    run_name: Annotated[str | None, typer.Argument(metavar="RUN", help="run folder, or its name in runs/")] = None,
    opened: Annotated[bool, typer.Option("--open", help="show it in the system's browser")] = False,
) -> None:
    """Print where the report of a run lies, of the run that was judged last where none is named."""
    from pipeline.runs.run_summaries import report_page

    page = report_page(run_name, runs=Path("runs")).resolve()
    _show(str(page))
    if opened:
        import webbrowser

        if not webbrowser.open(page.as_uri()):
            raise OSError(f"no browser could be started on this machine; the report is {page}")


@app.command(epilog=help_end("ui"))
def ui(
    port: Annotated[int, typer.Option("--port", help="port on the loopback address")] = 5000,
    config: StoreConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Serve the MLflow UI on the configured store."""
    from pipeline.config import load_config
    from pipeline.tracking.ui import serve_ui

    code = serve_ui(
        load_config(config, assignments=assignments or ()).tracking,
        runs=Path("runs"),
        port=port,
        say=_show,
    )
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the `harbor` command."""
    sys.exit(run_command(lambda: app(standalone_mode=False)))


if __name__ == "__main__":
    main()
