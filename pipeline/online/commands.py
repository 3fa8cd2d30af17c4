"""The commands on states and logs; what they need is loaded when they work."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from pipeline.process.command_help import help_end
from pipeline.process.exits import Exit
from pipeline.process.terminal import print_line

state_commands = typer.Typer(help="The windows of all groups, from which raw transactions are scored.")

PluginsOption = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="TOML file whose features.plugins are needed, and may lie beside it"),
]
LogOption = Annotated[str, typer.Option("--log", help="folder of a log that serving wrote")]


@state_commands.command("build", epilog=help_end("state build"))
def build_state(
    run: Annotated[str, typer.Option("--run", help="run folder whose rows the state is made of")],
    out: Annotated[str, typer.Option("--out", help="folder to write")],
    until: Annotated[str | None, typer.Option("--until", help="last event_time; ISO 8601, UTC")] = None,
    config: PluginsOption = None,
) -> None:
    """Make the state behind a run's rows, all of them or those up to a moment."""
    from features.times import time_microseconds
    from pipeline.runs.settings import read_settings
    from pipeline.stages.export.online_state import write_state_of_run
    from pipeline.state.state_files import state_place
    from pipeline.storage.addresses import local_path
    from pipeline.storage.atomic import replaced_folder
    from pipeline.storage.done import read_done
    from pipeline.storage.errors import InputError

    place = state_place(local_path(out))
    folder, moment = local_path(run), None if until is None else time_microseconds(until)
    load_plugins_of(config)
    settings = read_settings(folder)
    if unfinished := [name for name in ("ingest", "features") if read_done(folder / name) is None]:
        raise InputError(f"{run} must have finished {' and '.join(unfinished)} before a state of it can be made")
    with replaced_folder(place) as made:
        spec = folder / "features" / "spec.json"
        manifest = write_state_of_run(folder / "ingest", spec, made, config=settings.config, until=moment)
    _show(f"{manifest['rows']:,} rows up to {manifest['last_event']} → {out}")


@state_commands.command("digest", epilog=help_end("state digest"))
def state_digest(
    state: Annotated[str, typer.Option("--state", help="folder of a state")], config: PluginsOption = None
) -> None:
    """Load a state, and say its digest: equal after equal events, on whatever machine."""
    from pipeline.state.history_state import id_keys
    from pipeline.state.state_files import checked_state
    from pipeline.storage.addresses import local_path

    load_plugins_of(config)
    stored = checked_state(local_path(state))
    history = stored.loaded(id_keys(None))
    _show(f"{history.state.digest()}  {history.state.rows:,} rows up to {stored.manifest['last_event']}")


@state_commands.command("compact", epilog=help_end("state compact"))
def compact_log(
    log: LogOption,
    out: Annotated[
        str | None, typer.Option("--out", help="folder for the state; without it a snapshot goes beside the log")
    ] = None,
    config: PluginsOption = None,
) -> None:
    """Bring a log to its end, while it is served or later: the state from which serving can go on without it."""
    from features.times import time_text
    from pipeline.state.snapshots import compacted
    from pipeline.state.state_files import state_place
    from pipeline.storage.addresses import local_path

    load_plugins_of(config)
    place = None if out is None else state_place(local_path(out))
    reached, written = compacted(local_path(log), place)
    state = reached.history.state
    last = None if state.newest is None else time_text(state.newest)
    _show(f"{reached.offset:,} events, {state.rows:,} rows up to {last} → {written or 'nothing'}")
    if written is None:
        apart = f"{reached.differing:,} values and {len(reached.wrong):,} of {reached.digests:,} digests"
        _show(f"! {apart} are not what the log's own events come to: see harbor skew")
        raise typer.Exit(Exit.REFUSED)


@state_commands.command("features", epilog=help_end("state features"))
def served_features(
    log: LogOption,
    out: Annotated[str, typer.Option("--out", help="Parquet file to write")],
    config: PluginsOption = None,
) -> None:
    """Write the features of a log's rows as serving saw them, late rows and late labels included."""
    from pipeline.online.served_features import write_served_features
    from pipeline.storage.addresses import local_path
    from pipeline.storage.atomic import output_path

    load_plugins_of(config)
    written = write_served_features(local_path(log), output_path(local_path(out)))
    _show(f"{written.rows:,} rows, {written.late:,} of them late → {out}")
    if written.differing:
        _show(f"! {written.differing:,} values are not what the log says that serving answered: see harbor skew")
        raise typer.Exit(Exit.REFUSED)


def skew(
    log: LogOption,
    out: Annotated[str | None, typer.Option("--out", help="Parquet file with a row a difference")] = None,
    config: PluginsOption = None,
) -> None:
    """Compare what serving saw with what it would have seen had all come in time; each difference has a cause."""
    from pipeline.online.skew import Skew, log_skew
    from pipeline.storage.addresses import local_path
    from pipeline.storage.atomic import output_path

    def lines(found: Skew) -> Iterator[str]:
        count = len(found.differences)
        yield f"{found.values:,} values of {found.rows:,} rows: {count:,} differ from those in the order of event time"
        for cause, values in sorted(found.by_cause.items(), key=lambda each: -each[1]):
            first = next(each for each in found.differences if each.cause == cause)
            event = f"event {first.event}" if first.event >= 0 else f"row {first.row}"
            yield f"  {values:>10,}  {cause}, first {event} of the log"

    load_plugins_of(config)
    found = log_skew(local_path(log), None if out is None else output_path(local_path(out)))
    for line in lines(found):
        _show(line)
    if found.unexplained:
        raise typer.Exit(Exit.REFUSED)


def load_plugins_of(config: str | None) -> None:
    """Load the plugins that a configuration names: what is in a run, a bundle or a state names none that is loaded."""
    from pipeline.config import load_config

    if config is not None:
        load_config(config)


def score_raw(bundle: str, state: str, transactions: tuple[str, ...], out: str, state_out: str | None) -> None:
    """What `harbor score --transactions` does."""
    from pipeline.bundle.fetched import local_bundle
    from pipeline.bundle.manifest import signing_key
    from pipeline.online.raw_scores import score_transactions
    from pipeline.reading.sources import source_files
    from pipeline.state.state_files import state_place
    from pipeline.storage.addresses import is_remote, local_path
    from pipeline.storage.errors import InputError
    from pipeline.storage.transfers import written_file

    beside: Path | None = None if state_out is None else state_place(local_path(state_out))
    local = tuple(each for each in transactions if "://" not in each)
    read = {file.path.resolve() for file in source_files(local)} if local else set()
    if not is_remote(out) and local_path(out).resolve() in read:
        raise InputError(f"--out must be another file than those of --transactions, got {out}")
    with local_bundle(bundle) as folder, written_file(out) as target:
        scored = score_transactions(
            folder, local_path(state), transactions, target, key=signing_key(), state_out=beside
        )
    _show(f"{scored.rows:,} rows scored → {out}")
    for line in filter(None, (scored.coverage.line, *(f"! {each}" for each in scored.remarks))):
        _show(line)


def _show(line: str) -> None:
    print_line(line)
