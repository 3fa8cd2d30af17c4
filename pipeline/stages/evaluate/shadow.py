"""The shadow table: what the candidates and the champion say of rows that nobody judges."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from models.calibration import bounded_probability
from pipeline.stages.artifacts.candidates import calibrated_probabilities, raw_scores
from pipeline.stages.evaluate.judged_test import JudgedTest
from pipeline.stages.evaluate.row_sketch import row_hashes
from pipeline.stages.stage import StageContext

SHADOW_SHARE = 10
"""One in how many test rows stands in for rows after test, where there are none."""


@dataclass(frozen=True)
class ShadowRows:
    """Rows [N] and what is said of them.

    Attributes:
        table: the feature rows.
        scores: log odds of the heads after the inverse of their loss [N].
        candidates: calibrated P(fraud) [N] by candidate.
        champion: P(fraud) by the model in use [N], NaN where it cannot score; None where there is none.
    """

    table: pa.Table
    scores: Mapping[str, np.ndarray]
    candidates: Mapping[str, np.ndarray]
    champion: np.ndarray | None


def rows_after_test(context: StageContext, judged: JudgedTest) -> ShadowRows | None:
    """All rows later than the test fold, whose labels are not known yet; None where there are none."""
    table = context.features_after("test")
    if not table.num_rows:
        return None
    scores = raw_scores(judged.models, judged.models.encoder.apply(table), threads=context.threads)
    return ShadowRows(
        table=table,
        scores=scores.inverted,
        candidates=calibrated_probabilities(judged.calibration, scores.log_odds),
        champion=judged.champion.later if judged.champion is not None else None,
    )


def hashed_tenth_of_test(judged: JudgedTest) -> ShadowRows:
    """A tenth of the test rows by a hash of their ids, so that the same transactions are drawn in every run."""
    kept = row_hashes(judged.table["transaction_id"]) % SHADOW_SHARE == 0
    return ShadowRows(
        table=judged.table.filter(pa.array(kept)),
        scores={name: values[kept] for name, values in judged.scores.inverted.items()},
        candidates={name: values[kept] for name, values in judged.probabilities.items()},
        champion=judged.champion.test.probabilities[kept] if judged.champion is not None else None,
    )


def shadow_table(rows: ShadowRows, *, shipped: str) -> pa.Table:
    """The content of shadow.parquet: P(fraud) of ε = 0, the best ε > 0, the shipped candidate and the champion."""
    columns = {
        "transaction_id": rows.table["transaction_id"],
        "event_time": rows.table["event_time"],
        "unsmoothed": pa.array(bounded_probability(rows.scores["mlp_unsmoothed"])),
        "smoothed": pa.array(bounded_probability(rows.scores.get("mlp_smoothed", rows.scores["mlp"]))),
        shipped: pa.array(rows.candidates[shipped]),
    }
    if rows.champion is not None:
        columns["champion"] = pa.array(rows.champion, from_pandas=True)
    return pa.table(columns)
