"""The labelled rows of calib as evaluation wants them: operating points are chosen here, never on test."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.report.evidence import Arm, CalibRows
from pipeline.stages.artifacts.judged_rows import CANDIDATES, judged_rows, row_details
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_table


def crossfitted_calib_rows(context: StageContext, served: Mapping[str, np.ndarray]) -> CalibRows:
    """The labelled rows of calib, with the cross-fitted probabilities of every candidate and calibrator.

    Args:
        context: of evaluate.
        served: what the maps that serve say of every row of calib, by candidate [M].
    """
    kept = read_table(context.path("calibrate", "crossfitted.parquet"))
    every = read_table(context.path("features", "features.parquet"), columns=["fold", "label"])
    fold = every.filter(pc.fill_null(pc.equal(every["fold"], "calib"), False))
    known = fold["label"].is_valid().to_numpy(zero_copy_only=False)
    candidates = {name: kept[name].to_numpy() for name in CANDIDATES}
    return CalibRows(
        rows=judged_rows(kept, row_details(context, "calib")[known]),
        candidates=candidates,
        temperature=_temperature_arms(kept),
        served=served,
        mapped={name: p[known] for name, p in served.items()},
    )


def _temperature_arms(crossfitted: pa.Table) -> dict[Arm, np.ndarray]:
    """(ε, calibrator) to P(fraud), from the columns that are named so."""
    arms = {}
    for name in crossfitted.column_names:
        epsilon, bar, calibrator = name.partition("|")
        if bar:
            arms[float(epsilon), calibrator] = crossfitted[name].to_numpy()
    return arms
