"""From the journal to MLflow: the one file, beside the registry, that knows MLflow.

`replay` sends what the journal holds and the store has not acknowledged. Sending twice is harmless: a run is found
again by its key, and MLflow keeps equal metric points, parameters, tags and inputs once. So a server that is down,
hangs or loses a reply costs time and never a record.
"""

import contextlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.sections import TrackingConfig
from pipeline.storage.addresses import without_passwords
from pipeline.storage.atomic import TEMPORARY
from pipeline.storage.content import read_json, write_json
from pipeline.tracking.journal import Journal, Record
from pipeline.tracking.mlflow_store import bounded_requests, opened_store, store_uri

KEY_TAG = "harbor.key"


ACKNOWLEDGED = ".tracking.json"


BATCHED = ("params", "metrics", "tags")


LONGEST = {"param": 6000, "tag": 5000}


REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE")


LOCK_SECONDS = 60.0


TRANSIENT_STATUS = (401, 403, 404, 407, 408, 425, 429)


@dataclass(frozen=True)
class Replay:
    """What a replay did.

    Attributes:
        sent: records the store took.
        pending: records still to be sent.
        refused: records the store will never take; they stay in the journal.
        problem: why it stopped short or what was refused, if anything.
    """

    sent: int
    pending: int
    refused: int = 0
    problem: str | None = None


@dataclass
class _Progress:
    """What the store has acknowledged; kept beside the journal, and safe to lose."""

    uri: str
    experiment: str
    records: int = 0
    artifacts: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    doubtful: list[str] = field(default_factory=list)

    @staticmethod
    def read(run: Path, config: TrackingConfig) -> "_Progress":
        with contextlib.suppress(OSError, ValueError, TypeError):
            kept = _Progress(**read_json(run / ACKNOWLEDGED))
            if (kept.uri, kept.experiment) == (config.uri, config.experiment):
                return kept
        return _Progress(config.uri, config.experiment)

    def waiting(self, records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
        """Records, then artifacts: these are large, and must not keep a number waiting."""
        plain = [r for r in records if r.kind != "artifact" and r.sequence >= self.records]
        return plain, [r for r in records if r.kind == "artifact" and r.sequence >= self.artifacts]

    def forget(self) -> None:
        self.records = self.artifacts = 0
        self.ids, self.doubtful = {}, []


def waiting_records(run: Path, config: TrackingConfig) -> int:
    """How many records of a run's journal the store has not acknowledged."""
    records = list(Journal(run / "journal.jsonl").records())
    return sum(map(len, _Progress.read(run, config).waiting(records)))


def replay(run: Path, config: TrackingConfig, *, deadline: float = math.inf) -> Replay:
    """Send the records of a run's journal that MLflow has not acknowledged, in order, artifacts last.

    Args:
        run: the run folder.
        config: the store and experiment.
        deadline: `time.monotonic()` after which no further request begins.

    Returns:
        The counts sent, pending and refused. A store that fails is a `problem` in words, never an exception.
    """
    if not config.enabled or not waiting_records(run, config):
        return Replay(0, 0)
    wait = max(0.0, min(deadline - time.monotonic(), LOCK_SECONDS))
    try:
        with FileLock(run / ".tracking.lock", timeout=wait):
            return _replay(run, config, deadline)
    except Timeout:
        return Replay(0, waiting_records(run, config), problem="another replay of this journal is at work")


def _replay(run: Path, config: TrackingConfig, deadline: float) -> Replay:
    """The replay itself. Two at once would each look for a run, find none and make one."""
    progress = _Progress.read(run, config)
    records = list(Journal(run / "journal.jsonl").records())
    waiting = sum(map(len, progress.waiting(records)))
    refused: list[str] = []
    problem = None
    try:
        with bounded_requests(config):
            sender = _Sender(run, config, progress)
            waiting = sum(map(len, progress.waiting(records)))
            problem = sender.send_all(records, refused, deadline)
    except Exception as error:  # whatever a store or its driver raises must not stop a training run
        problem = _said(error)
    finally:
        write_json(run / ACKNOWLEDGED, vars(progress))
    pending = sum(map(len, progress.waiting(records)))
    if refused and problem is None:
        problem = f"{len(refused)} records refused for good, the first because {refused[0]}"
    return Replay(waiting - pending - len(refused), pending, len(refused), problem)


def _said(error: Exception) -> str:
    lines = str(error).splitlines() or [""]
    return without_passwords(f"{type(error).__name__}: {lines[0]}")[:240]


class _Sender:
    """Turns records into MLflow calls; remembers which MLflow run each key became."""

    def __init__(self, run: Path, config: TrackingConfig, progress: _Progress) -> None:
        self._run = run
        self._progress = progress
        self._client, self._experiment = opened_store(
            store_uri(config, runs=run.parent), config.experiment, runs=run.parent
        )
        if progress.ids and not self._knows(next(iter(progress.ids.values()))):
            progress.forget()

    def send_all(self, records: Sequence[Record], refused: list[str], deadline: float) -> str | None:
        """Send what waits until the deadline; why it stopped short, if it did."""
        plain, artifacts = self._progress.waiting(records)
        for _, group in groupby(plain, key=_together):
            if time.monotonic() > deadline:
                return "the store is too slow"
            batch = list(group)
            self._send(batch, refused)
            self._progress.records = batch[-1].sequence + 1
        for record in artifacts:
            if time.monotonic() > deadline:
                return "the store is too slow"
            self._send([record], refused)
            self._progress.artifacts = record.sequence + 1
        for key in list(self._progress.doubtful):
            self._found(key)
            self._progress.doubtful.remove(key)
        return None

    def _send(self, records: list[Record], refused: list[str]) -> None:
        first = records[0]
        if first.kind == "open":
            self._open(first)
            return
        if first.key not in self._progress.ids:
            refused += [f"the journal holds no beginning of {first.key}"] * len(records)
            return
        try:
            if first.kind in BATCHED:
                self._log_batch(first.key, records)
            elif first.kind == "close":
                self._client.set_terminated(self._progress.ids[first.key], first.content["status"], first.time_ms)
            elif first.kind == "artifact":
                self._log_artifact(first)
            else:
                self._log_dataset(first)
        except Exception as error:
            if not _final(error):
                raise
            refused += [_said(error)] * len(records)

    def _knows(self, run_id: str) -> bool:
        """Whether the store still holds a run; a store that was replaced gets everything again."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return True

    def _open(self, record: Record) -> None:
        ids = self._progress.ids
        found = ids.get(record.key) or self._found(record.key)
        if found is None:
            tags = {KEY_TAG: record.key, "mlflow.source.type": "JOB", "mlflow.source.name": "harbor"}
            if record.content.get("parent") in ids:
                tags["mlflow.parentRunId"] = ids[record.content["parent"]]
            tried_before = record.key in self._progress.doubtful
            if not tried_before:
                self._progress.doubtful.append(record.key)
            created = self._client.create_run(
                self._experiment, start_time=record.time_ms, tags=tags, run_name=record.content["name"]
            )
            if not tried_before:
                self._progress.doubtful.remove(record.key)
            found = created.info.run_id
        else:
            self._client.update_run(found, status="RUNNING")
        ids[record.key] = found

    def _found(self, key: str) -> str | None:
        """The run of a key. Of several, left by a reply that was lost, one is kept: that in use, else the first."""
        query = f"tags.`{KEY_TAG}` = '{key}'"
        runs = sorted(run.info.run_id for run in self._client.search_runs([self._experiment], query, max_results=100))
        kept = self._progress.ids.get(key)
        kept = kept if kept in runs else next(iter(runs), None)
        for extra in runs:
            if extra != kept:
                self._client.delete_run(extra)
        return kept

    def _log_batch(self, key: str, records: list[Record]) -> None:
        from mlflow.entities import Metric, RunTag

        metrics, tags = [], []
        params: list[dict[str, str]] = []
        for record in records:
            values = record.content["values"]
            if record.kind == "metrics":
                step = record.content.get("step", 0)
                given = {name: float(value) for name, value in values.items() if value is not None}
                metrics += [Metric(name, value, record.time_ms, step) for name, value in given.items()]
            elif record.kind == "params":
                params.append({name: str(value)[: LONGEST["param"]] for name, value in values.items()})
            else:
                tags += [RunTag(name, str(value)[: LONGEST["tag"]]) for name, value in values.items()]
        for start in range(0, max(len(metrics), len(tags)), 100):
            self._client.log_batch(self._progress.ids[key], metrics[start : start + 100], (), tags[start : start + 100])
        for given_params in params:
            self._log_params(self._progress.ids[key], given_params)

    def _log_params(self, run_id: str, params: dict[str, str]) -> None:
        """Log parameters. MLflow keeps the first value for good: one that came out otherwise later is a tag."""
        from mlflow.entities import Param, RunTag

        before = self._client.get_run(run_id).data.params
        changed = [RunTag(f"harbor.now.{n}", v) for n, v in params.items() if before.get(n, v) != v]
        fresh = [Param(name, value) for name, value in params.items() if name not in before]
        if fresh or changed:
            self._client.log_batch(run_id, (), fresh, changed)

    def _log_artifact(self, record: Record) -> None:
        path = self._existing(record.content["path"])
        if path is not None:
            self._client.log_artifact(self._progress.ids[record.key], str(path), record.content.get("folder"))

    def _existing(self, name: str) -> Path | None:
        """A stage's file where it stands: in its final folder, or in the temporary one while the stage still runs."""
        stage, _, rest = name.partition("/")
        places = (self._run / f"{TEMPORARY}{stage}" / rest, self._run / name)
        return next((place for place in places if place.is_file()), None)

    def _log_dataset(self, record: Record) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        content = record.content
        source = json.dumps({"uri": content["name"]})
        profile = json.dumps({"num_rows": content.get("rows")})
        dataset = Dataset(content["name"], content["digest"][:36], "local", source, profile=profile)
        self._client.log_inputs(
            self._progress.ids[record.key],
            [DatasetInput(dataset, [InputTag("mlflow.data.context", content["context"])])],
        )


def _together(record: Record) -> tuple[str, int]:
    """Neighbours that go into one request share this; every other record stands alone."""
    return record.key, -1 if record.kind in BATCHED else record.sequence


def _final(error: Exception) -> bool:
    """Whether a store said no for good to this one record, so that sending it again is useless."""
    from mlflow.exceptions import MlflowException
    from requests import HTTPError

    if isinstance(error, HTTPError) and error.response is not None:
        return 400 <= error.response.status_code < 500 and error.response.status_code not in TRANSIENT_STATUS
    return isinstance(error, MlflowException) and error.error_code in REFUSALS
