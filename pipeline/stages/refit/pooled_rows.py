"""The rows of all blocks together: maps, hybrid and thresholds of the refit are fitted on what was said out of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from evaluation.options import DecisionConfig
from evaluation.report.operating_points import known_outcomes, threshold_points
from evaluation.selection import time_blocks
from evaluation.statistics.populations import JudgedRows
from features.times import duration_microseconds
from models.options import CalibrationConfig
from pipeline.stages.artifacts.candidates import (
    Calibration,
    calibrated_probabilities,
    cross_fitted_probabilities,
    fit_calibration,
)
from pipeline.stages.artifacts.judged_rows import judged_rows, transaction_details
from pipeline.stages.refit.prequential_pass import ScoredBlock
from pipeline.stages.stage import StageContext


@dataclass(frozen=True)
class PooledRows:
    """Every row of the blocks, in order of time.

    Attributes:
        table: features, label where it may be used, weight [N].
        rows: the same as statistics want them, NaN for a label that may not be used [N].
        block: start of each row's block [N].
        log_odds: of every candidate but the hybrid, before any map [N].
    """

    table: pa.Table
    rows: JudgedRows
    block: np.ndarray
    log_odds: Mapping[str, np.ndarray]

    @property
    def known(self) -> np.ndarray:
        """Whose label may be used [N]."""
        found: np.ndarray = np.isfinite(self.rows.labels)
        return found

    @property
    def frauds(self) -> int:
        """Frauds among those."""
        return int(np.nansum(self.rows.labels))


@dataclass(frozen=True)
class PooledMaps:
    """What the pooled rows gave.

    Attributes:
        calibration: maps and hybrid that serve.
        probabilities: P(fraud) of the labelled rows by maps fitted on the other blocks, by candidate [K].
        served: P(fraud) of every row by the maps that serve, by candidate [N].
    """

    calibration: Calibration
    probabilities: Mapping[str, np.ndarray]
    served: Mapping[str, np.ndarray]


def pooled_rows(context: StageContext, blocks: tuple[ScoredBlock, ...], *, rows_of_file: int) -> PooledRows:
    """The rows of the blocks together."""
    mask = np.zeros(rows_of_file, np.bool_)
    for block in blocks:
        mask[block.rows.first : block.rows.first + block.rows.table.num_rows] = True
    table = pa.concat_tables([block.rows.table for block in blocks])
    details = transaction_details(context, pa.array(mask))
    details["label_weight"] = table["label_weight"].to_numpy()
    return PooledRows(
        table=table,
        rows=judged_rows(table, details),
        block=np.concatenate([np.full(block.rows.table.num_rows, block.origin) for block in blocks]),
        log_odds={name: np.concatenate([block.log_odds[name] for block in blocks]) for name in blocks[0].log_odds},
    )


def pooled_maps(pooled: PooledRows, *, config: CalibrationConfig, half_life: str, now: int) -> PooledMaps:
    """Maps and hybrid from the rows of known label, and what maps of the other blocks say of each.

    Args:
        pooled: the rows.
        config: [calibration].
        half_life: age at which a row counts half; empty counts all alike.
        now: the moment from which ages are taken.

    Raises:
        InputError: the rows of known label lack a class.
    """
    known = pooled.known
    labels, time = pooled.rows.labels[known], pooled.rows.event_time[known]
    weight = np.ones(labels.size) if pooled.rows.weight is None else pooled.rows.weight[known]
    if half_life:
        weight = weight * 0.5 ** ((now - time) / duration_microseconds(half_life))
    log_odds = {name: z[known] for name, z in pooled.log_odds.items()}
    block = pooled.block[known]
    parts = block if np.unique(block).size > 1 else time_blocks(time, folds=config.cross_fit_folds)
    calibration = fit_calibration(labels, log_odds, config=config, weights=weight)
    crossed = cross_fitted_probabilities(labels, log_odds, blocks=parts, config=config, weights=weight)
    return PooledMaps(calibration, crossed, calibrated_probabilities(calibration, pooled.log_odds))


def pooled_thresholds(
    pooled: PooledRows, maps: PooledMaps, *, shipped: str, decision: DecisionConfig
) -> dict[str, Any]:
    """thresholds.json of the refit: chosen and described on the pooled rows, which no model of theirs had seen."""
    known = pooled.known
    outcomes = known_outcomes(pooled.rows.where(known), maps.probabilities[shipped])
    found = threshold_points(outcomes, outcomes, decision=decision, served=maps.served[shipped])
    points = {
        name: {key: value for key, value in point.items() if key != "test"} for name, point in found["points"].items()
    }
    return {**found, "chosen_on": "prequential rows", "points": points}


def prequential_table(pooled: PooledRows, maps: PooledMaps, *, shipped: str, judged: np.ndarray) -> pa.Table:
    """The content of prequential.parquet.

    Args:
        pooled: the rows [N].
        maps: of them.
        shipped: the candidate that `probability` is.
        judged: P(fraud) of the judged model's, NaN on rows that it or its maps were fitted on [N].
    """
    crossed = np.full(pooled.block.size, np.nan)
    crossed[pooled.known] = maps.probabilities[shipped]
    return pa.table(
        {
            "transaction_id": pooled.table["transaction_id"],
            "event_time": pooled.table["event_time"],
            "label": pooled.table["label"],
            "weight": pooled.table["label_weight"],
            "block": pa.array(pooled.block).cast(pa.timestamp("us", tz="UTC")),
            **{f"{name}_log_odds": pa.array(z) for name, z in pooled.log_odds.items()},
            shipped: pa.array(crossed, from_pandas=True),
            "served": pa.array(maps.served[shipped]),
            "judged": pa.array(judged, from_pandas=True),
        }
    )
