"""The graph with its numbers as one matrix says what the exported one says, to the bit, or is not made."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from pipeline.bundle.golden import replayed_difference
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.matrix_graph import matrix_form
from pipeline.bundle.scorer import Scorer, graph_session, loaded_scorer
from pipeline.bundle.signature import feature_arrays
from pipeline.stages.export.graph.nodes import Nodes
from tests.oracles.python_path import Small

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return loaded_scorer(checked_bundle(bundle))


@pytest.fixture(scope="module")
def shipped(bundle: Path, scorer: Scorer) -> Scorer:
    """The graph as it was exported, fed by name."""
    return Scorer(graph_session((bundle / "model.onnx").read_bytes()), scorer.signature)


def test_a_bundle_is_loaded_with_one_input_for_all_numbers(scorer: Scorer, shipped: Scorer) -> None:
    inputs = {each.name: each.shape[1] for each in scorer.session.get_inputs()}
    assert inputs == {scorer.matrix: len(scorer.signature.numeric)} | dict.fromkeys(scorer.signature.categorical, 1)
    assert {each.name for each in shipped.session.get_inputs()} == set(scorer.signature.inputs)


@pytest.mark.parametrize("rows", [1, 7, 1500])
def test_every_output_has_the_bits_of_the_exported_graph(
    case: Small, scorer: Scorer, shipped: Scorer, rows: int
) -> None:
    table = case.table.slice(0, rows)
    found, expected = scorer.probabilities(table), shipped.probabilities(table)
    for name in scorer.signature.outputs:
        assert found[name].tobytes() == expected[name].tobytes()


def test_the_golden_rows_are_met_as_by_the_exported_graph(bundle: Path, scorer: Scorer, shipped: Scorer) -> None:
    content = (bundle / "golden.jsonl").read_bytes()
    assert replayed_difference(scorer, content) == replayed_difference(shipped, content)


@pytest.mark.parametrize("form", ["scorer", "shipped"])
def test_numbers_side_by_side_are_scored_as_columns_are(case: Small, form: str, request: pytest.FixtureRequest) -> None:
    loaded = request.getfixturevalue(form)
    arrays = feature_arrays(case.table.slice(0, 5), loaded.signature)
    numbers = np.concatenate([arrays[name] for name in loaded.signature.numeric], axis=1)
    texts = {name: arrays[name] for name in loaded.signature.categorical}
    found = loaded.matrix_outputs(numbers, texts, ["hybrid"])[0][:, 0]
    np.testing.assert_array_equal(found, loaded.outputs(arrays, rows=5)["hybrid"])


def graph_of(joined: tuple[str, ...], *, beside: bool = False, kind: str = "float", result: bool = False) -> bytes:
    """A graph that sums up twice some of its inputs, and may read one of them elsewhere too."""
    nodes = Nodes()
    matrix = nodes.joined(joined)
    twice = nodes.add("Add", matrix, "a" if beside else matrix)
    nodes.add("ReduceSum", twice, nodes.constant(np.array([1])), name="y", keepdims=1)
    model = nodes.model("test", inputs=dict.fromkeys(NAMES, kind), outputs={"y": kind})
    if not result:
        return model
    loaded = onnx.load_model_from_string(model)
    loaded.graph.output.append(helper.make_tensor_value_info(matrix, TensorProto.FLOAT, ["rows", len(joined)]))
    return bytes(loaded.SerializeToString())


def test_a_graph_that_joins_its_numbers_gets_a_matrix() -> None:
    model, name = matrix_form(graph_of(NAMES), NAMES) or (b"", "")
    found = graph_session(model).run(["y"], {name: np.array([[1, 2, 3]], np.float32)})[0]
    assert found.tolist() == [[12]]
    assert onnx.load_model_from_string(model).graph.input[0].name == name


@pytest.mark.parametrize(
    "model",
    [
        graph_of(("a", "c", "b")),
        graph_of(("a", "b")),
        graph_of(NAMES, beside=True),
        graph_of(NAMES, kind="double"),
        graph_of(NAMES, result=True),
    ],
    ids=["another order", "not all", "read elsewhere", "double precision", "an output itself"],
)
def test_any_other_graph_stays_as_it_is(model: bytes) -> None:
    assert matrix_form(model, NAMES) is None
