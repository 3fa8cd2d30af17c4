"""Opening an MLflow store while nobody else does: processes that make the tables of one fresh store at once break.

Beside a sqlite file lies a lock file. A PostgreSQL database is asked for an advisory lock, since the others may be on
other machines; MLflow's own lock is a file in a temporary folder. A server sees to itself.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

SQLITE = "sqlite:///"
POSTGRES = ("postgresql:", "postgresql+", "postgres:")
ADVISORY_KEY = 0x686172626F72
"""What Harbor's jobs lock in a database: the letters of its name."""
SECONDS = 60


def sqlite_file(uri: str) -> Path | None:
    """The file of a sqlite store; None for any other store."""
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def is_database(uri: str) -> bool:
    """Whether MLflow's client works on a database itself, with no server in between that would keep artifacts."""
    return uri.partition(":")[0].partition("+")[0] in ("sqlite", "postgresql", "postgres", "mysql", "mssql")


@contextlib.contextmanager
def opened_alone(uri: str) -> Iterator[None]:
    """Hold a store's lock while it is opened and, where it is fresh, its tables are made.

    Raises:
        Exception: whatever the database's driver raises where it cannot be reached.
    """
    path = sqlite_file(uri)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=SECONDS):
            yield
    elif uri.startswith(POSTGRES):
        with _advisory_lock(uri):
            yield
    else:
        yield


@contextlib.contextmanager
def _advisory_lock(uri: str) -> Iterator[None]:
    """Held by the connection, so that a job that dies lets go of it."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.pool.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"SET lock_timeout = '{SECONDS}s'"))
        connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({ADVISORY_KEY})"))
        yield
