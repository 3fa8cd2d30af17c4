"""Reasons for one alert, with one reference and with several: whole, the graph's share of it, native TreeSHAP.

The models are those of bench_score: default columns of simulated transactions, so nine groups; 200 trees of depth 6.
Every time is the median over alerts, the rows of highest probability. TreeSHAP explains the booster alone, of which
the encoder's column is one input: what stands behind that it cannot say, and the share of its weight there is printed.
"""

import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import xgboost

from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.reasons import SERVED, Reasons, loaded_reasons
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.signature import feature_arrays
from pipeline.sections import ExportConfig
from pipeline.stages.artifacts.candidates import Models
from pipeline.stages.export.build import BundleContents, ReasonContents, build_bundle
from pipeline.stages.export.graph_parts import graph_parts
from pipeline.stages.export.reason_groups import reason_groups
from tests.benches.bench_score import elapsed, fitted, python_path

ALERTS, ROWS = 40, 20_000
IDS = ("card_id", "merchant_id")

Alert = tuple[np.ndarray, dict[str, np.ndarray]]


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our seconds an alert, the peer's seconds)."""
    models, calibration, table = fitted(data)
    table = table.slice(0, ROWS)
    spec = feature_spec(
        FeaturesConfig(), columns=["event_time", "amount", "label", "label_available_at", *IDS]
    ).selected(table.column_names)
    legitimate = table.append_column("label", pa.repeat(pa.scalar(0, pa.int8()), table.num_rows))
    contents = BundleContents(
        parts=graph_parts(models, calibration, shipped="hybrid"),
        encoder=models.encoder.to_dict(),
        features="{}",
        rows=table,
        expected=python_path(models, calibration, table, 1),
        optional=frozenset(models.encoder.numeric),
        thresholds={},
        model_card="",
        reasons=ReasonContents(reason_groups(spec), legitimate),
    )
    with tempfile.TemporaryDirectory() as folder:
        build_bundle(Path(folder), contents, config=ExportConfig(flipped_rows=1.0))
        checked = checked_bundle(Path(folder))
        scorer = loaded_scorer(checked)
        reasons = loaded_reasons(checked, scorer.signature)
    assert reasons is not None
    print(f"{len(reasons.groups)} groups of {len(scorer.signature.inputs)} columns; load {os.getloadavg()[0]:.1f}")
    return compared(models, reasons, scorer, table)


def compared(models: Models, reasons: Reasons, scorer: Scorer, table: pa.Table) -> list[tuple[str, float, float]]:
    places = np.argsort(-scorer.probabilities(table)[SERVED], kind="stable")[:ALERTS]
    rows = table.take(pa.array(places))
    alerts = [alert(scorer, rows, place) for place in range(ALERTS)]
    one, several = (
        median_over(alerts, lambda each, n=n: reasons.effects(*each, scorer, SERVED, references=n)) for n in (1, 8)
    )
    graph = median_over(alerts, lambda each: coalitions_alone(scorer, each, 1))
    graphs = median_over(alerts, lambda each: coalitions_alone(scorer, each, 8))
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(models.booster.model))
    matrix = models.booster_inputs.columns(models.encoder.apply(rows))
    names = [f"f{column}" for column in range(matrix.shape[1])]
    data = [xgboost.DMatrix(matrix[[place]], feature_names=names, nthread=1) for place in range(ALERTS)]
    native = statistics.median(elapsed(lambda each=each: booster.predict(each, pred_contribs=True)) for each in data)
    weight = np.abs(np.concatenate([booster.predict(each, pred_contribs=True) for each in data])[:, :-1])
    print(f"share of |TreeSHAP| on the encoder's own column: {weight[:, -1].sum() / weight.sum():.2f}")
    return [
        ("an alert, 1 reference; the graph's 512 rows", one, graph),
        ("an alert, 8 references; the graph's 4,096", several, graphs),
        ("an alert, 1 reference; TreeSHAP of the booster", one, native),
        ("an alert, 8 references; TreeSHAP", several, native),
    ]


def alert(scorer: Scorer, rows: pa.Table, place: int) -> Alert:
    arrays = feature_arrays(rows.slice(place, 1), scorer.signature)
    numbers = np.concatenate([arrays[name] for name in scorer.signature.numeric], axis=1)
    return numbers, {name: arrays[name] for name in scorer.signature.categorical}


def coalitions_alone(scorer: Scorer, each: Alert, references: int) -> None:
    """As many rows as all coalitions of nine groups have, all of them the alert."""
    numbers, texts = each
    times = 512 * references
    repeated = {name: np.repeat(column, times, axis=0) for name, column in texts.items()}
    scorer.matrix_outputs(np.repeat(numbers, times, axis=0), repeated, [SERVED])


def median_over(alerts: list[Alert], call: Callable[[Alert], object]) -> float:
    call(alerts[0])
    return statistics.median(elapsed(lambda each=each: call(each)) for each in alerts)
