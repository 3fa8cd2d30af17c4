"""From a plan to a process that answers: what is opened in which order, and how it ends.

Ready means: the bundle is checked, its golden rows are replayed, the state is at the end of the log, the log can be
written, and what was to be caught up with is in.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import uvicorn
import uvloop
from uvicorn.server import ServerState

from features.online.id_keys import IdKeys
from features.online.state import ANSWERED, Bounds, OnlineState, Row, label_key
from features.schema.canonical_columns import Reading
from features.schema.column_plan import column_plan
from features.schema.one_row import RowReader, judged_row
from pipeline.bundle.manifest import signing_key
from pipeline.config import Config
from pipeline.online.raw_features import check_secret
from pipeline.serve.access import Access, read_access
from pipeline.serve.admin_app import AdminApp
from pipeline.serve.admission import Admission
from pipeline.serve.bundle_swap import BundleSwap
from pipeline.serve.catch_up import CaughtUp, catch_up
from pipeline.serve.deployment import Deployment, deployed
from pipeline.serve.engine import Engine, EngineOptions
from pipeline.serve.group_commit import GroupCommit
from pipeline.serve.raw_fields import RawFields
from pipeline.serve.service import Service, ServiceOptions
from pipeline.serve.service_metrics import ServiceMetrics
from pipeline.serve.shadow_scores import ShadowScores
from pipeline.serve.web_app import WebApp
from pipeline.stages.hash_key import hash_key
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.state.history_state import id_keys
from pipeline.state.row_reading import kept_reading
from pipeline.state.state_files import StateFolder, checked_state
from pipeline.storage.addresses import local_path, user_path
from pipeline.storage.errors import InputError

ADMIN_SOCKET = "admin.sock"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
BACKLOG = 2048
KEPT_ALIVE = 75
"""Seconds for which a connection without requests stays open."""
PATIENCE = 10
"""Seconds for answers under way when the process is told to end."""
LONGEST_SOCKET = 100
SCRATCH_WORDS = 1 << 20
SWITCH = 5e-4
"""Seconds for which a thread beside may keep the one that answers waiting."""
MILLISECONDS = 1000.0
FOLLOWER = "pipeline.serve.champion_follower"
Say = Callable[[str], None]


@dataclass(frozen=True)
class ServePlan:
    """What to serve, and where.

    Attributes:
        bundle: folder of the bundle that answers first.
        state: folder of the state that serving begins with.
        folder: of serving: log, index, snapshots.
        host: address to listen at.
        port: 0 for any that is free.
        config: sections [serve], [export], [registry] and [tracking].
        configured: options of the command line that gave `config`, for the process that follows the registry.
        caught_up: files of raw rows and of chargebacks that are counted before the service is ready.
    """

    bundle: Path
    state: Path
    folder: Path
    host: str
    port: int
    config: Config
    configured: tuple[str, ...] = ()
    caught_up: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenedService:
    """What must be there before the first request.

    Attributes:
        plan: what it is made of.
        app: the application.
        challenger: what scores beside; None where nothing does.
        say: where lines for a person go.
    """

    plan: ServePlan
    app: WebApp
    challenger: Deployment | None
    say: Say

    @property
    def service(self) -> Service:
        """What answers."""
        return self.app.service


def serve_until_told(plan: ServePlan, say: Say, warn: Say) -> None:
    """Serve until the process is told to end; answers under way are finished then, and the log is closed.

    Raises:
        InputError: the bundle, the state, the folder or the settings cannot be served from.
        LockedError: another process serves from the folder.
    """
    access = _access(plan)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(_listener(plan.host, plan.port)))
        opened = stack.enter_context(opened_service(plan, access, say, warn))
        admin = stack.enter_context(_admin_listener(plan.folder))
        gc.collect()
        sys.setswitchinterval(SWITCH)
        gc.freeze()  # what is here now stays, so no collection needs to look at it
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_served(opened, listener, admin))
    say("stopped: all answers were sent, and the log is closed")


@contextlib.contextmanager
def opened_service(plan: ServePlan, access: Access, say: Say, warn: Say) -> Iterator[OpenedService]:
    """The application of a plan with all that must be there before the first request; it is closed at the end.

    Raises:
        InputError: the bundle, the state, the folder or the settings cannot be served from.
        LockedError: another process serves from the folder.
    """
    settings, key = plan.config.serve, signing_key(plan.config.export.sign_key_env)
    stored = checked_state(plan.state)
    fields, secret = row_fields(stored, cards=settings.card_numbers)
    sha256 = str(stored.manifest["features_sha256"])
    champion = deployed(plan.bundle, spec=stored.spec, features_sha256=sha256, key=key)
    challenger = (
        deployed(local_path(settings.challenger), spec=stored.spec, features_sha256=sha256, key=key)
        if settings.challenger
        else None
    )
    engine = Engine.opened(plan.folder, start=stored, keys=id_keys(secret), options=EngineOptions(ahead=None))
    try:
        _warm_reading(fields)
        _warm_loops(engine)
        options = ServiceOptions(
            settings.threshold,
            fallback=settings.fallback,
            audit_every=settings.audit_every,
            ahead=settings.ahead,
            exact_reasons=settings.reasons == "exact",
        )
        service = Service(engine, fields, champion, options, ServiceMetrics())
        _tell_start(engine, say, warn)
        if plan.caught_up:
            _tell_caught_up(catch_up(engine, stored, plan.caught_up), say)
        budget = None if settings.budget_ms is None else settings.budget_ms / MILLISECONDS
        commit = GroupCommit(engine.sync) if settings.durability == "disk" else None
        app = WebApp(service, access=access, admission=Admission(settings.in_flight, budget), commit=commit, warn=warn)
        try:
            yield OpenedService(plan, app, challenger, say)
        finally:
            app.close()
    finally:
        engine.close()


def row_fields(stored: StateFolder, *, cards: str) -> tuple[RawFields, bytes | None]:
    """What reads live rows as those of a state were read, and the secret of its ids.

    Raises:
        InputError: the secret is not the state's, or its rows had no ids to be known by.
    """
    reading = kept_reading(stored, ())
    check_secret(reading, stored)
    if stored.manifest["key_column"] is None:
        raise InputError(
            f"{stored.folder}: rows must have a transaction_id, or nobody can tell whether one came before"
        )
    secret, preset = hash_key(reading.data), load_preset(reading.data)
    how = Reading(preset, column_plan(preset, ()), reading.labels.delay, hash_key=secret)
    return RawFields(RowReader(how), refuse_cards=cards == "refuse"), secret


def _access(plan: ServePlan) -> Access:
    tokens = plan.config.serve.tokens
    access = read_access(user_path(tokens) if tokens else None)
    if access.is_open and plan.host not in LOOPBACK:
        raise InputError(f"serve.tokens must name a file of tokens where --host is not loopback, got {plan.host}")
    return access


def _tell_start(engine: Engine, say: Say, warn: Say) -> None:
    start = engine.start
    if start.replayed:
        say(f"{start.replayed:,} events replayed behind the snapshot at {start.snapshot:,}")
    if start.torn is not None:
        warn(f"{start.torn.size:,} bytes at the end of the log were no whole event, and are kept in {start.torn.aside}")
    for fault in start.faults:
        warn(f"a snapshot was left aside: {fault}")


def _tell_caught_up(found: CaughtUp, say: Say) -> None:
    taken = sum(found.outcomes.get(outcome, 0) for outcome in ANSWERED)
    left = sum(found.outcomes.values()) - taken + found.quarantined + found.forgotten
    told = f"{taken:,} rows and {found.labels:,} labels were counted"
    say(f"caught up: {told}, {left:,} rows came before or cannot be used")


def _warm_loops(engine: Engine) -> None:
    """Let the compiled loops be there before the first request, in a state of their own."""
    keys = IdKeys()
    scratch = OnlineState.empty(engine.spec, bounds=Bounds(), keys=keys, words=SCRATCH_WORDS)
    answers = np.full(len(scratch.plan.names), np.nan, np.float32)
    event = scratch.event(Row(0, 1, ("",) * len(scratch.plan.ids), "warm", 0, 1))
    scratch.refusal(event)
    scratch.ask_event(event, answers)
    scratch.accept_event(event, answers)
    scratch.batch_answers(event)
    scratch.change_event(event, label_key(None, None))


def _warm_reading(fields: RawFields) -> None:
    """Let all be loaded that rows of odd spellings need: pyarrow looks for pandas when the first one comes."""
    reading = fields.reader.reading
    names = tuple(
        name for column in (reading.preset.event_time.column, reading.preset.amount.column) for name in column or ()
    )
    judged_row(dict.fromkeys(names), Reading(reading.preset, column_plan(reading.preset, names), reading.labels_delay))


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise InputError(
            f"--host and --port must be where this process may listen, got {host}:{port}: {error}"
        ) from None
    return listener


@contextlib.contextmanager
def _admin_listener(folder: Path) -> Iterator[socket.socket]:
    """A socket that this user alone can open; the folder's lock says that no other server has it."""
    path = folder / ADMIN_SOCKET
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        raise InputError(
            f"--folder must have a path of at most {LONGEST_SOCKET - len(ADMIN_SOCKET)} bytes, got {folder}"
        )
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    try:
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)


class _Server(uvicorn.Server):
    """uvicorn, whose signals are ours: the one who started us asks for an exit code."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


async def _served(opened: OpenedService, listener: socket.socket, admin: socket.socket) -> None:
    app, service, loop = opened.app, opened.service, asyncio.get_running_loop()
    server = _Server(_uvicorn_config(app))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, app, server)
    swap = BundleSwap(service, key=signing_key(opened.plan.config.export.sign_key_env), say=opened.say)
    async with _admin(AdminApp(app, swap), admin), _shadow(opened), _follower(opened):
        listener.listen(BACKLOG)
        host, port = listener.getsockname()[:2]
        opened.say(
            f"serving {service.deployment.manifest[:12]} from event {service.engine.offset:,} on at http://{host}:{port}"
        )
        await server.serve(sockets=[listener])


def _uvicorn_config(app: object) -> uvicorn.Config:
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEPT_ALIVE,
        timeout_graceful_shutdown=PATIENCE,
    )


def _stop(app: WebApp, server: uvicorn.Server) -> None:
    app.unready["stopping"] = "stopping"
    server.should_exit = True


@contextlib.asynccontextmanager
async def _admin(app: AdminApp, listener: socket.socket) -> AsyncIterator[None]:
    config, state = _uvicorn_config(app), ServerState()
    config.load()
    protocol = config.http_protocol_class
    server = await asyncio.get_running_loop().create_unix_server(
        lambda: protocol(config=config, server_state=state, app_state={}),  # type: ignore[call-arg]
        sock=listener,
    )
    try:
        yield
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()


@contextlib.asynccontextmanager
async def _shadow(opened: OpenedService) -> AsyncIterator[None]:
    if opened.challenger is None:
        yield
        return
    service = opened.service
    service.shadow = shadow = ShadowScores(opened.challenger, opened.plan.folder / "shadow", service.metrics)
    running = asyncio.create_task(shadow.run())
    try:
        yield
    finally:
        service.shadow = None
        shadow.end()
        await running


@contextlib.asynccontextmanager
async def _follower(opened: OpenedService) -> AsyncIterator[None]:
    """The process that follows the registry's alias, for as long as this one serves."""
    plan, settings = opened.plan, opened.plan.config.serve
    if not settings.follow:
        yield
        return
    told = {
        "admin": plan.folder / ADMIN_SOCKET,
        "alias": settings.follow,
        "seen": opened.service.deployment.manifest,
        "every": settings.poll / 1e6,
        "runs": Path("runs"),
    }
    options = [word for name, value in told.items() for word in (f"--{name}", str(value))]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", FOLLOWER, *options, *plan.configured)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
