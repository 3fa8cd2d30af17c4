"""The refit that is in use against its judged twin, on rows that neither had seen: all that is known of a refit."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from evaluation.statistics.confidence_sequence import WatchedDifference, watched_difference
from features.windows.spec import FeatureSpec
from features.windows.window_table import window_features
from pipeline.bundle.manifest import CheckedBundle, checked_bundle, signing_key
from pipeline.bundle.scorer import loaded_scorer
from pipeline.bundle.twin import TWIN, twin_of
from pipeline.stages.refit.label_history import History, Stretch
from pipeline.stages.stage import CHAMPION_FILE, StageContext
from pipeline.storage.content import read_json, read_table


@dataclass(frozen=True)
class InUse:
    """The difference in log loss, and whose refit it is of."""

    difference: WatchedDifference
    champion: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self.difference), "champion": self.champion}


def refit_in_use(context: StageContext, history: History) -> InUse | None:
    """What the champion's refit has come to on labels that came after it; None where it has no twin or no such rows."""
    path = context.run / CHAMPION_FILE
    if not path.is_file():
        return None
    note = read_json(path)
    if note["problem"]:
        return None
    try:
        bundle = checked_bundle(path.parent / "bundle", key=signing_key(context.config.export.sign_key_env))
        twin = twin_of(bundle.manifest)
        if twin is None:
            return None
        found = _watched(context, history, bundle, since=twin.shipped_seen_until)
    except Exception as error:  # another release's bundle may break in any way, and must not break this run
        context.reporter.warn(f"the refit in use could not be watched: {type(error).__name__}")
        return None
    return None if found is None else InUse(found, str(note["version"]))


def _watched(context: StageContext, history: History, bundle: CheckedBundle, *, since: int) -> WatchedDifference | None:
    stretch = Stretch(since, history.now, history.as_of)
    rows = history.rows(stretch, approval_cap=context.config.labels.approval_cap, learning=False)
    if not rows.usable.any():
        return None
    inside = np.zeros(len(history.label), np.bool_)
    inside[rows.first : rows.first + len(rows.usable)] = rows.usable
    scorer = loaded_scorer(bundle)
    spec = FeatureSpec.from_json(bundle.read("features.json").decode())
    transactions = read_table(context.path("ingest", "transactions.parquet"))
    table = window_features(transactions, spec=spec, threads=context.threads).filter(pa.array(inside))
    said = scorer.probabilities(table, threads=context.threads)
    return watched_difference(
        history.label[inside],
        said["probability"],
        said[TWIN],
        event_time=history.event_time[inside],
        weight=rows.labelled["label_weight"].to_numpy(),
    )
