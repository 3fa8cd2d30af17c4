"""The command line: where effects begin and every error becomes one message and an exit code."""

import os
import signal
import sys
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
    ("evaluate", "Judge every candidate once on the test fold."),
    ("export", "Build the bundle for serving."),
):
    _stage_command(_name, _text)


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
    from pipeline.bundle import score_file

    rows = score_file(bundle, input_file, out)
    Console().print(f"{rows:,} rows scored → {out}", highlight=False, soft_wrap=True)


@app.command()
def verify(bundle: BundleOption) -> None:
    """Check a bundle: checksums first, then load it and replay its golden rows."""
    from pipeline.bundle import verify_bundle

    outcome = verify_bundle(bundle)
    Console().print(outcome.summary, highlight=False, soft_wrap=True)


@app.command()
def sync(run_folder: StageRunOption) -> None:
    """Replay what the tracking journal holds and MLflow has not taken yet."""
    from pipeline.run import read_settings
    from pipeline.tracking import replay

    outcome = replay(run_folder, read_settings(run_folder).config.tracking)
    Console().print(f"{outcome.sent} records sent, {outcome.pending} to send", highlight=False)
    if outcome.problem is not None:
        Console(stderr=True).print(f"harbor: {outcome.problem}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(Exit.FAILED)


@app.command()
def ui(port: Annotated[int, typer.Option("--port", help="port on the loopback address")] = 5000) -> None:
    """Serve the MLflow UI on the configured store."""
    from pipeline.config import load_config
    from pipeline.tracking import serve_ui

    raise typer.Exit(serve_ui(load_config(None).tracking, runs=Path("runs"), port=port))


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
    Console(stderr=True).print(f"harbor: {error}", highlight=False, markup=False, soft_wrap=True)
    return code


if __name__ == "__main__":
    main()
