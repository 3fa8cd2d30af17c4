"""The state beside the bundle: the windows of all groups behind the last row of the run."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.online.plan import refused_columns
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import FeatureSpec, feature_spec
from pipeline.config import Config
from pipeline.stages.artifacts.ingest_report import IngestReport
from pipeline.stages.hash_key import hash_key, hash_key_check
from pipeline.stages.stage import StageContext
from pipeline.state.card_numbers import CardNumbersError, check_no_card_numbers
from pipeline.state.history_state import columns_read, history_state, id_keys
from pipeline.state.row_reading import reading_of
from pipeline.state.state_files import PRESET, write_state
from pipeline.storage.content import read_table
from pipeline.storage.errors import InputError, faults_text

LABELS = ("event_time", "label", "label_available_at")
COLUMNS_SHOWN = 5
REPORTED = ("rows", "last_event", "labels_to_come", "digest")
"""Keys of the manifest that stand in the stage's report."""


def check_servable(config: Config) -> None:
    """Refuse columns that cannot be answered one row at a time, before a run has taken hours for them.

    Raises:
        InputError: export.state is asked for, and columns of [features] cannot be served; they are named.
    """
    if config.export.state:
        _check_columns(_widest_specification(config.features))


def write_online_state(context: StageContext) -> Mapping[str, Any]:
    """Write export/state; what the stage's report says of it.

    Card numbers that no secret hashes are no reason to lose a run: then there is no state, and the reason is told.

    Raises:
        InputError: columns cannot be answered one row at a time, or the secret is another one than ingest had.
    """
    folder = context.out / "state"
    folder.mkdir()
    context.reporter.progress(1, 3, "state")
    ingest, spec = context.path("ingest", "report.json").parent, context.path("features", "spec.json")
    try:
        manifest = write_state_of_run(ingest, spec, folder, config=context.config)
    except CardNumbersError as error:
        context.reporter.warn(f"no state was exported: {error}")
        folder.rmdir()
        return {"refused": str(error)}
    return {key: manifest[key] for key in REPORTED}


def write_state_of_run(
    ingest: Path, spec_file: Path, folder: Path, *, config: Config, until: int | None = None
) -> Mapping[str, Any]:
    """Write the state behind the rows of a run up to a moment, or all of them, into an empty folder; its manifest.

    Raises:
        InputError: columns cannot be answered one row at a time, card ids are card numbers that no secret hashes, or
            the secret is another one than ingest had.
    """
    features = spec_file.read_text(encoding="utf-8")
    spec, ingested = FeatureSpec.from_json(features), IngestReport.read(ingest / "report.json")
    _check_columns(spec)
    check = _same_secret(config, ingested)
    key_column = "transaction_id" if _has_ids(ingested) else None
    table = _history(ingest / "transactions.parquet", spec, key_column=key_column, until=until)
    for name in table.column_names if check is None else ():  # a secret is that of every id of a state
        if name.endswith("_id") and name != key_column:
            check_no_card_numbers(table[name], name=name)
    history = history_state(table, spec, keys=id_keys(hash_key(config.data)), key_column=key_column)
    shutil.copytree(ingest / PRESET, folder / PRESET)
    content = {"hash_key_check": check, "key_column": key_column, "reading": reading_of(config)}
    return write_state(folder, history, features=features, content=content)


def _history(path: Path, spec: FeatureSpec, *, key_column: str | None, until: int | None) -> pa.Table:
    columns = columns_read(spec, pq.read_schema(path).names, key_column=key_column)
    early = None if until is None else pc.field("event_time") <= pa.scalar(until, pa.timestamp("us", "UTC"))
    return read_table(path, columns=columns, filters=early)


def _widest_specification(features: FeaturesConfig) -> FeatureSpec:
    """The columns of entities where the data has every id."""
    ids = [f"{part}_id" for entity in features.entities for part in entity.split("+")]
    return feature_spec(features, columns=[*LABELS, *ids])


def _check_columns(spec: FeatureSpec) -> None:
    if faults := refused_columns(spec):
        where = "the columns that raw transactions are scored by (export.state = false serves feature rows alone)"
        raise InputError(faults_text(faults, where, most=COLUMNS_SHOWN))


def _same_secret(config: Config, ingested: IngestReport) -> str | None:
    check = hash_key_check(config.data)
    if check != ingested.card_id_hash_key_check:
        raise InputError("data.hash_key_env: the secret must be the one that ingest hashed card ids under")
    return check


def _has_ids(ingested: IngestReport) -> bool:
    return any(role.partition(".")[0] == "transaction_id" for role in ingested.columns.used)
