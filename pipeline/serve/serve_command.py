"""The command `harbor serve`; what it needs is loaded when it works, and said in one line where it is not there."""

import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.storage.errors import InputError

if TYPE_CHECKING:
    from pipeline.process.reporter import Reporter

EXTRA = ("uvicorn", "uvloop", "httptools", "orjson", "prometheus_client")


def serve(  # noqa: PLR0913 - an option each
    bundle: Annotated[str, typer.Option("--bundle", metavar="FOLDER", help="exported bundle that answers first")],
    state: Annotated[str, typer.Option("--state", metavar="FOLDER", help="state that serving begins with")],
    folder: Annotated[
        str, typer.Option("--folder", metavar="FOLDER", help="where the log, its index and its snapshots go")
    ] = "served",
    host: Annotated[str, typer.Option("--host", help="address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="port to listen at, 0 for any")] = 8080,
    threshold: Annotated[
        str | None, typer.Option("--threshold", help="operating point that decides", show_default="serve.threshold")
    ] = None,
    caught_up: Annotated[
        list[str] | None,
        typer.Option("--catch-up", metavar="FILE", help="raw rows, chargebacks or a folder to count first; repeatable"),
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="TOML file with [serve]; the defaults without one")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="a.b=value overrides a key; repeatable")
    ] = None,
) -> None:
    """Answer raw transactions over HTTP: probability, decision, reasons, and a log of all of it."""
    _check_extra()
    from pipeline.config import load_config
    from pipeline.serve.server import ServePlan, serve_until_told
    from pipeline.storage.addresses import local_path

    given = [*(assignments or []), *([f"serve.threshold={threshold!r}"] if threshold is not None else [])]
    configured = [*(["--config", config] if config else []), *(word for each in given for word in ("--set", each))]
    plan = ServePlan(
        bundle=local_path(bundle),
        state=local_path(state),
        folder=local_path(folder),
        host=host,
        port=port,
        config=load_config(config, assignments=given),
        configured=tuple(configured),
        caught_up=tuple(caught_up or ()),
    )
    reporter = _reporter()
    serve_until_told(plan, reporter.say, reporter.warn)


def _reporter() -> "Reporter":
    from rich.console import Console

    from pipeline.process.json_log import JsonReporter, wants_json
    from pipeline.process.reporter import PlainReporter

    return JsonReporter(sys.stderr) if wants_json(os.environ) else PlainReporter(Console())


def _check_extra() -> None:
    missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"harbor serve needs the extra `serve` (pip install 'harbor-fraud[serve]'), but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not installed"
        )
