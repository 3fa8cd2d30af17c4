"""The command line: where effects begin and every error becomes one message and an exit code."""

import os
import signal
import sys
import time
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

app = typer.Typer(
    name="harbor",
    help="Turns raw card transactions into fraud models whose probabilities can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


class Exit(IntEnum):
    """What the process returns to its caller."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    REFUSED = 3
    LOCKED = 4


RunOption = Annotated[Path | None, typer.Option("--run", help="run folder", show_default="runs/<config>-<as_of>")]
StageRunOption = Annotated[Path, typer.Option("--run", help="run folder")]
ConfigOption = Annotated[str, typer.Option("--config", help="TOML file, or the name of one that Harbor ships")]
StageConfigOption = Annotated[
    str | None, typer.Option("--config", help="TOML file; the run's own settings where it is left out")
]
AsOfOption = Annotated[str | None, typer.Option("--as-of", help="the moment the run may know; ISO 8601, UTC")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="a.b=value overrides a key; repeatable")]
ForceOption = Annotated[str | None, typer.Option("--force", help="run this stage again, and what follows it")]
BundleOption = Annotated[Path, typer.Option("--bundle", help="exported bundle")]


@app.command()
def run(
    config: ConfigOption,
    run_folder: RunOption = None,
    as_of: AsOfOption = None,
    assignments: SetOption = None,
    force: ForceOption = None,
    plan: Annotated[bool, typer.Option("--plan", help="say what would run and why; change nothing")] = False,
) -> None:
    """Bring the six stages up to date, in order: raw transactions in, a judged and exported model out."""
    from pipeline.config import load_config
    from pipeline.run import RunSettings
    from pipeline.stages import STAGES
    from pipeline.times import time_microseconds, time_name

    known = [stage.name for stage in STAGES]
    if force is not None and force not in known:
        raise ValueError(f"--force must be one of {', '.join(known)}, got {force!r}")
    moment = time_microseconds(as_of) if as_of is not None else None
    settings = RunSettings(load_config(config, assignments=assignments or ()), moment)
    folder = run_folder or Path("runs") / f"{Path(config).stem}-{time_name(moment)}"
    if plan:
        _print_plan(folder, settings, force)
        return
    raise typer.Exit(_brought_up_to_date(folder, settings, force=force))


def _print_plan(folder: Path, settings: Any, force: str | None) -> None:
    from pipeline.run import planned_steps
    from pipeline.stages import STAGES

    console = Console()
    console.print(f"plan for {folder}", highlight=False, markup=False, soft_wrap=True)
    for step in planned_steps(folder, settings, STAGES, force=force):
        verb = "run " if step.runs else "keep"
        console.print(f"  {verb}  {step.stage.name:<10} {step.reason}", highlight=False, markup=False, soft_wrap=True)


def _brought_up_to_date(folder: Path, settings: Any, *, force: str | None = None, only: str | None = None) -> Exit:
    from pipeline.files import read_json
    from pipeline.run import run_stages
    from pipeline.stages import STAGES
    from pipeline.terminal import reporter_for

    console = Console()
    reporter = reporter_for(console)
    reporter.say(f"{'harbor ' + (only or 'run')} → {folder}")
    run_stages(folder, settings, STAGES, force=force, only=only, reporter=reporter)
    if only not in (None, "export"):
        return Exit.DONE
    verdict = read_json(folder / "evaluate" / "report.json")["gate"]
    reporter.say(f"report  {folder / 'evaluate' / 'report.html'}")
    reporter.say(f"bundle  {folder / 'export' / 'bundle'}")
    reporter.say("gate    passed" if verdict["passed"] else "gate    refused")
    for reason in verdict["reasons"]:
        reporter.say(f"        {reason}")
    return Exit.DONE if verdict["passed"] or only is not None else Exit.REFUSED


def _stage_command(name: str, text: str) -> None:
    def command(
        run_folder: StageRunOption,
        config: StageConfigOption = None,
        assignments: SetOption = None,
        force: Annotated[bool, typer.Option("--force", help="run it again even if it is up to date")] = False,
    ) -> None:
        settings = _stage_settings(run_folder, config, assignments or [])
        raise typer.Exit(_brought_up_to_date(run_folder, settings, only=name, force=name if force else None))

    command.__doc__ = text
    app.command(name)(command)


def _stage_settings(run_folder: Path, config: str | None, assignments: list[str]) -> Any:
    from pipeline.config import load_config, override_config
    from pipeline.run import RunSettings, read_settings

    if config is not None:
        as_of = read_settings(run_folder).as_of if (run_folder / "config.json").is_file() else None
        return RunSettings(load_config(config, assignments=assignments), as_of)
    settings = read_settings(run_folder)
    return RunSettings(override_config(settings.config, assignments), settings.as_of)


for _name, _text in (
    ("ingest", "Raw files to valid and quarantined transactions."),
    ("features", "Transactions to point-in-time features and time folds."),
    ("train", "Sweep the head over smoothing and class weight; fit the booster and the baseline."),
    ("calibrate", "Fit calibrators and the hybrid on the calibration fold."),
):
    _stage_command(_name, _text)


@app.command()
def evaluate(
    run_folder: Annotated[Path | None, typer.Option("--run", help="run folder: judge its candidates on test")] = None,
    config: StageConfigOption = None,
    assignments: SetOption = None,
    force: Annotated[bool, typer.Option("--force", help="run it again even if it is up to date")] = False,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="deployed bundle, judged on --outcomes")] = None,
    outcomes: Annotated[
        Path | None, typer.Option("--outcomes", help="feature or scored rows with the labels that arrived later")
    ] = None,
) -> None:
    """Judge every candidate once on the test fold, or a deployed bundle on outcomes that arrived later."""
    if run_folder is not None and bundle is None and outcomes is None:
        settings = _stage_settings(run_folder, config, assignments or [])
        name = "evaluate"
        raise typer.Exit(_brought_up_to_date(run_folder, settings, only=name, force=name if force else None))
    if run_folder is not None or bundle is None or outcomes is None:
        raise ValueError("evaluate needs either --run, or both --bundle and --outcomes")
    from pipeline.config import load_config
    from pipeline.outcomes import judge_outcomes, print_outcomes

    report, place = judge_outcomes(bundle, outcomes, load_config(config, assignments=assignments or ()))
    print_outcomes(report, place, Console())


_stage_command("export", "Build the bundle for serving.")


@app.command()
def retrain(
    config: ConfigOption,
    as_of: Annotated[str, typer.Option("--as-of", help="the moment the job may know; ISO 8601, UTC")],
    assignments: SetOption = None,
) -> None:
    """Train as of a moment, judge against the champion, promote or not; running it again is free."""
    from pipeline.config import load_config
    from pipeline.run import RunSettings
    from pipeline.schedule import retrain as retrained
    from pipeline.stages import STAGES
    from pipeline.terminal import reporter_for
    from pipeline.times import time_microseconds

    settings = RunSettings(load_config(config, assignments=assignments or ()), time_microseconds(as_of))
    reporter = reporter_for(Console())
    outcome = retrained(Path(config).stem, settings, STAGES, runs=Path("runs"), reporter=reporter)
    for line in (f"run     {outcome.folder}", *outcome.lines):
        reporter.say(line)
    if outcome.removed:
        reporter.say(f"removed {len(outcome.removed)} old runs: {', '.join(outcome.removed)}")
    raise typer.Exit(Exit.DONE if outcome.passed else Exit.REFUSED)


@app.command()
def backtest(
    config: ConfigOption,
    start: Annotated[str, typer.Option("--from", help="first date; ISO 8601, UTC")],
    end: Annotated[str, typer.Option("--to", help="last date")],
    every: Annotated[str, typer.Option("--every", help="step between dates: d, h, m or s")] = "7d",
    assignments: SetOption = None,
) -> None:
    """Do what retrain does at each past date: table, plot, and what never retraining would have cost."""
    from features.durations import duration_microseconds
    from pipeline.backtest import Walk, table_lines
    from pipeline.backtest import backtest as walked
    from pipeline.config import load_config
    from pipeline.stages import STAGES
    from pipeline.terminal import reporter_for
    from pipeline.times import time_microseconds

    walk = Walk(time_microseconds(start), time_microseconds(end), duration_microseconds(every))
    reporter = reporter_for(Console())
    settings = load_config(config, assignments=assignments or ())
    folder, result = walked(Path(config).stem, settings, walk, STAGES, runs=Path("runs"), reporter=reporter)
    for line in table_lines(result):
        Console(width=160).print(line, highlight=False, markup=False, soft_wrap=True)
    for name in ("backtest.json", "backtest.csv", "backtest.png"):
        reporter.say(f"wrote   {folder / name}")


@app.command()
def simulate(
    rows: Annotated[int, typer.Option("--rows", help="number of transactions")],
    out: Annotated[Path, typer.Option("--out", help="file to write: .parquet or .csv")],
    seed: Annotated[int, typer.Option("--seed", help="same seed, same bytes")] = 0,
    scenario: Annotated[str, typer.Option("--scenario", help="what world to simulate")] = "harbor",
    truth: Annotated[
        Path | None, typer.Option("--truth", help="also write each row's true probability (.parquet)")
    ] = None,
) -> None:
    """Write simulated raw transactions with 1.8 % fraud, late labels and wrong ones."""
    from pipeline.simulation import write_simulation

    written = write_simulation(out, rows=rows, seed=seed, scenario=scenario, truth=truth)
    Console().print(f"{written.rows:,} rows, {written.fraud_share:.2%} fraud → {out}", highlight=False, soft_wrap=True)


@app.command()
def score(
    bundle: BundleOption,
    input_file: Annotated[Path, typer.Option("--input", help="feature rows: .parquet, .csv or .jsonl")],
    out: Annotated[Path, typer.Option("--out", help="where the probabilities go: .parquet or .csv")],
) -> None:
    """Score feature rows with an exported bundle, after its checksums have been verified."""
    from pipeline.bundle import ExportConfig, score_file, signing_key

    rows = score_file(bundle, input_file, out, key=signing_key(ExportConfig()))
    Console().print(f"{rows:,} rows scored → {out}", highlight=False, soft_wrap=True)


@app.command()
def verify(bundle: BundleOption) -> None:
    """Check a bundle: checksums first, then load it and replay its golden rows."""
    from pipeline.bundle import ExportConfig, signing_key, verify_bundle

    outcome = verify_bundle(bundle, key=signing_key(ExportConfig()))
    Console().print(outcome.summary, highlight=False, soft_wrap=True)


@app.command()
def promote(run_folder: StageRunOption) -> None:
    """Register a run's bundle, and make it champion where its gate passed."""
    began = time.time_ns() // 1000
    from pipeline.config import override_config
    from pipeline.promotion import promote_run
    from pipeline.run import read_settings

    config = override_config(read_settings(run_folder).config, ())
    outcome = promote_run(run_folder, config, began=began)
    console = Console()
    for line in outcome.lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(Exit.DONE if outcome.champion == outcome.version else Exit.REFUSED)


@app.command()
def rollback() -> None:
    """Make the previous version champion again."""
    from pipeline.config import load_config
    from pipeline.promotion import rollback_champion

    outcome = rollback_champion(load_config(None), runs=Path("runs"))
    for line in outcome.lines:
        Console().print(line, highlight=False, markup=False, soft_wrap=True)


@app.command()
def sync(run_folder: StageRunOption) -> None:
    """Replay what the tracking journal holds and MLflow has not taken yet."""
    from pipeline.run import send_journal

    outcome = send_journal(run_folder)
    refused = f", {outcome.refused} refused for good" if outcome.refused else ""
    Console().print(f"{outcome.sent} records sent, {outcome.pending} to send{refused}", highlight=False)
    if outcome.problem is not None:
        Console(stderr=True).print(f"harbor: {outcome.problem}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(Exit.FAILED)


@app.command()
def ui(port: Annotated[int, typer.Option("--port", help="port on the loopback address")] = 5000) -> None:
    """Serve the MLflow UI on the configured store."""
    from pipeline.config import load_config
    from pipeline.ui import serve_ui

    console = Console()
    code = serve_ui(
        load_config(None).tracking,
        runs=Path("runs"),
        port=port,
        say=lambda text: console.print(text, highlight=False, markup=False, soft_wrap=True),
    )
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the `harbor` command."""
    _prepare_process()
    sys.exit(_exit_code(lambda: app(standalone_mode=False)))


def _prepare_process() -> None:
    """What a process needs before numeric libraries load: threads that wait quietly, and an ear for SIGTERM.

    OpenMP's barriers spin by default, so two jobs on one machine slow one another down many times over.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from pipeline.run import InterruptedRunError

    def end(_signal: int, _frame: object) -> None:
        raise InterruptedRunError

    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    signal.signal(signal.SIGTERM, end)


def _exit_code(command: Callable[[], Any]) -> int:
    """Run a command; say any error once, without a traceback unless HARBOR_DEBUG is set, and give its exit code."""
    import click

    from pipeline.run import InterruptedRunError, LockedError

    try:
        outcome = command()
        return int(outcome) if isinstance(outcome, int) else Exit.DONE
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except click.ClickException as error:
        error.show()
        return Exit.BAD_INPUT
    except LockedError as error:
        return _told(error, Exit.LOCKED)
    except (ValueError, OSError) as error:
        return _told(error, Exit.BAD_INPUT if isinstance(error, (ValueError, FileNotFoundError)) else Exit.FAILED)
    except (KeyboardInterrupt, InterruptedRunError, click.Abort):
        return _told("interrupted; run the same command again to go on", Exit.FAILED)
    except Exception as error:  # the last edge: one line for a person, the traceback on request
        return _told(f"{type(error).__name__}: {error}", Exit.FAILED)


def _told(error: object, code: Exit) -> Exit:
    if os.environ.get("HARBOR_DEBUG"):
        Console(stderr=True).print_exception()
    from pipeline.credentials import without_passwords

    Console(stderr=True).print(
        f"harbor: {without_passwords(str(error))}", highlight=False, markup=False, soft_wrap=True
    )
    return code


if __name__ == "__main__":
    main()
