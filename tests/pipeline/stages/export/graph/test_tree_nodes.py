"""Trees in the graph against the booster they come from."""

import numpy as np
import pytest
import xgboost

from pipeline.stages.export.graph.nodes import DOUBLE, Nodes
from pipeline.stages.export.graph.tree_nodes import tree_margins
from tests.fixtures.graphs import run_nodes


def trees_of(labels: np.ndarray, matrix: np.ndarray, rounds: int, **parameters: object) -> tuple[bytes, np.ndarray]:
    data = xgboost.DMatrix(matrix, labels, nthread=1)
    settings = {"objective": "binary:logistic", "nthread": 1, "max_depth": 5, **parameters}
    booster = xgboost.train(settings, data, num_boost_round=rounds)
    return bytes(booster.save_raw("ubj")), booster.predict(data, output_margin=True)


def graph_margins(model: bytes, matrix: np.ndarray) -> np.ndarray:
    columns = {f"x{place}": matrix[:, place] for place in range(matrix.shape[1])}

    def build(nodes: Nodes) -> None:
        nodes.add("Cast", tree_margins(nodes, nodes.joined(list(columns)), model), to=DOUBLE, name="y")

    return run_nodes(build, columns)


@pytest.mark.parametrize("base", [0.5, 0.018])
def test_trees_of_training_rows_with_ties_on_every_border_are_the_boosters(base: float) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.integers(0, 5, size=(3000, 4)).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    labels = (np.nan_to_num(matrix, nan=2.5).sum(1) + rng.normal(size=3000) > 11).astype(np.float32)
    model, margins = trees_of(labels, matrix, 30, base_score=base)
    np.testing.assert_allclose(graph_margins(model, matrix), margins, rtol=1e-6, atol=2e-6)


def test_a_booster_of_single_leaves_is_its_base() -> None:
    matrix = np.zeros((20, 2), np.float32)
    model, margins = trees_of(np.tile([0.0, 1.0, 0.0, 0.0], 5), matrix, 2)
    np.testing.assert_allclose(graph_margins(model, matrix), margins, atol=1e-6)


def test_a_booster_with_another_objective_is_refused() -> None:
    model, _ = trees_of(
        np.arange(10.0), np.arange(20, dtype=np.float32).reshape(10, 2), 1, objective="reg:squarederror"
    )
    with pytest.raises(ValueError, match="its objective is reg:squarederror"):
        tree_margins(Nodes(), "x", model)


def test_every_fault_of_a_booster_is_named() -> None:
    model, _ = trees_of(
        np.arange(10.0),
        np.arange(20, dtype=np.float32).reshape(10, 2),
        1,
        objective="reg:squarederror",
        booster="gblinear",
        max_depth=None,
    )
    with pytest.raises(ValueError, match=r"its objective is .*; its booster is gblinear; it has no trees"):
        tree_margins(Nodes(), "x", model)
