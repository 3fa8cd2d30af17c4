import itertools

import onnx
import pytest
from onnx import TensorProto, helper

from pipeline.bundle.graph_limits import check_graph_limits
from pipeline.storage.errors import InputError


def model(*nodes, columns=1):
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", columns])
    graph = helper.make_graph(list(nodes), "g", [value], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def test_harbors_own_graphs_are_within_the_limits(bundle):
    check_graph_limits(onnx.load(bundle / "model.onnx"))
    check_graph_limits(onnx.load(bundle / "mlflow/artifacts/model.onnx"))


def test_twenty_doublings_are_the_most():
    def doublings(count):
        names = ["x", *(f"w{step}" for step in range(count - 1)), "y"]
        pairs = itertools.pairwise(names)
        return model(*(helper.make_node("Concat", [one, one], [other], axis=1) for one, other in pairs))

    check_graph_limits(doublings(10))
    with pytest.raises(InputError, match="values a row at any node"):
        check_graph_limits(doublings(30))


def test_functions_of_a_graphs_own_are_refused():
    found = model(helper.make_node("Abs", ["x"], ["y"]))
    found.functions.append(helper.make_function("d", "Abs", ["a"], ["b"], [], [helper.make_opsetid("", 18)], []))
    with pytest.raises(InputError, match="no functions of its own"):
        check_graph_limits(found)
