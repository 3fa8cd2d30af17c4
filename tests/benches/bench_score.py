"""Scoring one row and 100,000: the bundle's graph, the Python path, mlflow.pyfunc, and the bare parts of each.

Features are the default set of simulated transactions (or DATA=features.parquet of a run), the networks have the
default form and random weights, which take as long as fitted ones, and the booster has 200 trees of depth 6. All in one
run; HARBOR_BENCH_THREADS sets the threads of whatever scores many rows, one row always takes one.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import xgboost
from onnx import TensorProto, helper

from features.encode import Matrix, fit_encoder
from features.simulate.simulated import simulate_transactions
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from models.baseline import fit_logistic_baseline
from models.booster_inputs import BoosterInputs, plain_columns
from models.boosting import Booster
from models.calibration import Affine
from models.hybrid import Hybrid
from models.losses import LossSettings
from models.network import constant_arrays, initial_arrays, margins, network_architecture
from models.options import BoostingConfig, TrainConfig
from models.shared_encoder import SharedEncoder
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.scorer import Scorer, graph_session, loaded_scorer
from pipeline.bundle.signature import feature_arrays
from pipeline.sections import ExportConfig
from pipeline.stages.artifacts.candidates import Calibration, Head, Models, calibrated_probabilities, raw_scores
from pipeline.stages.export.build import BundleContents, build_bundle
from pipeline.stages.export.graph_parts import graph_parts
from tests.oracles.served_model import load_serving_model

ROWS, TREES, DEPTH = 100_000, 200, 6
BATCHES = (256, 512, 1024, 4096)
CANDIDATES = ("logistic", "mlp", "mlp_unsmoothed", "xgboost")


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our seconds, the peer's seconds)."""
    threads = int(os.environ.get("HARBOR_BENCH_THREADS", str(len(os.sched_getaffinity(0)))))
    torch.set_num_threads(threads)
    models, calibration, table = fitted(data)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle"
        contents = BundleContents(
            parts=graph_parts(models, calibration, shipped="hybrid"),
            encoder=models.encoder.to_dict(),
            features="{}",
            rows=table,
            expected=python_path(models, calibration, table, threads),
            optional=frozenset(models.encoder.numeric),
            thresholds={},
            model_card="",
        )
        compared = build_bundle(bundle, contents, config=ExportConfig(flipped_rows=1.0), threads=threads)
        print(f"parity with the Python path on {compared.rows:,} rows: {compared.to_dict()}")
        scorer = loaded_scorer(checked_bundle(bundle))
        served = load_serving_model(bundle / "mlflow")
        case = Case(models, calibration, table.slice(0, ROWS), scorer, bundle, served, threads)
        return [*one_row(case), *many_rows(case)]


@dataclass(frozen=True)
class Case:
    models: Models
    calibration: Calibration
    table: pa.Table
    scorer: Scorer
    bundle: Path
    served: object
    threads: int


def one_row(case: Case) -> list[tuple[str, float, float]]:
    feeds = feature_arrays(case.table.slice(0, 1), case.scorer.signature)
    signature, shipped = case.scorer.signature, graph_session((case.bundle / "model.onnx").read_bytes())
    numbers = np.concatenate([feeds[name] for name in signature.numeric], axis=1)
    texts = {name: feeds[name] for name in signature.categorical}
    graph = median_of(5000, lambda: shipped.run(["probability"], feeds))
    matrix = median_of(5000, lambda: case.scorer.matrix_outputs(numbers, texts, ["probability"]))
    same = case.scorer.matrix_outputs(numbers, texts, ["probability"])[0] == shipped.run(["probability"], feeds)[0]
    print(
        f"one row, p50: the graph as shipped {graph * 1e6:.1f} µs, with its numbers as one matrix "
        f"{matrix * 1e6:.1f} µs, the same bits: {bool(same.all())}"
    )
    trees, columns = trees_alone(case, 1), tree_matrix(case, 1)
    bare = median_of(5000, lambda: trees.run(None, {"matrix": columns}))
    frame = pd.DataFrame({name: column[:, 0] for name, column in feeds.items()})
    frame = frame.astype(dict.fromkeys(case.models.encoder.numeric, "float64"))
    pyfunc = median_of(200, lambda: case.served.predict(frame))
    python = median_of(50, lambda: python_path(case.models, case.calibration, case.table.slice(0, 1), 1))
    print(f"one row: {len(feeds)} inputs, {len(onnx.load(case.bundle / 'model.onnx').graph.node)} nodes")
    return [
        ("one row: graph with a matrix, as shipped", matrix, graph),
        ("one row: graph, mlflow.pyfunc", graph, pyfunc),
        ("one row: graph, Python path", graph, python),
        ("one row: graph, its trees alone", graph, bare),
    ]


def many_rows(case: Case) -> list[tuple[str, float, float]]:
    feeds = feature_arrays(case.table, case.scorer.signature)
    by_batch = {size: best_of(3, lambda size=size: batched(case, size)) for size in BATCHES}
    print("graph by batch: " + ", ".join(f"{size}: {ROWS / seconds:,.0f} rows/s" for size, seconds in by_batch.items()))
    graph = best_of(5, lambda: case.scorer.probabilities(case.table, threads=case.threads))
    trees, matrix = trees_alone(case, case.threads), tree_matrix(case, ROWS)
    bare = best_of(5, lambda: trees.run(None, {"matrix": matrix}))
    rows = case.models.encoder.apply(case.table)
    peer = best_of(3, lambda: plain_parts(case.models, rows, matrix, case.threads))
    ours = best_of(3, lambda: scored(case.models, case.calibration, rows, case.threads))
    from_table = best_of(3, lambda: python_path(case.models, case.calibration, case.table, case.threads))
    frame = pd.DataFrame({name: column[:, 0] for name, column in feeds.items()})
    frame = frame.astype(dict.fromkeys(case.models.encoder.numeric, "float64"))
    pyfunc = best_of(2, lambda: case.served.predict(frame))
    print(f"graph: {ROWS / graph:,.0f} rows/s on {case.threads} threads")
    return [
        (f"{ROWS:,} rows: graph, its trees alone", graph, bare),
        (f"{ROWS:,} rows: graph, mlflow.pyfunc", graph, pyfunc),
        (f"{ROWS:,} rows: Python path, inplace_predict + torch", ours, peer),
        (f"{ROWS:,} rows: graph, Python path from the table", graph, from_table),
    ]


def batched(case: Case, size: int) -> None:
    case.scorer.probabilities(case.table, threads=case.threads, batch=size)


def python_path(models: Models, calibration: Calibration, table: pa.Table, threads: int) -> dict[str, np.ndarray]:
    return scored(models, calibration, models.encoder.apply(table), threads)


def scored(models: Models, calibration: Calibration, rows: Matrix, threads: int) -> dict[str, np.ndarray]:
    return calibrated_probabilities(calibration, raw_scores(models, rows, threads=threads).log_odds)


def plain_parts(models: Models, rows: Matrix, matrix: np.ndarray, threads: int) -> None:
    """The booster's own prediction and each network's forward pass, and nothing that combines them."""
    booster = xgboost.Booster({"nthread": threads}, model_file=bytearray(models.booster.model))
    booster.inplace_predict(matrix, predict_type="margin")
    for state in (*(head.state for head in models.heads.values()), models.booster_inputs.encoder.state):
        margins(state, rows)


def trees_alone(case: Case, threads: int) -> onnxruntime.InferenceSession:
    """The graph's tree node as a graph of its own, on one matrix."""
    graph = onnx.load(case.bundle / "model.onnx").graph
    node = next(each for each in graph.node if each.op_type == "TreeEnsembleRegressor")
    node.input[0], node.output[0] = "matrix", "margin"
    shapes = ("matrix", ["rows", len(case.models.booster.columns)]), ("margin", ["rows", 1])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(
        helper.make_graph([node], "trees", ends[:1], ends[1:]), opset_imports=opsets, ir_version=9
    )
    return graph_session(model.SerializeToString(), threads=threads)


def tree_matrix(case: Case, rows: int) -> np.ndarray:
    matrix = case.models.encoder.apply(case.table.slice(0, rows))
    return case.models.booster_inputs.columns(matrix)


def fitted(data: str | None) -> tuple[Models, Calibration, pa.Table]:
    """Models of the default form, fitted as far as timing needs it, and the feature rows to score."""
    table, numeric, categorical = feature_rows(data)
    half = table.num_rows // 2
    train = table.slice(0, half).append_column("fold", pa.array(["train"] * half))
    encoder = fit_encoder(train, numeric=numeric, categorical=categorical, settings=FeaturesConfig().encoding)
    config, rng = TrainConfig(), np.random.default_rng(0)
    architecture = network_architecture(
        encoder.scaling, cardinalities=encoder.sizes, numeric_form=config.numeric, max_bins=config.max_bins
    )
    states = [{**constant_arrays(architecture), **initial_arrays(architecture, rng=rng)} for _ in range(3)]
    rows = encoder.apply(train)
    shared = SharedEncoder("logit", states[2], ("head_logit",))
    plain = plain_columns(numeric, categorical, encoder.sizes, limit=BoostingConfig().one_hot)
    inputs = BoosterInputs(plain, shared)
    columns = inputs.names
    settings = {"objective": "binary:logistic", "max_depth": DEPTH, "eta": 0.1, "seed": 0}
    learned = xgboost.QuantileDMatrix(
        inputs.columns(rows),
        rows.label,
        feature_names=[f"f{column}" for column in range(len(columns))],
    )
    model = bytes(xgboost.train(settings, learned, TREES).save_raw("ubj"))
    heads = {
        "mlp": Head("mlp", states[0], LossSettings(0.1, 1.0), "none"),
        "mlp_unsmoothed": Head("mlp_unsmoothed", states[1], LossSettings(0.0, 1.0), "none"),
    }
    models = Models(
        encoder=encoder,
        heads=heads,
        booster=Booster(model, columns, TREES, ()),
        booster_inputs=inputs,
        baseline=fit_logistic_baseline(rows, scaling=encoder.scaling, cardinalities=encoder.sizes),
        posterior_floor=1e-3,
    )
    affine = Affine(converged=True, note="", slope=1.1, shift=0.1)
    calibration = Calibration(
        dict.fromkeys(CANDIDATES, affine), Hybrid(("mlp", "xgboost"), (0.4, 0.7), 0.05, converged=True, note="")
    )
    return models, calibration, table.slice(half).select([*numeric, *categorical])


def feature_rows(data: str | None) -> tuple[pa.Table, list[str], list[str]]:
    if data is not None:
        table = pq.read_table(data)
        skipped = {"transaction_id", "event_time", "label", "label_weight", "fold"}
        table = table.filter(pa.compute.is_valid(table["label"]))
    else:
        transactions = simulate_transactions(2 * ROWS, seed=1).transactions
        minor = np.rint(transactions["amount"].to_numpy() * 100).astype(np.int64)
        transactions = transactions.append_column("amount_minor", pa.array(minor))
        spec = feature_spec(FeaturesConfig(), columns=transactions.column_names)
        table, skipped = window_features(transactions, spec=spec, threads=2), {"label"}
        table = table.append_column("label", transactions["label"].fill_null(0))
    names = [name for name in table.column_names if name not in skipped]
    categorical = [name for name in names if pa.types.is_string(table.schema.field(name).type)]
    return table.select([*names, "label"]), [name for name in names if name not in categorical], categorical


def median_of(repeats: int, call: Callable[[], object]) -> float:
    for _ in range(repeats // 10):
        call()
    return statistics.median(elapsed(call) for _ in range(repeats))


def best_of(repeats: int, call: Callable[[], object]) -> float:
    return min(elapsed(call) for _ in range(repeats))


def elapsed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
