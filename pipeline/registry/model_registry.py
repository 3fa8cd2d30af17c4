"""The bundle as MLflow sees it: a model from code that loads without Harbor, and a version in the model registry.

A version's artifacts are the MLflow model at their root, so that `models:/harbor-fraud@champion` loads, and the whole
bundle in `bundle/`, so that any later run can fetch the champion from the store it already talks to.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.registry.source_run import SourceRun
from pipeline.sections import TrackingConfig
from pipeline.tracking.mlflow_store import (
    bounded_requests,
    default_store,
    opened_alone,
    opened_store,
    quiet_mlflow,
    store_uri,
)

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
MANIFEST_TAG = "harbor.manifest"
MODEL_TAG = "harbor.model"
LEDGER_TAG = "harbor.promotion."
OUTCOMES_TAG, VERDICT_TAG = "harbor.outcomes", "harbor.outcomes.verdict"
CLAIM_TAG = "harbor.claim"
STALE_CLAIM = 600.0
"""Seconds after which another job's claim counts as left behind by a kill."""


@dataclass(frozen=True)
class Version:
    """A version of the registered model: its number, its manifest's SHA-256 ("" if unknown) and where it lies."""

    number: str
    manifest: str
    source: str


@contextmanager
def opened_registry(tracking: TrackingConfig, *, name: str, runs: Path) -> Iterator["Registry"]:
    """The registry in the configured store; requests are bounded in time while the `with` block lasts."""
    uri = store_uri(tracking, runs=runs)
    with bounded_requests(tracking), default_store(uri), quiet_mlflow():
        from mlflow.tracking import MlflowClient

        with opened_alone(uri):
            client = MlflowClient(tracking_uri=uri, registry_uri=uri)
            client.search_registered_models(max_results=1)
        yield Registry(client, uri, name, tracking.experiment)


class Registry:
    """The few things asked of MLflow's model registry, the same on sqlite and behind a server."""

    def __init__(self, client: "MlflowClient", uri: str, name: str, experiment: str) -> None:
        self.name = name
        self._client = client
        self._uri = uri
        self._experiment = experiment

    def aliased(self) -> dict[str, Version]:
        """The version behind each alias; none where the model does not exist."""
        model = self._model(self.name)
        aliases = model.aliases if model is not None else {}
        return {alias: _version(self._client.get_model_version(self.name, str(n))) for alias, n in aliases.items()}

    def with_manifest(self, manifest: str) -> Version | None:
        """The version that was registered from the bundle with this manifest, if any."""
        found = self._client.search_model_versions(f"name = '{self.name}' and tags.`{MANIFEST_TAG}` = '{manifest}'")
        return _version(min(found, key=lambda each: int(each.version))) if found else None

    def register(self, bundle: Path, *, manifest: str, tags: Mapping[str, str], run: SourceRun | None) -> Version:
        """A new version of a bundle; one that a killed call left half made is finished, not made again."""
        model = self._logged_model(bundle, manifest=manifest, tags=tags, run=run)
        if self._model(self.name) is None:
            self._client.create_registered_model(self.name)
        made = self._client.create_model_version(
            self.name,
            model.artifact_location,
            run_id=run.id if run is not None else None,
            tags={**tags, MANIFEST_TAG: manifest, MODEL_TAG: model.model_id},
            model_id=model.model_id,
        )
        # a server links the model to its version by itself, a sqlite store does not
        link = json.dumps([{"name": self.name, "version": str(made.version)}])
        self._client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": link})
        return _version(made)

    def _logged_model(self, bundle: Path, *, manifest: str, tags: Mapping[str, str], run: SourceRun | None) -> Any:
        from mlflow.entities import Metric

        _, experiment = opened_store(self._uri, self._experiment)
        found = self._client.search_logged_models(
            [experiment], filter_string=f"tags.`{MANIFEST_TAG}` = '{manifest}'", max_results=1
        )
        source = run.id if run is not None else None
        model = (
            found[0]
            if found
            else self._client.create_logged_model(
                experiment, self.name, source, {**tags, MANIFEST_TAG: manifest}, model_type="harbor"
            )
        )
        if str(model.status) != "READY":
            self._client.log_model_artifacts(model.model_id, str(bundle / "mlflow"))
            self._client.log_model_artifacts(model.model_id, str(bundle), "bundle")
            if run is not None:
                points = [Metric(*point, model_id=model.model_id) for point in run.metrics]
                self._client.log_batch(run.id, points)
            self._client.finalize_logged_model(model.model_id, "READY")
        return model

    def point(self, alias: str, version: str | None) -> None:
        """Let an alias mean a version, or nothing."""
        if version is None:
            self._client.delete_registered_model_alias(self.name, alias)
        else:
            self._client.set_registered_model_alias(self.name, alias, version)

    def fetch_bundle(self, version: Version, folder: Path) -> None:
        """Download a version's bundle to a folder that does not exist; nothing of it has been checked then."""
        from mlflow.artifacts import download_artifacts

        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            place = download_artifacts(
                artifact_uri=f"{version.source}/bundle", dst_path=temporary, tracking_uri=self._uri
            )
            shutil.move(place, folder)

    def log_outcomes(
        self,
        version: Version,
        *,
        digest: str,
        metrics: Mapping[str, float],
        verdict: str,
        files: Sequence[Path],
        time_ms: int,
    ) -> None:
        """A run with what later outcomes showed of a version, its metrics on the version's model; the same one once.

        Args:
            version: that was judged.
            digest: of the outcomes, by which a repetition is known.
            metrics: by name.
            verdict: "passed" or "alarm", which the version is tagged with too.
            files: kept as artifacts.
            time_ms: of the judgement, ms since 1970.
        """
        from mlflow.entities import Metric

        _, experiment = opened_store(self._uri, self._experiment)
        tags = {OUTCOMES_TAG: digest, MANIFEST_TAG: version.manifest, VERDICT_TAG: verdict}
        same = f"tags.`{OUTCOMES_TAG}` = '{digest}' and tags.`{MANIFEST_TAG}` = '{version.manifest}'"
        if self._client.search_runs([experiment], f"{same} and attributes.status = 'FINISHED'", max_results=1):
            return
        run = self._client.create_run(
            experiment, start_time=time_ms, tags={**tags, "harbor.model_version": version.number}, run_name="outcomes"
        ).info.run_id
        model = self._client.get_model_version(self.name, version.number).tags.get(MODEL_TAG)
        points = [Metric(name, value, time_ms, 0, model_id=model) for name, value in metrics.items()]
        self._client.log_batch(run, points)
        for path in files:
            self._client.log_artifact(run, str(path))
        self._client.set_model_version_tag(self.name, version.number, VERDICT_TAG, verdict)
        self._client.set_terminated(run)

    def promotions(self) -> dict[int, str]:
        """The ledger's lines that the registry carries, by sequence, so that every machine's file can catch up."""
        model = self._model(self.name)
        tags = model.tags if model is not None else {}
        kept = {name.removeprefix(LEDGER_TAG): text for name, text in tags.items() if name.startswith(LEDGER_TAG)}
        return {int(sequence): text for sequence, text in sorted(kept.items())}

    def carry_promotion(self, sequence: int, line: str) -> None:
        """Put a line of the ledger beside the model."""
        self._client.set_registered_model_tag(self.name, f"{LEDGER_TAG}{sequence:06d}", line)

    def claim(self, token: str) -> bool:
        """Whether this caller alone may move aliases until it calls `release`.

        Aliases and tags are last-write-wins; what a store of any kind decides atomically is who makes a name. So the
        claim is a registered model of its own, made and deleted. One that a killed job left is taken over when stale.
        """
        from mlflow.exceptions import MlflowException

        for _ in range(2):
            try:
                self._client.create_registered_model(self._claim, tags={CLAIM_TAG: token})
                return self.holds(token)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            held = self._model(self._claim)
            if held is not None and held.tags.get(CLAIM_TAG) == token:
                return True  # the reply to the first try was lost
            if held is not None and time.time() - held.creation_timestamp / 1000 < STALE_CLAIM:
                return False
            if held is not None:
                self._client.delete_registered_model(self._claim)
        return False

    def holds(self, token: str) -> bool:
        """Whether the claim is still this caller's."""
        held = self._model(self._claim)
        return held is not None and held.tags.get(CLAIM_TAG) == token

    def release(self, token: str) -> None:
        """End the caller's claim."""
        if self.holds(token):
            self._client.delete_registered_model(self._claim)

    @property
    def _claim(self) -> str:
        return f"{self.name}-being-promoted"

    def _model(self, name: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise


def _version(found: Any) -> Version:
    return Version(str(found.version), found.tags.get(MANIFEST_TAG, ""), found.source)
