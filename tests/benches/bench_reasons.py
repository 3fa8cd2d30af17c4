"""Reasons for one alert, with one reference and with several: whole, the graph's share of it, native TreeSHAP.

The models are those of bench_score: default columns of simulated transactions, so nine groups; 200 trees of depth 6.
DATA=runs/NAME takes the bundle of a run and its test rows instead, without TreeSHAP. Every time is processor time of
the one thread, the median over alerts, the rows of highest probability. TreeSHAP explains the booster alone, of which
the encoder's column is one input: what stands behind that it cannot say.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xgboost

from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.reasons import SERVED, Reasons, loaded_reasons
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.signature import feature_arrays
from pipeline.sections import ExportConfig
from pipeline.stages.artifacts.candidates import Calibration, Models
from pipeline.stages.export.build import BundleContents, ReasonContents, build_bundle
from pipeline.stages.export.graph_parts import graph_parts
from pipeline.stages.export.reason_groups import reason_groups
from tests.benches.bench_score import fitted, python_path

ALERTS, ROWS = 200, 20_000
IDS = ("card_id", "merchant_id")

Alert = tuple[np.ndarray, dict[str, np.ndarray]]


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our seconds an alert, the peer's seconds)."""
    if data is not None:
        run = Path(data)
        table = pq.read_table(run / "features" / "features.parquet", filters=pc.field("fold") == "test")
        return compared(run / "export" / "bundle", table)
    models, calibration, table = fitted(None)
    with tempfile.TemporaryDirectory() as folder:
        build_bundle(
            Path(folder),
            contents_of(models, calibration, table.slice(0, ROWS)),
            config=ExportConfig(flipped_rows=1.0),
        )
        return compared(Path(folder), table.slice(0, ROWS), models)


def contents_of(models: Models, calibration: Calibration, table: pa.Table) -> BundleContents:
    columns = ["event_time", "amount", "label", "label_available_at", *IDS]
    spec = feature_spec(FeaturesConfig(), columns=columns).selected(table.column_names)
    legitimate = table.append_column("label", pa.repeat(pa.scalar(0, pa.int8()), table.num_rows))
    return BundleContents(
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


def compared(bundle: Path, table: pa.Table, models: Models | None = None) -> list[tuple[str, float, float]]:
    checked = checked_bundle(bundle)
    scorer = loaded_scorer(checked)
    reasons = loaded_reasons(checked, scorer.signature)
    assert reasons is not None
    print(f"{len(reasons.groups)} groups of {len(scorer.signature.inputs)} columns; load {os.getloadavg()[0]:.1f}")
    places = np.argsort(-scorer.probabilities(table)[SERVED], kind="stable")[: max(ALERTS, table.num_rows // 200)]
    rows = table.take(pa.array(places[np.linspace(0, len(places) - 1, ALERTS).astype(int)]))
    alerts = [alert(scorer, rows, place) for place in range(ALERTS)]
    print_agreement(reasons, scorer, alerts)
    found = []
    for references in (1, 8):
        ours = median_over(alerts, lambda each, n=references: reasons.effects(*each, scorer, SERVED, references=n))
        graph = median_over(alerts, lambda each, n=references: coalitions_alone(scorer, each, n))
        found.append((f"an alert, {references} references; {512 * references:,} rows of the graph", ours, graph))
    if models is not None:
        native = tree_shap(models, rows)
        found += [
            (f"an alert, {references} references; TreeSHAP", found[n][1], native) for n, references in ((0, 1), (1, 8))
        ]
    return found


def print_agreement(reasons: Reasons, scorer: Scorer, alerts: list[Alert]) -> None:
    """How often two draws of references, and the medians and a draw, give the same first three reasons."""
    halves = [
        replace(reasons, numbers=reasons.numbers[n::2], texts={name: c[n::2] for name, c in reasons.texts.items()})
        for n in (0, 1)
    ]
    one, other, medians = (
        [set(each.ranked(each.effects(*row, scorer, SERVED, references=count).effects)[:3]) for row in alerts]
        for each, count in ((halves[0], 8), (halves[1], 8), (reasons, 1))
    )
    same = [np.mean([a == b for a, b in zip(one, beside, strict=True)]) for beside in (other, medians)]
    print(f"the same first three reasons: {same[0]:.3f} of two draws of eight, {same[1]:.3f} of medians and eight")


def tree_shap(models: Models, rows: pa.Table) -> float:
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(models.booster.model))
    matrix = models.booster_inputs.columns(models.encoder.apply(rows))
    names = [f"f{column}" for column in range(matrix.shape[1])]
    data = [xgboost.DMatrix(matrix[[place]], feature_names=names, nthread=1) for place in range(ALERTS)]
    return statistics.median(elapsed(lambda each=each: booster.predict(each, pred_contribs=True)) for each in data)


def elapsed(call: Callable[[], object]) -> float:
    start = time.thread_time()
    call()
    return time.thread_time() - start


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
