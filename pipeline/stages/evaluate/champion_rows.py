"""Models of the registry in a run: their bundles are copied into the run folder and score rows of this run.

The champion is what is in use. The anchor is what was in use a while ago: beside "not worse than yesterday" somebody
must ask whether many nights together led downwards. Where a refit is in use, its judged twin is what is compared: the
refit has seen the rows of test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.report.evidence import ChampionScores
from features.times import DAY
from features.windows.spec import FeatureSpec
from features.windows.window_table import window_features
from pipeline.bundle.manifest import CheckedBundle, checked_bundle, signing_key
from pipeline.bundle.scorer import loaded_scorer
from pipeline.bundle.twin import compared_output
from pipeline.stages.stage import ANCHOR, CHAMPION_FILE, StageContext
from pipeline.storage.content import read_json, read_table
from pipeline.storage.errors import InputError, portable_message

WATCHED_DAYS = 21
"""Newest days on which the champion's promises are watched, where it has not seen them.

More days ring no sooner after a change, and a model that has aged a little rings on them more often.
"""


@dataclass(frozen=True)
class ChampionRows:
    """What a model of the registry says of this run's rows; NaN where it cannot score.

    Attributes:
        test: its scores on the test fold.
        later: P(fraud) on the rows later than that [M].
        unseen: P(fraud) on every transaction, NaN on those it has seen and on old ones [all]; None where unknown.
    """

    test: ChampionScores
    later: np.ndarray
    unseen: np.ndarray | None = None


def champion_rows(context: StageContext) -> ChampionRows | None:
    """The champion in the run folder on the rows that evaluation looks at; None where there is no champion.

    Its features are computed anew from its own specification: what it was trained on, not what this run computes.
    """
    path = context.run / CHAMPION_FILE
    return _registered_model(context, path.parent, read_json(path), watched=WATCHED_DAYS) if path.is_file() else None


def anchor_scores(context: StageContext) -> ChampionScores | None:
    """The anchor on the test fold, scored as the champion is; None where the run has none."""
    path = context.run / CHAMPION_FILE
    note = read_json(path).get(ANCHOR) if path.is_file() else None
    if not isinstance(note, dict):
        return None
    return replace(_registered_model(context, path.parent / ANCHOR, note, watched=0).test, role="anchor")


@dataclass(frozen=True)
class _RunRows:
    """Times of all transactions, and masks over them: the test fold, and what is later."""

    event_time: np.ndarray
    test: np.ndarray
    later: np.ndarray

    def newest(self, days: int) -> np.ndarray:
        """Mask of the rows of the last days of the data."""
        mask: np.ndarray = self.event_time > self.event_time.max(initial=0) - days * DAY
        return mask


def _registered_model(context: StageContext, folder: Path, note: Mapping[str, object], *, watched: int) -> ChampionRows:
    """A copied bundle on test, later rows and the newest days that are watched; a problem in words where it cannot."""
    rows = _run_rows(context)
    probabilities = np.full(rows.test.size, np.nan)
    own = context.features_report.folds["calib"].end
    seen_until, problem, unseen = own, str(note["problem"]), None
    if not problem:
        try:
            bundle = checked_bundle(folder / "bundle", key=signing_key(context.config.export.sign_key_env))
            last_seen = _seen_until(bundle.manifest)
            seen_until, after = max(own, last_seen), rows.event_time > last_seen
            wanted = rows.test | rows.later | (after & rows.newest(watched))
            probabilities[wanted] = _scored(context, bundle, wanted)
            unseen = np.where(after & rows.newest(watched), probabilities, np.nan)
        except Exception as error:  # another release's bundle may break in any way, and must not break this run
            problem = f"it cannot score these transactions: {portable_message(error, context.run)}"
    judged = ChampionScores(str(note["version"]), probabilities[rows.test], seen_until, problem)
    return ChampionRows(judged, probabilities[rows.later], unseen)


def _run_rows(context: StageContext) -> _RunRows:
    table = read_table(context.path("features", "features.parquet"), columns=["fold", "event_time"])
    test = pc.fill_null(pc.equal(table["fold"], "test"), False).to_numpy(zero_copy_only=False)
    event_time = table["event_time"].cast(pa.int64()).to_numpy()
    return _RunRows(event_time, test, event_time > context.features_report.folds["test"].end)


def _scored(context: StageContext, bundle: CheckedBundle, rows: np.ndarray) -> np.ndarray:
    threads = context.threads
    scorer = loaded_scorer(bundle)
    spec = FeatureSpec.from_json(bundle.read("features.json").decode())
    transactions = read_table(context.path("ingest", "transactions.parquet"))
    missing = sorted(_needed(spec) - set(transactions.column_names))
    if missing:
        raise InputError(f"the data lacks {', '.join(missing)}")
    table = window_features(transactions, spec=spec, threads=threads).filter(pa.array(rows))
    probability: np.ndarray = scorer.probabilities(table, threads=threads)[compared_output(bundle.manifest)[0]]
    return probability


def _needed(spec: FeatureSpec) -> set[str]:
    return {name for column in spec.columns for name in (*column.entity, column.of) if name}


def _seen_until(manifest: Mapping[str, object]) -> int:
    value = compared_output(manifest)[1]
    if not isinstance(value, int):
        raise InputError("its manifest does not say seen_until_microseconds")
    return value
