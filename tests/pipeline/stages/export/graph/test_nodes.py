"""A graph under construction: equal parts once, fixed names, no word of where and when."""

import numpy as np
import onnx
import pytest

from pipeline.stages.export.graph.nodes import DOUBLE, Nodes
from tests.fixtures.graphs import run_nodes


def test_equal_nodes_and_constants_are_one() -> None:
    nodes = Nodes()
    one, other = (nodes.add("Add", "x", nodes.constant(np.ones(3))) for _ in range(2))
    assert one == other
    assert nodes.add("Add", "x", nodes.constant(np.ones(3, np.float32))) != one


def test_attributes_tell_nodes_apart() -> None:
    nodes = Nodes()
    assert nodes.add("Concat", "a", "b", axis=0) != nodes.add("Concat", "a", "b", axis=1)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_column_of_a_wide_value_is_the_one_at_its_place(place: int) -> None:
    columns = {name: np.arange(4.0) + start for start, name in enumerate("abc")}

    def build(nodes: Nodes) -> None:
        nodes.add("Identity", nodes.column(nodes.joined(list(columns)), place, of=3), name="y")

    np.testing.assert_array_equal(run_nodes(build, columns), np.arange(4.0) + place)


def test_a_split_gives_back_what_was_joined() -> None:
    columns = {"a": np.arange(3.0), "b": np.arange(3.0) * 10}
    found = run_nodes(lambda nodes: nodes.split(nodes.joined(["a", "b"]), ["z", "y"]), columns)
    np.testing.assert_array_equal(found, columns["b"])


def test_nodes_that_make_no_graph_are_refused() -> None:
    nodes = Nodes()
    nodes.add("Cast", "absent", to=DOUBLE, name="y")
    with pytest.raises(ValueError, match="must be a valid ONNX model"):
        nodes.model("broken", inputs={"x": "float"}, outputs={"y": "double"})


def test_a_model_says_neither_when_nor_where_it_was_made() -> None:
    nodes = Nodes()
    nodes.add("Cast", "x", to=DOUBLE, name="y")
    model = onnx.load_model_from_string(nodes.model("plain", inputs={"x": "float"}, outputs={"y": "double"}))
    assert (model.producer_name, model.producer_version, model.doc_string) == ("harbor", "", "")
    assert len(model.metadata_props) == 0
    assert {each.domain: each.version for each in model.opset_import} == {"": 18, "ai.onnx.ml": 3}
