"""A run folder and its counterpart in an object store, so that any machine can go on with the run.

Stages work in the local folder. At the start what the store holds finished is brought here; each stage that finishes
is sent: its old marker (DONE) is removed, its files follow, its new marker comes last. So whoever reads sees a whole
stage or none, and checks every file against the checksums in the marker.
"""

import contextlib
import json
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.claim import Claim, claimed
from pipeline.exits import LockedError
from pipeline.files import DONE, folder_checksums, read_done, replaced_folder, sha256_file, write_bytes, write_text
from pipeline.fingerprint import CHAMPION_FILE
from pipeline.remote import WORKERS, Remote, is_remote, local_path, opened, plain_name
from pipeline.terminal import Reporter

SETTINGS, JOURNAL = "config.json", "journal.jsonl"
RECORDS = (SETTINGS, JOURNAL, ".tracking.json", "retrain.json")
"""Files that lie in the run folder itself and travel with it."""
CLAIMS = ".claims"
NOTE, OWNER = ".store", ".store-owner"
LARGEST_RECORD = 1 << 30
LARGEST_MARKER = 64 << 20
CHAMPION, CHAMPION_MARKER = CHAMPION_FILE.split("/")


@dataclass
class Mirror:
    """A run folder, its place in the store (None: it has none), and the markers that stand in both."""

    run: Path
    place: Remote | None
    claim: Claim | None = None
    _sent: dict[str, bytes] = field(default_factory=dict)

    def send_stage(self, name: str) -> None:
        """Send a finished stage, and before it what a reader of the run needs to know of it."""
        if self.place is None:
            return
        self.send_rest()
        self._send_folder(name, DONE)

    def send_rest(self) -> None:
        """Send the records and the champion that was brought."""
        if self.place is not None:
            self.send_records()
            self._send_folder(CHAMPION, CHAMPION_MARKER)

    def send_records(self) -> None:
        """Send settings, journal and outcome."""
        if self.place is None:
            return
        self._check_claim()
        for name in RECORDS:
            if (self.run / name).is_file():
                self.place.child(name).send(self.run / name)

    def bring(self, stages: Sequence[str]) -> None:
        """Bring here what the store holds: records, champion, and of these stages the finished ones."""
        if self.place is None:
            return
        for name in RECORDS:
            self._bring_record(name)
        for name, marker in ((CHAMPION, CHAMPION_MARKER), *((name, DONE) for name in stages)):
            content = self.place.child(f"{name}/{marker}").content(limit=LARGEST_MARKER)
            if content is None:
                continue
            self._sent[name] = content
            local = self.run / name / marker
            if not local.is_file() or local.read_bytes() != content:
                self._bring_folder(name, marker, content)

    def _bring_record(self, name: str) -> None:
        assert self.place is not None
        content = self.place.child(name).content(limit=LARGEST_RECORD)
        path = self.run / name
        if content is None or (name == JOURNAL and path.is_file() and path.read_bytes().startswith(content)):
            return
        write_bytes(path, content)

    def _bring_folder(self, name: str, marker: str, content: bytes) -> None:
        """Copy a finished folder; one that is not whole counts as not finished, here and in the store."""
        assert self.place is not None
        place = self.place.child(name)
        listed = _listed_files(content) if marker == DONE else dict.fromkeys(place.files(), "")
        listed.pop(marker, None)
        with contextlib.suppress(_NotWholeError), replaced_folder(self.run / name) as out:
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(lambda each: _bring_file(place, out, *each), listed.items()))
            write_bytes(out / marker, content)
            return
        self._sent.pop(name, None)

    def _send_folder(self, name: str, marker: str) -> None:
        assert self.place is not None
        local, place = self.run / name, self.place.child(name)
        content = (local / marker).read_bytes() if (local / marker).is_file() else None
        if content == self._sent.get(name):
            return
        self._check_claim()
        place.child(marker).remove()
        self._sent.pop(name, None)
        if content is None:
            place.remove_folder()
            return
        files = folder_checksums(local).keys() - {marker}
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda each: place.child(each).send(local / each), sorted(files)))
            list(pool.map(lambda each: place.child(each).remove(), place.files().keys() - files))
        self._check_claim()
        place.child(marker).put(content)
        self._sent[name] = content

    def _check_claim(self) -> None:
        if self.claim is not None:
            self.claim.check()


@dataclass(frozen=True)
class RunPlace:
    """Where a run is worked on, and the store that keeps it ("" for none)."""

    folder: Path
    store: str


class _NotWholeError(Exception):
    """A folder in the store does not match its marker: another job is replacing it, or was killed doing so."""


def run_place(text: str, *, runs: Path) -> RunPlace:
    """The working folder of a run that a path or an address names; of an address, its settings are brought along.

    Raises:
        ValueError: the address is malformed, or the working folder belongs to another run.
    """
    if not is_remote(text):
        return RunPlace(local_path(text), "")
    store, _, name = text.rstrip("/").rpartition("/")
    if not name or not store.partition("://")[2] or not plain_name(name):
        raise ValueError(f"--run must name a folder inside a bucket, such as s3://bucket/runs/name, got {text}")
    place = RunPlace(runs / name, store)
    with _working(place.folder, place.store) as mirror:
        mirror._bring_record(SETTINGS)
    return place


def bring_run(run: Path, store: str, stages: Sequence[str]) -> None:
    """Bring a run's records and finished stages from its store, where it has one; nothing is sent.

    Raises:
        LockedError: another job uses the working folder.
        ValueError: the store refuses access, or the working folder belongs to another run.
    """
    with _working(run, store) as mirror:
        mirror.bring(stages)


def send_records(run: Path, store: str) -> None:
    """Send a run's records to its store, where it has one."""
    with _working(run, store) as mirror:
        mirror.send_records()


@contextlib.contextmanager
def mirrored(run: Path, store: str, stages: Sequence[str], *, reporter: Reporter) -> Iterator[Mirror]:
    """Hold a run in its store: bring it here at the start, send its records at the end, let no other job at it.

    Args:
        run: the working folder.
        store: [runs] store; empty: the run lies here only, and nothing is done.
        stages: the stages to bring, and to send where the store lacks what is finished here.
        reporter: told when the records cannot be sent after another error.

    Raises:
        LockedError: another job, here or elsewhere, works on the run.
        ValueError: the store refuses access, or the working folder belongs to another run.
    """
    with _working(run, store) as mirror:
        if mirror.place is None:
            yield mirror
            return
        with claimed(mirror.place.child(CLAIMS), owner_name(run.parent), what=mirror.place.uri) as claim:
            mirror.claim = claim
            mirror.bring(stages)
            for name in stages:
                if name not in mirror._sent and read_done(run / name) is not None:
                    mirror.send_stage(name)
            try:
                yield mirror
            except BaseException:
                try:
                    mirror.send_records()
                except (OSError, ValueError, LockedError):
                    reporter.warn(f"the journal could not be sent to {mirror.place.uri}; it stands in {run}")
                raise
            mirror.send_rest()


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
def _working(run: Path, store: str) -> Iterator[Mirror]:
    """The mirror of a working folder that no other process uses meanwhile."""
    if not store:
        yield Mirror(run, None)
        return
    place = opened(store).child(run.name)
    run.mkdir(parents=True, exist_ok=True)
    lock = FileLock(run / ".store.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LockedError(f"another job is working in {run}") from None
    try:
        _check_note(run, place)
        yield Mirror(run, place)
    finally:
        lock.release()


def _check_note(run: Path, place: Remote) -> None:
    """A working folder belongs to one place; a run that was begun here may move to a place where none is."""
    note = run / NOTE
    if note.is_file():
        belongs = note.read_text(encoding="utf-8").strip()
        if belongs != place.uri:
            raise ValueError(
                f"{run} is the working folder of {belongs}, got {place.uri}; remove it or name the run otherwise"
            )
        return
    if (run / SETTINGS).is_file() and place.child(SETTINGS).listed() is not None:
        raise ValueError(f"{run} must not hold another run than {place.uri}; remove it or name the run otherwise")
    write_text(note, f"{place.uri}\n")


def _listed_files(marker: bytes) -> dict[str, str]:
    """Names and checksums of a stage's files as its DONE lists them."""
    try:
        return {str(name): str(entry["sha256"]) for name, entry in json.loads(marker)["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {"": ""}


def _bring_file(place: Remote, out: Path, name: str, checksum: str) -> None:
    """Fetch one file and compare it with its checksum, where there is one."""
    if not plain_name(name):
        raise _NotWholeError
    try:
        place.child(name).fetch(out / name)
    except FileNotFoundError:
        raise _NotWholeError from None
    if checksum and sha256_file(out / name) != checksum:
        raise _NotWholeError
