"""The shadow table: what the candidates say of rows that nobody judges."""

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from models.calibration import bounded_probability
from pipeline.stages.artifacts.candidates import Models, RawScores, calibrated_probabilities, raw_scores
from pipeline.stages.artifacts.model_files import load_calibration
from pipeline.stages.evaluate.champion_rows import ChampionRows
from pipeline.stages.stage import StageContext

SHADOW_SHARE = 10


def shadow_table(
    context: StageContext,
    models: Models,
    test: pa.Table,
    scores: RawScores,
    candidates: Mapping[str, np.ndarray],
    champion: ChampionRows | None,
) -> pa.Table:
    """Probabilities of ε = 0, the best ε > 0 and the champion on rows nobody has judged yet, or on a tenth of test."""
    after = context.features_after("test")
    if after.num_rows:
        scores = raw_scores(models, models.encoder.apply(after), threads=context.threads)
        candidates = calibrated_probabilities(load_calibration(context.run), scores.log_odds)
        table, keep = after, np.ones(after.num_rows, np.bool_)
    else:
        table, keep = test, _hashed_tenth(test["transaction_id"])
    columns = {
        "transaction_id": table["transaction_id"],
        "event_time": table["event_time"],
        "unsmoothed": pa.array(bounded_probability(scores.inverted["mlp_unsmoothed"])),
        "smoothed": pa.array(bounded_probability(scores.inverted.get("mlp_smoothed", scores.inverted["mlp"]))),
        context.config.export.candidate: pa.array(candidates[context.config.export.candidate]),
    }
    if champion is not None:
        theirs = champion.later if after.num_rows else champion.test.probabilities
        columns["champion"] = pa.array(theirs, from_pandas=True)
    return pa.table(columns).filter(pa.array(keep))


def _hashed_tenth(ids: pa.ChunkedArray) -> np.ndarray:
    digests = (hashlib.blake2b(str(each).encode(), digest_size=4).digest() for each in ids.to_pylist())
    return np.fromiter((int.from_bytes(d, "big") % SHADOW_SHARE == 0 for d in digests), np.bool_, len(ids))
