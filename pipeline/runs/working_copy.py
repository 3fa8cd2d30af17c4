"""The working folder of a run that a store keeps: found by the run's address, locked here and claimed there."""

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.process.reporter import Reporter
from pipeline.runs.stored_run import CLAIMS, SETTINGS, StoredRun
from pipeline.storage.addresses import is_remote, local_path, plain_name
from pipeline.storage.atomic import working_folder, write_text
from pipeline.storage.done import read_done
from pipeline.storage.errors import InputError
from pipeline.storage.lease import claimed
from pipeline.storage.locks import LockedError, held
from pipeline.storage.object_store import Remote, opened

BELONGS, OWNER = ".store", ".store-owner"


@dataclass(frozen=True)
class RunPlace:
    """Where a run is worked on, and the store that keeps it ("" for none)."""

    folder: Path
    store: str


def run_place(text: str, *, runs: Path) -> RunPlace:
    """The working folder of a run that a path or an address names; of an address, its settings are brought along.

    Raises:
        InputError: the address is malformed, or the working folder belongs to another run.
    """
    if not is_remote(text):
        return RunPlace(local_path(text), "")
    store, _, name = text.rstrip("/").rpartition("/")
    if not name or not store.partition("://")[2] or not plain_name(name):
        raise InputError(f"--run must name a folder inside a bucket, such as s3://bucket/runs/name, got {text}")
    place = RunPlace(runs / name, store)
    with _locked(place.folder, place.store) as stored:
        stored.bring_record(SETTINGS)
    return place


def bring_run(run: Path, store: str, stages: Sequence[str]) -> None:
    """Bring a run's records and finished stages from its store, where it has one; nothing is sent.

    Raises:
        LockedError: another job uses the working folder.
        InputError: the store refuses access, or the working folder belongs to another run.
    """
    with _locked(run, store) as stored:
        stored.bring(stages)


def send_records(run: Path, store: str) -> None:
    """Send a run's records to its store, where it has one."""
    with _locked(run, store) as stored:
        stored.send_records()


@contextlib.contextmanager
def held_in_store(run: Path, store: str, stages: Sequence[str], *, reporter: Reporter) -> Iterator[StoredRun]:
    """Hold a run in its store: bring it here at the start, send its records at the end, let no other job at it.

    Args:
        run: the working folder.
        store: [runs] store; empty: the run lies here only, and nothing is done.
        stages: the stages to bring, and to send where the store lacks what is finished here.
        reporter: told when the records cannot be sent after another error.

    Raises:
        LockedError: another job, here or elsewhere, works on the run.
        InputError: the store refuses access, or the working folder belongs to another run.
    """
    with _locked(run, store) as stored:
        if stored.place is None:
            yield stored
            return
        with claimed(stored.place.child(CLAIMS), owner_name(run.parent), what=stored.place.uri) as claim:
            stored.claim = claim
            stored.bring(stages)
            for name in stages:
                if name not in stored.sent and read_done(run / name) is not None:
                    stored.send_stage(name)
            try:
                yield stored
            except BaseException:
                try:
                    stored.send_records()
                except (OSError, InputError, LockedError):
                    reporter.warn(f"the journal could not be sent to {stored.place.uri}; it stands in {run}")
                raise
            stored.send_rest()


@contextlib.contextmanager
def job_claimed(store: str, job: str, *, runs: Path) -> Iterator[None]:
    """Let no other machine do a job on the runs of a store meanwhile; without a store nothing is done.

    Raises:
        LockedError: another one is at it.
    """
    if not store:
        yield
        return
    with claimed(opened(store).child(f".{job}{CLAIMS}"), owner_name(runs), what=f"{job} in {store}"):
        yield


def owner_name(runs: Path) -> str:
    """The name under which jobs of a folder of runs claim things: the same after a restart."""
    path = runs / OWNER
    if not path.is_file():
        write_text(path, f"{uuid.uuid4().hex}\n")
    return path.read_text(encoding="utf-8").strip()


@contextlib.contextmanager
def _locked(run: Path, store: str) -> Iterator[StoredRun]:
    """A working folder, which no other process uses meanwhile, and its counterpart in the store."""
    if not store:
        yield StoredRun(run, None)
        return
    place = opened(store).child(run.name)
    working_folder(run)
    with held(run / ".store.lock", f"another job is working in {run}"):
        _check_belongs(run, place)
        yield StoredRun(run, place)


def _check_belongs(run: Path, place: Remote) -> None:
    """A working folder belongs to one place; a run that was begun here may move to a place where none is."""
    note = run / BELONGS
    if note.is_file():
        belongs = note.read_text(encoding="utf-8").strip()
        if belongs != place.uri:
            raise InputError(
                f"{run} is the working folder of {belongs}, got {place.uri}; remove it or name the run otherwise"
            )
        return
    if (run / SETTINGS).is_file() and place.child(SETTINGS).listed() is not None:
        raise InputError(f"{run} must not hold another run than {place.uri}; remove it or name the run otherwise")
    place.files(deep=False)  # a bucket that is missing, or refuses, says so before the note is made
    write_text(note, f"{place.uri}\n")
