import numpy as np
import pyarrow as pa
import pytest

from features.simulate.simulated import simulate_transactions
from pipeline.sections import DataConfig
from pipeline.stages.evaluate.simulated_limit import simulated_limit


def test_rows_get_the_truth_of_their_own_id_in_any_order():
    world = simulate_transactions(2_000, seed=3)
    places = np.array([1_999, 0, 700])
    ids = pa.chunked_array([world.transactions["transaction_id"].take(places).combine_chunks()])
    found = simulated_limit(DataConfig(rows=2_000, seed=3), ids)
    assert found.truth.tolist() == world.true_probability[places].tolist()


@pytest.mark.parametrize("source", ["tx.csv", ("a.csv", "b.csv")])
def test_a_file_has_no_known_truth(source):
    assert simulated_limit(DataConfig(source=source), pa.chunked_array([["t1"]])) is None


def test_rows_under_other_ids_have_no_known_truth():
    assert simulated_limit(DataConfig(rows=2_000, seed=3), pa.chunked_array([pa.array([0, 1])])) is None
