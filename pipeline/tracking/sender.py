"""Records as MLflow calls: what each kind becomes, and which refusals are final."""

import json
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.sections import TrackingConfig
from pipeline.storage.atomic import TEMPORARY
from pipeline.storage.masking import masked
from pipeline.tracking.acknowledged import Acknowledged
from pipeline.tracking.journal import Record
from pipeline.tracking.mlflow_store import opened_store, store_uri
from pipeline.tracking.mlflow_text import mlflow_name, mlflow_text, quoted_value

if TYPE_CHECKING:
    from mlflow.entities import Metric, RunTag

KEY_TAG = "harbor.key"
BATCHED = ("params", "metrics", "tags")
LARGEST_BATCH = 100
LONGEST_PARAM, LONGEST_TAG, LONGEST_DATASET = 6000, 5000, 500
REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE")
TRANSIENT_STATUS = (401, 403, 404, 407, 408, 425, 429)


class Sender:
    """Turns records into MLflow calls; remembers which MLflow run each key became."""

    def __init__(self, run: Path, config: TrackingConfig, acknowledged: Acknowledged) -> None:
        self._run = run
        self._acknowledged = acknowledged
        self._client, self._experiment = opened_store(
            store_uri(config, runs=run.parent), config.experiment, runs=run.parent
        )
        if acknowledged.ids and not self._knows(next(iter(acknowledged.ids.values()))):
            acknowledged.forget()

    def send_all(self, records: Sequence[Record], refused: list[str], deadline: float) -> str | None:
        """Send what waits until the deadline; why it stopped short, if it did."""
        plain, artifacts = self._acknowledged.waiting(records)
        for _, group in groupby(plain, key=_together):
            if time.monotonic() > deadline:
                return "the store is too slow"
            batch = list(group)
            self._send(batch, refused)
            self._acknowledged.records = batch[-1].sequence + 1
        for record in artifacts:
            if time.monotonic() > deadline:
                return "the store is too slow"
            self._send([record], refused)
            self._acknowledged.artifacts = record.sequence + 1
        for key in list(self._acknowledged.doubtful):
            self._found(key)
            self._acknowledged.doubtful.remove(key)
        return None

    def _send(self, records: list[Record], refused: list[str]) -> None:
        first = records[0]
        if first.kind == "open":
            self._open(first)
            return
        if first.key not in self._ids:
            refused += [f"the journal holds no beginning of {first.key}"] * len(records)
            return
        try:
            if first.kind in BATCHED:
                self._log_batch(first.key, records)
            elif first.kind == "close":
                self._client.set_terminated(self._ids[first.key], first.content["status"], first.time_ms)
            elif first.kind == "artifact":
                self._log_artifact(first)
            else:
                self._log_dataset(first)
        except Exception as error:
            if not _final(error):
                raise
            refused += [error_line(error)] * len(records)

    @property
    def _ids(self) -> dict[str, str]:
        return self._acknowledged.ids

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
        found = self._ids.get(record.key) or self._found(record.key)
        if found is None:
            found = self._created(record)
        else:
            self._client.update_run(found, status="RUNNING")
        self._ids[record.key] = found

    def _created(self, record: Record) -> str:
        """A new run; where an earlier try went unanswered, the key stays doubtful until the end."""
        tags = {KEY_TAG: record.key, "mlflow.source.type": "JOB", "mlflow.source.name": "harbor"}
        if record.content.get("parent") in self._ids:
            tags["mlflow.parentRunId"] = self._ids[record.content["parent"]]
        doubtful = self._acknowledged.doubtful
        tried_before = record.key in doubtful
        if not tried_before:
            doubtful.append(record.key)
        name = mlflow_text(record.content["name"], LONGEST_TAG)
        created = self._client.create_run(self._experiment, start_time=record.time_ms, tags=tags, run_name=name)
        if not tried_before:
            doubtful.remove(record.key)
        return str(created.info.run_id)

    def _found(self, key: str) -> str | None:
        """The run of a key. Of several, left by a reply that was lost, one is kept: that in use, else the first."""
        query = f"tags.`{KEY_TAG}` = {quoted_value(key)}"
        runs = sorted(run.info.run_id for run in self._client.search_runs([self._experiment], query, max_results=100))
        kept = self._ids.get(key)
        kept = kept if kept in runs else next(iter(runs), None)
        for extra in runs:
            if extra != kept:
                self._client.delete_run(extra)
        return kept

    def _log_batch(self, key: str, records: list[Record]) -> None:
        metrics = [point for record in records if record.kind == "metrics" for point in _points(record)]
        tags = [tag for record in records if record.kind == "tags" for tag in _tags(record)]
        for start in range(0, max(len(metrics), len(tags)), LARGEST_BATCH):
            end = start + LARGEST_BATCH
            self._client.log_batch(self._ids[key], metrics[start:end], (), tags[start:end])
        for record in records:
            if record.kind == "params":
                self._log_params(self._ids[key], _shortened(record, LONGEST_PARAM))

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
            self._client.log_artifact(self._ids[record.key], str(path), record.content.get("folder"))

    def _existing(self, name: str) -> Path | None:
        """A stage's file where it stands: in its final folder, or in the temporary one while the stage still runs."""
        stage, _, rest = name.partition("/")
        places = (self._run / f"{TEMPORARY}{stage}" / rest, self._run / name)
        return next((place for place in places if place.is_file()), None)

    def _log_dataset(self, record: Record) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        content = record.content
        name = mlflow_text(content["name"], LONGEST_DATASET)
        source = json.dumps({"uri": name})
        profile = json.dumps({"num_rows": content.get("rows")})
        dataset = Dataset(name, content["digest"][:36], "local", source, profile=profile)
        self._client.log_inputs(
            self._ids[record.key],
            [DatasetInput(dataset, [InputTag("mlflow.data.context", content["context"])])],
        )


def error_line(error: Exception) -> str:
    """What a store's error says in its first line, without passwords: it goes into messages and files."""
    lines = str(error).splitlines() or [""]
    return masked(f"{type(error).__name__}: {lines[0]}")[:240]


def _points(record: Record) -> "list[Metric]":
    from mlflow.entities import Metric

    step = record.content.get("step", 0)
    given = {name: value for name, value in record.content["values"].items() if value is not None}
    return [Metric(mlflow_name(name), float(value), record.time_ms, step) for name, value in given.items()]


def _tags(record: Record) -> "list[RunTag]":
    from mlflow.entities import RunTag

    return [RunTag(name, value) for name, value in _shortened(record, LONGEST_TAG).items()]


def _shortened(record: Record, longest: int) -> dict[str, str]:
    return {mlflow_name(name): mlflow_text(str(value), longest) for name, value in record.content["values"].items()}


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
