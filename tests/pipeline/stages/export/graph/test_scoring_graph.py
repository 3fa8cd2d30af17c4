"""The graph against the Python path, part by part and as a whole."""

from dataclasses import replace
from functools import partial

import numpy as np
import onnx
import pyarrow as pa
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calibration import Affine, Beta, Identity, Isotonic, Temperature
from models.losses import LossSettings, class_ratio, posterior
from models.network import margins
from pipeline.bundle.scorer import Scorer, graph_session
from pipeline.bundle.signature import Signature
from pipeline.stages.export.graph.nodes import Nodes
from pipeline.stages.export.graph.probability_nodes import bounded_probability, calibrated_log_odds, posterior_log_odds
from pipeline.stages.export.graph.scoring_graph import BoosterPart, GraphParts, NetworkPart, scoring_graph
from pipeline.stages.export.graph.tree_nodes import tree_margins
from tests.oracles.python_path import Small, small


def scorer(parts: GraphParts) -> Scorer:
    outputs = ("probability", *parts.candidates)
    return Scorer(graph_session(scoring_graph(parts)), Signature(parts.numeric, parts.categorical, outputs))


def largest_difference(case: Small) -> float:
    """Flips of trees apart, which come from values of train on a border and not from these rows."""
    found, expected = scorer(case.parts).probabilities(case.table), case.expected()
    assert set(expected) == set(case.parts.candidates)
    assert (found["probability"] == found[case.parts.shipped]).all()
    return max(float(np.abs(found[name] - values).max()) for name, values in expected.items())


def on_column(build, values: np.ndarray) -> np.ndarray:
    nodes = Nodes()
    build(nodes)
    model = nodes.model("column", inputs={"x": "double"}, outputs={"y": "double"}, properties={})
    return graph_session(model).run(["y"], {"x": values[:, None]})[0][:, 0]


@pytest.mark.parametrize("form", ["none", "logit", "embedding"])
def test_every_output_is_what_the_python_path_says(form: str) -> None:
    assert largest_difference(small(form=form)) < 1e-5


def test_a_graph_without_categories_is_what_the_python_path_says() -> None:
    assert largest_difference(small(categories=0)) < 1e-5


def test_a_graph_without_numbers_is_what_the_python_path_says() -> None:
    case = small(numeric=0, form="logit")
    assert largest_difference(case) < 1e-5


def test_a_head_that_serves_two_candidates_is_in_the_graph_once() -> None:
    case = small(form="none")
    head = case.parts.networks["mlp"]
    shared = case.changed(networks={"mlp": head, "mlp_unsmoothed": NetworkPart(head.state, LossSettings(0.0, 7.3))})
    assert largest_difference(shared) < 1e-5
    assert len(scoring_graph(shared.parts)) < len(scoring_graph(case.parts))


def test_rows_of_missing_unseen_and_extreme_values_are_what_the_python_path_says() -> None:
    case = small()
    extreme = [np.nan, 0.0, -1e30, 3e38, 1e-38, -0.0]
    columns = {name: pa.array(np.roll(extreme, shift), pa.float32()) for shift, name in enumerate(case.parts.numeric)}
    strings = pa.array(["", None, "never seen", "v1", "V1", " v1"])
    rows = pa.table(columns | dict.fromkeys(case.parts.categorical, strings))
    assert largest_difference(replace(case, table=rows)) < 1e-5


def test_a_row_scores_alike_alone_and_among_others() -> None:
    case = small()
    graph = scorer(case.parts)
    together = graph.probabilities(case.table.slice(0, 40))["probability"]
    alone = np.concatenate([graph.probabilities(case.table.slice(row, 1))["probability"] for row in range(40)])
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_threads_and_batches_change_nothing_but_rounding() -> None:
    case = small()
    graph = scorer(case.parts)
    one = graph.probabilities(case.table, threads=1, batch=2000)["hybrid"]
    np.testing.assert_allclose(graph.probabilities(case.table, threads=3, batch=64)["hybrid"], one, atol=1e-6)


def test_equal_parts_give_equal_bytes() -> None:
    assert scoring_graph(small().parts) == scoring_graph(small().parts)


def test_the_graph_holds_neither_time_nor_place() -> None:
    model = onnx.load_model_from_string(scoring_graph(small().parts))
    assert (model.producer_name, model.producer_version, model.doc_string) == ("harbor", "", "")
    assert {each.domain: each.version for each in model.opset_import} == {"": 18, "ai.onnx.ml": 3}


@settings(max_examples=60, deadline=None)
@given(
    smoothing=st.sampled_from([0.0, 0.01, 0.05, 0.2, 0.6]),
    ratio=st.floats(0.05, 200),
    weighting=st.sampled_from(["example", "column"]),
    gamma=st.sampled_from([0.0, 0.0, 0.5, 2.0]),
    floor=st.sampled_from([1e-3, 1e-5, 0.2]),
)
def test_the_posterior_in_the_graph_is_that_of_the_losses(smoothing, ratio, weighting, gamma, floor) -> None:
    setting = LossSettings(smoothing, ratio, weighting, "uniform", gamma)
    margins = np.concatenate([np.linspace(-25, 25, 301), np.linspace(-0.1, 0.1, 21), [-40.0, 40.0]])

    def build(nodes: Nodes) -> None:
        nodes.split(bounded_probability(nodes, posterior_log_odds(nodes, "x", [setting], floor=floor)), ["y"])

    found = on_column(build, margins)
    expected = np.clip(posterior(margins, setting, floor=floor).probability, 2e-16, 1 - 2e-16)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(np.log(found), np.log(expected), atol=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.01, 0.1, 0.2])
@pytest.mark.parametrize("weighting", ["example", "column"])
def test_log_odds_in_the_graph_are_finite_and_strictly_increasing(weighting, smoothing, gamma) -> None:
    margin = np.unique(np.concatenate([np.linspace(-2000, 2000, 4001), np.linspace(-50, 50, 5001)]))
    for class_weight in ("none", "sqrt", "balanced"):
        setting = LossSettings(smoothing, class_ratio(class_weight, 0.018), weighting, gamma=gamma)
        found = on_column(partial(graph_log_odds, setting), margin)
        assert np.isfinite(found).all()
        assert (np.diff(found) > 0).all()
        np.testing.assert_allclose(found, posterior(margin, setting, floor=1e-3).log_odds, atol=1e-7)


def graph_log_odds(setting: LossSettings, nodes: Nodes) -> None:
    nodes.split(posterior_log_odds(nodes, "x", [setting], floor=1e-3), ["y"])


@pytest.mark.parametrize("loss", [LossSettings(), LossSettings(0.1, 7.3), LossSettings(ratio=7.3, gamma=2.0)], ids=str)
def test_a_network_of_margins_in_the_thousands_is_what_the_python_path_says(loss: LossSettings) -> None:
    case = small(form="none")
    state = dict(case.parts.networks["mlp"].state)
    sure = NetworkPart(state | {"output_weight": state["output_weight"] * np.float32(3000)}, loss)
    assert np.abs(margins(sure.state, case.encoder.apply(case.table))).max() > 1000
    changed = case.changed(networks={"mlp": sure, "mlp_unsmoothed": sure})
    for name, values in scorer(changed.parts).probabilities(changed.table).items():
        assert ((values > 0) & (values < 1)).all(), name
    assert largest_difference(changed) < 2e-4  # a float32 of some thousands is good to 1e-4


@pytest.mark.parametrize(
    "calibrator",
    [
        Identity(),
        Temperature(2.5),
        Affine(0.7, -1.5),
        Beta(0.5, 2.0, 0.3),
        Isotonic((-3.0, -1.0, 0.5, 4.0), (0.001, 0.02, 0.02, 0.9)),
        Isotonic((0.5,), (0.02,)),
    ],
    ids=lambda each: each.kind,
)
def test_a_calibrator_in_the_graph_is_its_apply(calibrator) -> None:
    logits = np.concatenate([np.linspace(-60, 60, 241), np.linspace(-2000, 2000, 41), [-1.0, 0.5, 1e-300]])

    def build(nodes: Nodes) -> None:
        maps = {"calibrators": {"c": calibrator}, "hybrids": {}, "outputs": ["c"]}
        nodes.split(bounded_probability(nodes, calibrated_log_odds(nodes, "x", ["c"], **maps)), ["y"])

    np.testing.assert_allclose(on_column(build, logits), calibrator.apply(logits), rtol=1e-9, atol=1e-15)


def test_heads_of_unlike_losses_are_inverted_each_by_its_own() -> None:
    case = small(form="none")
    one, other = case.parts.networks.values()
    losses = LossSettings(0.2, 3.0, "column"), LossSettings(0.1, 0.5, "example", "non_target", 2.0)
    pairs = zip(("mlp", "mlp_unsmoothed"), (one, other), losses, strict=True)
    networks = {name: NetworkPart(part.state, loss) for name, part, loss in pairs}
    assert largest_difference(case.changed(networks=networks)) < 1e-5


def test_a_curved_calibrator_of_a_member_reaches_the_hybrid() -> None:
    case = small(form="none")
    curved = Isotonic((-6.0, -1.0, 0.5, 4.0), (0.001, 0.02, 0.03, 0.9))
    assert largest_difference(case.changed(calibrators={**case.parts.calibrators, "xgboost": curved})) < 1e-5


def trees_of(labels: np.ndarray, matrix: np.ndarray, rounds: int, **parameters: object) -> tuple[bytes, np.ndarray]:
    data = xgboost.DMatrix(matrix, labels, nthread=1)
    settings = {"objective": "binary:logistic", "nthread": 1, "max_depth": 5, **parameters}
    booster = xgboost.train(settings, data, num_boost_round=rounds)
    return bytes(booster.save_raw("ubj")), booster.predict(data, output_margin=True)


def graph_margins(model: bytes, matrix: np.ndarray) -> np.ndarray:
    nodes = Nodes()
    columns = nodes.joined([f"x{i}" for i in range(matrix.shape[1])])
    nodes.add("Cast", tree_margins(nodes, columns, model), to=11, name="y")
    inputs = {f"x{i}": "float" for i in range(matrix.shape[1])}
    session = graph_session(nodes.model("trees", inputs=inputs, outputs={"y": "double"}, properties={}))
    return session.run(["y"], {name: matrix[:, [i]] for i, name in enumerate(inputs)})[0][:, 0]


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


def test_parts_that_contradict_one_another_are_refused_all_at_once() -> None:
    parts = small(form="none").parts
    with pytest.raises(
        ValueError, match=r"must be one of .* got 'forest'; feature columns must not be called like an output"
    ):
        replace(parts, shipped="forest", numeric=(*parts.numeric[:-1], "hybrid"))


def test_an_encoder_that_no_head_uses_is_a_network_of_its_own() -> None:
    case = small(form="embedding")
    booster = case.parts.boosters["xgboost"]
    assert isinstance(booster, BoosterPart)
    assert all(each.state is not booster.encoder for each in case.parts.networks.values())
    assert largest_difference(case) < 1e-5


def test_principal_components_of_an_encoder_are_computed_in_the_graph() -> None:
    case = small(form="reduced")
    plain = case.table.num_rows
    found, expected = scorer(case.parts).probabilities(case.table), case.expected()
    # a component on a border of the grid may round to the other side, and then a tree may flip
    close = np.abs(found["xgboost"] - expected["xgboost"]) < 1e-5
    assert close.sum() >= plain - 3


@pytest.mark.parametrize("loss", [LossSettings(0.1, 7.3), LossSettings(0.1, 7.3, "column"), LossSettings(0.2)])
def test_a_booster_that_learned_from_soft_labels_is_inverted_in_the_graph(loss: LossSettings) -> None:
    assert largest_difference(small(loss=loss)) < 1e-5
