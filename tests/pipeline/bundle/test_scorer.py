"""A graph asked for probabilities: the same in any batch, on any thread, and refused where it is not what it says."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.scorer import Scorer, graph_session, loaded_scorer
from pipeline.bundle.signature import feature_arrays
from pipeline.stages.export.graph.nodes import Nodes
from tests.fixtures.bundles import listed
from tests.oracles.python_path import Small


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return loaded_scorer(checked_bundle(bundle))


def test_probabilities_are_those_of_the_python_path_under_every_name(case: Small, scorer: Scorer) -> None:
    found = scorer.probabilities(case.table)
    assert tuple(found) == scorer.signature.outputs
    for name, expected in case.expected().items():
        np.testing.assert_allclose(found[name], expected, atol=1e-5)


def test_threads_and_batches_change_nothing_but_rounding(case: Small, scorer: Scorer) -> None:
    one = scorer.probabilities(case.table, threads=1, batch=2000)["hybrid"]
    np.testing.assert_allclose(scorer.probabilities(case.table, threads=3, batch=64)["hybrid"], one, atol=1e-6)


def test_inputs_that_are_arrays_already_score_as_their_table_does(case: Small, scorer: Scorer) -> None:
    rows = case.table.slice(0, 700)
    arrays = feature_arrays(rows, scorer.signature)
    found = scorer.outputs(arrays, rows=700)["probability"]
    np.testing.assert_array_equal(found, scorer.probabilities(rows)["probability"])


def test_no_rows_have_no_probabilities_under_every_name(case: Small, scorer: Scorer) -> None:
    found = scorer.probabilities(case.table.slice(0, 0))
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(scorer.signature.outputs, 0)


def test_a_graph_that_gives_fewer_rows_than_it_takes_is_refused(case: Small, scorer: Scorer) -> None:
    arrays = feature_arrays(case.table.slice(0, 8), scorer.signature)
    with pytest.raises(ValueError, match="must give one row a feature row, got 8 for 9"):
        scorer.outputs(arrays, rows=9)


def test_a_graph_that_fails_on_its_rows_is_refused_without_them(case: Small, scorer: Scorer) -> None:
    wide = {name: np.repeat(array, 2, axis=1) for name, array in feature_arrays(case.table, scorer.signature).items()}
    with pytest.raises(ValueError, match=r"must score its feature rows, but it ends in InvalidArgument$"):
        scorer.outputs(wide, rows=case.table.num_rows)


def test_a_signature_that_is_not_the_graphs_is_refused(bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    content = (copy / "signature.json").read_bytes().replace(b'"number_0"', b'"number_9"')
    listed(copy, "signature.json", content)
    with pytest.raises(ValueError, match=r"must have the 8 columns of signature\.json, .* but 1 of them are not so"):
        loaded_scorer(checked_bundle(copy))


def test_a_model_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model\.onnx must be an ONNX model"):
        graph_session(b"\xff" * 40)


def test_an_operator_of_another_library_is_counted_and_refused() -> None:
    nodes = Nodes()
    nodes.add("Identity", "x", name="y")
    model = onnx.load_model_from_string(nodes.model("plain", inputs={"x": "float"}, outputs={"y": "float"}))
    model.graph.node[0].domain = "com.example"
    with pytest.raises(ValueError, match="got 0 tensors kept in other files, 1 other operators and 0 nested graphs"):
        graph_session(model.SerializeToString())
