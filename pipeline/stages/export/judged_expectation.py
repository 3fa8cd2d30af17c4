"""What the manifest says of how the shipped model did on test, for outcomes that arrive later to be held against."""

from typing import Any

import numpy as np

from evaluation.report.expectation import expectation
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.ranking import average_precision
from pipeline.bundle.signature import Signature, feature_arrays
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_table


def judged_expectation(context: StageContext, signature: Signature) -> dict[str, Any]:
    """Numbers of the judged model on test, and its columns there as the graph takes them.

    A refit has seen the rows of test, so what it says of them would promise too much: the judged model's scores count,
    and outcomes are held against those of the twin in the bundle.

    Args:
        context: of export.
        signature: of the graph, whose columns are described.
    """
    table = context.features("test", labels=False)
    scores = read_table(context.path("evaluate", "scores.parquet"))
    served = scores[context.config.export.candidate].to_numpy().astype(np.float64)
    labels = scores["label"].to_numpy(zero_copy_only=False).astype(np.float64)
    known = np.isfinite(labels)
    rows = JudgedRows(
        labels=labels[known],
        event_time=scores["event_time"].cast("int64").to_numpy()[known],
        amount=np.zeros(int(known.sum())),
        weight=scores["weight"].to_numpy().astype(np.float64)[known],
    )
    found = expectation(
        rows,
        served[known],
        {name: values[:, 0] for name, values in feature_arrays(table, signature).items()},
        average_precision=average_precision(rows.labels, served[known], weight=rows.weight),
        event_time=table["event_time"].cast("int64").to_numpy(),
        scores=served,
    )
    return found.to_dict()
