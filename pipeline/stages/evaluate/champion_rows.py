"""The champion in a run: its bundle is copied into the run folder at the start and scores the rows of the test fold."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.report.evidence import ChampionScores
from features.windows.spec import FeatureSpec
from features.windows.window_table import window_features
from pipeline.bundle.manifest import CheckedBundle, checked_bundle, signing_key
from pipeline.bundle.scorer import loaded_scorer
from pipeline.stages.stage import CHAMPION_FILE, StageContext
from pipeline.storage.content import read_json, read_table
from pipeline.storage.errors import InputError, portable_message


@dataclass(frozen=True)
class ChampionRows:
    """The champion on the test fold, and its P(fraud) on the rows later than that [M]; NaN where it cannot score."""

    test: ChampionScores
    later: np.ndarray


def champion_rows(context: StageContext) -> ChampionRows | None:
    """The champion in the run folder on the rows that evaluation looks at; None where there is no champion.

    Its features are computed anew from its own specification: what it was trained on, not what this run computes.
    """
    path = context.run / CHAMPION_FILE
    if not path.is_file():
        return None
    note = read_json(path)
    test, later = _test_and_later(context)
    probabilities = np.full(len(test), np.nan)
    own = context.features_report.folds["calib"].end
    seen_until, problem = own, str(note["problem"])
    if not problem:
        try:
            bundle = checked_bundle(path.parent / "bundle", key=signing_key(context.config.export.sign_key_env))
            seen_until = max(own, _seen_until(bundle.manifest))
            probabilities[test | later] = _scored(context, bundle, test | later)
        except Exception as error:  # another release's bundle may break in any way, and must not break this run
            problem = f"it cannot score these transactions: {portable_message(error, context.run)}"
    judged = ChampionScores(str(note["version"]), probabilities[test], seen_until, problem)
    return ChampionRows(judged, probabilities[later])


def _test_and_later(context: StageContext) -> tuple[np.ndarray, np.ndarray]:
    """Masks over all transactions: the rows of the test fold, and the rows later than it."""
    table = read_table(context.path("features", "features.parquet"), columns=["fold", "event_time"])
    test = pc.fill_null(pc.equal(table["fold"], "test"), False).to_numpy(zero_copy_only=False)
    end = context.features_report.folds["test"].end
    return test, table["event_time"].cast(pa.int64()).to_numpy() > end


def _scored(context: StageContext, bundle: CheckedBundle, rows: np.ndarray) -> np.ndarray:
    threads = context.threads
    scorer = loaded_scorer(bundle)
    spec = FeatureSpec.from_json(bundle.read("features.json").decode())
    transactions = read_table(context.path("ingest", "transactions.parquet"))
    missing = sorted(_needed(spec) - set(transactions.column_names))
    if missing:
        raise InputError(f"the data lacks {', '.join(missing)}")
    table = window_features(transactions, spec=spec, threads=threads).filter(pa.array(rows))
    probability: np.ndarray = scorer.probabilities(table, threads=threads)["probability"]
    return probability


def _needed(spec: FeatureSpec) -> set[str]:
    return {name for column in spec.columns for name in (*column.entity, column.of) if name}


def _seen_until(manifest: Mapping[str, object]) -> int:
    value = manifest.get("seen_until_microseconds")
    if not isinstance(value, int):
        raise InputError("its manifest does not say seen_until_microseconds")
    return value
