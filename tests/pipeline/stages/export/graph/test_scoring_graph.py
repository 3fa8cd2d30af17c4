"""The graph as a whole against the Python path."""

from dataclasses import replace

import numpy as np
import onnx
import pyarrow as pa
import pytest

from models.calibration import Beta, Calibrator, Isotonic
from models.losses import LossSettings
from models.network import margins
from pipeline.bundle.scorer import Scorer, graph_session
from pipeline.bundle.signature import Signature
from pipeline.stages.export.graph.scoring_graph import BoosterPart, GraphParts, NetworkPart, scoring_graph
from tests.oracles.python_path import Small, python_probabilities, small


def scorer(parts: GraphParts) -> Scorer:
    outputs = ("probability", *parts.candidates)
    return Scorer(graph_session(scoring_graph(parts)), Signature(parts.numeric, parts.categorical, outputs))


def largest_difference(case: Small) -> float:
    """Flips of trees apart, which come from values of train on a border and not from these rows."""
    found, expected = scorer(case.parts).probabilities(case.table), case.expected()
    assert set(expected) == set(case.parts.candidates)
    assert (found["probability"] == found[case.parts.shipped]).all()
    return max(float(np.abs(found[name] - values).max()) for name, values in expected.items())


@pytest.mark.parametrize("form", ["none", "logit", "embedding"])
def test_every_output_is_what_the_python_path_says(form: str) -> None:
    assert largest_difference(small(form=form)) < 1e-5


@pytest.mark.parametrize("form", ["none", "logit", "embedding"])
def test_small_categories_stand_between_numbers_and_what_the_encoder_adds(form: str) -> None:
    case = small(form=form, one_hot=9)
    assert sum(each.size for each in case.parts.boosters["xgboost"].one_hot) == 18
    assert largest_difference(case) < 1e-5


def test_a_booster_of_small_categories_alone_is_what_the_python_path_says() -> None:
    assert largest_difference(small(numeric=0, form="none", one_hot=9)) < 1e-5


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
    case = small(one_hot=9)
    extreme = [np.nan, 0.0, -1e30, 3e38, 1e-38, -0.0]
    columns = {name: pa.array(np.roll(extreme, shift), pa.float32()) for shift, name in enumerate(case.parts.numeric)}
    strings = pa.array(["", None, "never seen", "v1", "V1", "v1 x"])
    rows = pa.table(columns | dict.fromkeys(case.parts.categorical, strings))
    assert largest_difference(replace(case, table=rows)) < 1e-5


def test_a_row_scores_alike_alone_and_among_others() -> None:
    case = small()
    graph = scorer(case.parts)
    together = graph.probabilities(case.table.slice(0, 40))["probability"]
    alone = np.concatenate([graph.probabilities(case.table.slice(row, 1))["probability"] for row in range(40)])
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_a_booster_that_looks_through_the_head_adds_no_network_to_the_graph() -> None:
    case = small(form="logit_reduced")
    booster = case.parts.boosters["xgboost"]
    own = NetworkPart(booster.encoder, LossSettings(0.1, 7.3))
    shared = case.changed(networks={"mlp": own, "mlp_unsmoothed": own})
    apart, one = (
        [node.op_type for node in onnx.load_from_string(scoring_graph(each.parts)).graph.node]
        for each in (case, shared)
    )
    assert apart.count("Relu") - one.count("Relu") == 4  # two networks of two layers less


def test_equal_parts_give_equal_bytes() -> None:
    assert scoring_graph(small().parts) == scoring_graph(small().parts)


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


def test_heads_of_unlike_losses_are_inverted_each_by_its_own() -> None:
    case = small(form="none")
    one, other = case.parts.networks.values()
    losses = LossSettings(0.2, 3.0, "column"), LossSettings(0.1, 0.5, "example", "non_target", 2.0)
    pairs = zip(("mlp", "mlp_unsmoothed"), (one, other), losses, strict=True)
    networks = {name: NetworkPart(part.state, loss) for name, part, loss in pairs}
    assert largest_difference(case.changed(networks=networks)) < 1e-5


@pytest.mark.parametrize(
    "curved", [Isotonic((-6.0, -1.0, 0.5, 4.0), (0.001, 0.02, 0.03, 0.9)), Beta(a=1.3, b=0.6, c=-0.4)]
)
def test_a_curved_calibrator_of_a_member_reaches_the_hybrid_as_on_the_python_path(curved: Calibrator) -> None:
    case = small(form="none")
    assert largest_difference(case.changed(calibrators={**case.parts.calibrators, "xgboost": curved})) < 1e-5


def test_a_hybrid_of_steps_tells_rows_apart_that_the_steps_tie() -> None:
    case = small(form="none")
    flat = Isotonic((0.0,), (0.02,))
    changed = case.changed(calibrators=dict.fromkeys(case.parts.calibrators, flat))
    found = scorer(changed.parts).probabilities(changed.table)
    assert len(np.unique(found["xgboost"])) == 1
    assert len(np.unique(found["hybrid"])) > 0.9 * changed.table.num_rows


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


@pytest.mark.parametrize("form", ["reduced", "logit_reduced"])
def test_principal_components_of_an_encoder_are_computed_in_the_graph(form: str) -> None:
    case = small(form=form)
    plain = case.table.num_rows
    found, expected = scorer(case.parts).probabilities(case.table), case.expected()
    # a component on a border of the grid may round to the other side, and then a tree may flip
    close = np.abs(found["xgboost"] - expected["xgboost"]) < 1e-5
    assert close.sum() >= plain - 3


@pytest.mark.parametrize("loss", [LossSettings(0.1, 7.3), LossSettings(0.1, 7.3, "column"), LossSettings(0.2)])
def test_a_booster_that_learned_from_soft_labels_is_inverted_in_the_graph(loss: LossSettings) -> None:
    assert largest_difference(small(loss=loss)) < 1e-5


def test_a_judged_twin_is_an_output_of_its_own_with_its_own_vocabularies() -> None:
    case, other = small(), small(seed=9)
    turned = tuple(
        replace(each, codes={v: 8 - c for v, c in each.codes.items()}) for each in other.encoder.vocabularies
    )
    twin, encoder = replace(other.parts, vocabularies=turned), replace(other.encoder, vocabularies=turned)
    outputs = ("probability", *case.parts.candidates, "judged")
    signature = Signature(case.parts.numeric, case.parts.categorical, outputs)
    found = Scorer(graph_session(scoring_graph(case.parts, twin)), signature).probabilities(case.table)
    expected = python_probabilities(twin, encoder, case.table)["hybrid"]
    np.testing.assert_allclose(found["judged"], expected, atol=1e-5)
    np.testing.assert_allclose(found["probability"], case.expected()["hybrid"], atol=1e-5)


def test_a_twin_of_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="same columns"):
        scoring_graph(small().parts, small(numeric=5).parts)
