"""From the journal to MLflow: the one file, beside the registry, that knows MLflow.

`replay` sends what the journal holds beyond the last acknowledged record. Sending twice is harmless: a run is found
again by its key, and MLflow keeps equal metric points, parameters and tags once. So a server that is down, hangs or
loses a reply costs time within a small bound and never a record.
"""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field

from pipeline.files import TEMPORARY, read_json, write_json
from pipeline.journal import Journal, Record

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

KEY_TAG = "harbor.key"
ACKNOWLEDGED = ".tracking.json"
BATCHED = ("params", "metrics", "tags")


class TrackingConfig(BaseModel):
    """Where runs are logged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="false keeps the journal and sends nothing")
    uri: str = Field(default="", description="MLflow tracking URI; empty is sqlite beside the run folders")
    experiment: str = Field(default="harbor", description="MLflow experiment of the project")
    timeout: int = Field(default=10, ge=1, description="seconds one request to an MLflow server may take")


@dataclass(frozen=True)
class Replay:
    """What a replay did: records sent, records still to send, and why it stopped short, if it did."""

    sent: int
    pending: int
    problem: str | None = None


def store_uri(config: TrackingConfig, *, runs: Path) -> str:
    """The configured tracking URI, or the sqlite store in the folder that holds the runs."""
    return config.uri or f"sqlite:///{runs.resolve() / 'mlflow.db'}"


def replay(run: Path, config: TrackingConfig) -> Replay:
    """Send the records of a run's journal that MLflow has not acknowledged, in order.

    Args:
        run: the run folder.
        config: the store and experiment.

    Returns:
        The count sent and pending. A store that fails is a `problem` in words, never an exception.
    """
    journal = Journal(run / "journal.jsonl")
    acknowledged = _acknowledged(run, config)
    waiting = [record for record in journal.records() if record.sequence >= acknowledged["next"]]
    if not config.enabled or not waiting:
        return Replay(0, 0)
    sent = 0
    try:
        with bounded_requests(config):
            sender = _Sender(run, config, acknowledged["ids"])
            for _, group in groupby(waiting, key=lambda item: (item.key, item.kind in BATCHED, _alone(item))):
                records = list(group)
                sender.send(records)
                sent += len(records)
                acknowledged["next"] = records[-1].sequence + 1
    except Exception as error:  # whatever a store or its driver raises must not stop a training run
        return Replay(sent, len(waiting) - sent, f"{type(error).__name__}: {str(error).splitlines()[0][:200]}")
    finally:
        write_json(run / ACKNOWLEDGED, acknowledged)
    return Replay(sent, 0)


def _alone(record: Record) -> int:
    return -1 if record.kind in BATCHED else record.sequence


def _acknowledged(run: Path, config: TrackingConfig) -> dict[str, Any]:
    path = run / ACKNOWLEDGED
    fresh = {"uri": config.uri, "experiment": config.experiment, "next": 0, "ids": {}}
    with contextlib.suppress(OSError, ValueError):
        content = read_json(path)
        if (content["uri"], content["experiment"]) == (config.uri, config.experiment):
            return dict(content)
    return fresh


def serve_ui(config: TrackingConfig, *, runs: Path, port: int) -> int:
    """Serve the MLflow UI on the configured store until interrupted; the server's exit code.

    One worker on the loopback address, without MLflow's job runners, which would make it ten processes.
    """
    uri = store_uri(config, runs=runs)
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).is_file():
        raise ValueError(f"{runs} must hold a tracking store, but there is no mlflow.db: has a run been made here?")
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return subprocess.run(command, env=environment, check=False).returncode


@contextlib.contextmanager
def bounded_requests(config: TrackingConfig) -> Iterator[None]:
    """MLflow's own limits let one call to a dead server hang for minutes; these let it fail in seconds."""
    limits = {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(config.timeout),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    before = {name: os.environ.get(name) for name in limits}
    os.environ.update({name: value for name, value in limits.items() if before[name] is None})
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic", "urllib3")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class _Sender:
    """Turns records into MLflow calls; remembers which MLflow run each key became."""

    def __init__(self, run: Path, config: TrackingConfig, ids: dict[str, str]) -> None:
        self._run = run
        self._ids = ids
        self._client, self._experiment = opened_store(store_uri(config, runs=run.parent), config.experiment)

    def send(self, records: list[Record]) -> None:
        first = records[0]
        if first.kind in BATCHED:
            self._log_batch(first.key, records)
        elif first.kind == "open":
            self._open(first)
        elif first.kind == "close":
            self._client.set_terminated(self._ids[first.key], first.content["status"], first.time_ms)
        elif first.kind == "artifact":
            self._log_artifact(first)
        else:
            self._log_dataset(first)

    def _open(self, record: Record) -> None:
        found = self._ids.get(record.key) or self._found(record.key)
        if found is None:
            tags = {KEY_TAG: record.key, "mlflow.source.type": "JOB", "mlflow.source.name": "harbor"}
            parent = record.content.get("parent")
            if parent is not None:
                tags["mlflow.parentRunId"] = self._ids[parent]
            created = self._client.create_run(
                self._experiment, start_time=record.time_ms, tags=tags, run_name=record.content["name"]
            )
            found = created.info.run_id
        else:
            self._client.update_run(found, status="RUNNING")
        self._ids[record.key] = found

    def _found(self, key: str) -> str | None:
        runs = self._client.search_runs([self._experiment], filter_string=f"tags.`{KEY_TAG}` = '{key}'", max_results=1)
        return runs[0].info.run_id if runs else None

    def _log_batch(self, key: str, records: list[Record]) -> None:
        from mlflow.entities import Metric, Param, RunTag

        metrics, params, tags = [], [], []
        for record in records:
            values = record.content["values"]
            if record.kind == "metrics":
                step = record.content.get("step", 0)
                metrics += [
                    Metric(name, float(value), record.time_ms, step)
                    for name, value in values.items()
                    if value is not None
                ]
            elif record.kind == "params":
                params += [Param(name, _text(value)) for name, value in values.items()]
            else:
                tags += [RunTag(name, _text(value)) for name, value in values.items()]
        for start in range(0, max(len(metrics), len(params), len(tags)), 100):
            stop = start + 100
            self._client.log_batch(self._ids[key], metrics[start:stop], params[start:stop], tags[start:stop])

    def _log_artifact(self, record: Record) -> None:
        path = self._existing(record.content["path"])
        if path is not None:
            self._client.log_artifact(self._ids[record.key], str(path), record.content.get("folder"))

    def _existing(self, name: str) -> Path | None:
        """A stage's file where it stands: in its final folder, or in the temporary one while the stage still runs."""
        stage, _, rest = name.partition("/")
        places = (self._run / f"{TEMPORARY}{stage}" / rest, self._run / name)
        return next((place for place in places if place.is_file()), None)

    def _log_dataset(self, record: Record) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        content = record.content
        dataset = Dataset(
            content["name"], content["digest"][:36], "harbor", content["source"], profile=content.get("profile")
        )
        self._client.log_inputs(
            self._ids[record.key], [DatasetInput(dataset, [InputTag("mlflow.data.context", content["context"])])]
        )


def opened_store(uri: str, experiment: str) -> "tuple[MlflowClient, str]":
    """A client and the experiment's id. Several processes opening one fresh sqlite store crash, so one at a time."""
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    path = Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None
    lock = FileLock(path.with_suffix(".lock"), timeout=60) if path is not None else contextlib.nullcontext()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    with lock:
        client = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        if found is None:
            location = (path.parent / "mlartifacts").resolve().as_uri() if path is not None else None
            try:
                return client, client.create_experiment(experiment, artifact_location=location)
            except MlflowException:
                found = client.get_experiment_by_name(experiment)
                if found is None:
                    raise
    return client, found.experiment_id


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)
