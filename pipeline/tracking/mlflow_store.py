"""The store of MLflow: its address, its client, its lock, and requests that end within seconds."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.sections import TrackingConfig
from pipeline.storage.addresses import user_path
from pipeline.storage.locks import held
from pipeline.tracking.request_limits import RequestLimits

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

SQLITE = "sqlite:///"
POSTGRES = ("postgresql:", "postgresql+", "postgres:")
DATABASES = ("sqlite", "postgresql", "postgres", "mysql", "mssql")
ADVISORY_KEY = 0x686172626F72
"""What Harbor's jobs lock in a database: the letters of its name."""
LOCK_SECONDS = 60
LIMITS = RequestLimits()


def store_uri(config: TrackingConfig, *, runs: Path) -> str:
    """The configured tracking URI, or the sqlite store in the folder that holds the runs."""
    scheme, home, rest = config.uri.partition("~/")
    if home and scheme in ("", SQLITE):
        return f"{scheme}{user_path(home + rest)}"
    return config.uri or f"sqlite:///{runs.resolve() / 'mlflow.db'}"


def sqlite_file(uri: str) -> Path | None:
    """The file of a sqlite store; None for any other store."""
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def is_database(uri: str) -> bool:
    """Whether MLflow's client works on a database itself, with no server in between that would keep artifacts."""
    return uri.partition(":")[0].partition("+")[0] in DATABASES


def opened_store(uri: str, experiment: str, *, runs: Path | None = None) -> "tuple[MlflowClient, str]":
    """A client and the experiment's id, made where it is missing.

    Args:
        uri: the store.
        experiment: its name.
        runs: the folder of runs, beside which a database without a server keeps its artifacts.
    """
    from mlflow.tracking import MlflowClient

    path = sqlite_file(uri)
    beside = path.parent if path is not None else runs if is_database(uri) else None
    with opened_alone(uri):
        client = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        return client, found.experiment_id if found is not None else _made_experiment(client, experiment, beside)


@contextlib.contextmanager
def opened_alone(uri: str) -> Iterator[None]:
    """Hold a store's lock while it is opened and, where it is fresh, its tables are made.

    Raises:
        LockedError: another job holds it for longer than a minute.
        Exception: whatever the database's driver raises where it cannot be reached.
    """
    path = sqlite_file(uri)
    if path is not None:
        with held(path.with_suffix(".lock"), f"another job holds the store {path}", patience=LOCK_SECONDS):
            yield
    elif uri.startswith(POSTGRES):
        with _advisory_lock(uri):
            yield
    else:
        yield


@contextlib.contextmanager
def bounded_requests(config: TrackingConfig) -> Iterator[None]:
    """Requests that end within seconds, and are sent once.

    MLflow's own limits let one call to a dead server hang for minutes. It also repeats a request whose reply was lost,
    POST included, so that creating one run makes two: repeating is left to the caller, who looks first.
    """
    with LIMITS.held(config.timeout):
        yield


@contextlib.contextmanager
def quiet_mlflow() -> Iterator[None]:
    """MLflow neither reports home nor warns: of its own type hints on import, and of an input example it misses.

    An example would be scored and stored with the model; the signature is declared, not inferred from one.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="mlflow")
        yield


@contextlib.contextmanager
def default_store(uri: str) -> Iterator[None]:
    """What MLflow's sqlite registry asks for a logged model, whatever store its own client was opened on."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    os.environ["MLFLOW_TRACKING_URI"] = uri
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        else:
            os.environ["MLFLOW_TRACKING_URI"] = before


def _made_experiment(client: "MlflowClient", name: str, beside: Path | None) -> str:
    """A new experiment; where another job was faster, the one it made."""
    from mlflow.exceptions import MlflowException

    location = (beside / "mlartifacts").resolve().as_uri() if beside is not None else None
    kind = {"mlflow.experimentKind": "custom_model_development"}
    try:
        return str(client.create_experiment(name, artifact_location=location, tags=kind))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


@contextlib.contextmanager
def _advisory_lock(uri: str) -> Iterator[None]:
    """Held by the connection, so that a job that dies lets go of it."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.pool.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
        connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({ADVISORY_KEY})"))
        yield
