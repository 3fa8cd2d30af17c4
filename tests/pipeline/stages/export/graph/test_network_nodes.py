"""Embedding and head in the graph against the network's own code."""

import numpy as np
import pytest

from features.encode import Matrix
from models.network import embeddings, margins
from pipeline.stages.export.graph.network_nodes import category_codes, network_output, scaled_inputs
from pipeline.stages.export.graph.nodes import DOUBLE, Nodes
from tests.fixtures.graphs import run_nodes
from tests.oracles.python_path import Small, small


def as_double(nodes: Nodes, value: str) -> None:
    nodes.add("Cast", value, to=DOUBLE, name="y")


def graph_of_network(case: Small, nodes: Nodes, *, place: int | None = None) -> None:
    """The margin, or one column of the embedding."""
    numeric = nodes.joined(case.parts.numeric) if case.parts.numeric else None
    pairs = zip(case.parts.categorical, case.parts.vocabularies, strict=True)
    codes = [category_codes(nodes, name, vocabulary.codes) for name, vocabulary in pairs]
    state = case.parts.networks["mlp"].state
    output = network_output(nodes, numeric, codes, state)
    wide = len(state["projection_bias"])
    as_double(nodes, output.margin if place is None else nodes.column(output.embedding, place, of=wide))


def columns_of(case: Small) -> dict[str, np.ndarray]:
    texts = {name: case.table[name].fill_null("").to_numpy().astype(object) for name in case.parts.categorical}
    return {name: case.table[name].to_numpy() for name in case.parts.numeric} | texts


def rows_of(case: Small) -> Matrix:
    return case.encoder.apply(case.table)


@pytest.mark.parametrize(("numeric", "categories"), [(6, 2), (6, 0), (0, 2)])
def test_the_margin_is_the_networks_own(numeric: int, categories: int) -> None:
    case = small(numeric=numeric, categories=categories, rows=300, form="none" if numeric else "logit")
    found = run_nodes(lambda nodes: graph_of_network(case, nodes), columns_of(case))
    np.testing.assert_allclose(found, margins(case.parts.networks["mlp"].state, rows_of(case)), atol=2e-4)


def test_the_embedding_is_the_networks_own() -> None:
    case = small(rows=300)
    expected = embeddings(case.parts.networks["mlp"].state, rows_of(case))
    for place in (0, 7):
        found = run_nodes(lambda nodes, place=place: graph_of_network(case, nodes, place=place), columns_of(case))
        np.testing.assert_allclose(found, expected[:, place], atol=1e-4)


def test_a_value_without_a_code_gets_the_code_of_all_others() -> None:
    values = np.array(["NL", "DE", "never seen", ""], dtype=object)
    codes = {"NL": 1, "DE": 2}
    found = run_nodes(lambda nodes: as_double(nodes, category_codes(nodes, "x", codes)), {"x": values})
    np.testing.assert_array_equal(found, [1, 2, 0, 0])


def test_a_missing_number_is_scaled_to_zero_and_a_far_one_to_the_limit() -> None:
    values = np.array([np.nan, 0.0, 1e30, -1e30, np.e - 1], dtype=np.float32)
    one = np.ones(1, np.float32)

    def build(nodes: Nodes) -> None:
        scaled = scaled_inputs(nodes, "x", center=0 * one, inverse_scale=one)
        as_double(nodes, nodes.column(scaled, 0, of=2))

    np.testing.assert_allclose(run_nodes(build, {"x": values}), [0, 0, 8, -8, 1], atol=1e-6)
