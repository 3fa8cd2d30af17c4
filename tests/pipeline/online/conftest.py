"""Raw rows of the small run, and its state when its test fold began."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.simulate.simulated import simulate_transactions
from pipeline.runs.settings import read_settings
from pipeline.stages.export.online_state import write_state_of_run


@pytest.fixture(scope="session")
def raw(small_run, tmp_path_factory):
    """The rows of the run as a file, in no order."""
    data = read_settings(small_run).config.data
    table = simulate_transactions(data.rows, seed=data.seed).transactions
    path = tmp_path_factory.mktemp("raw") / "raw.parquet"
    pq.write_table(table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows))), path)
    return path


@pytest.fixture(scope="session")
def early(small_run, tmp_path_factory):
    """The state of the run as it was when its test fold began."""
    test = pq.read_table(small_run / "evaluate" / "scores.parquet", columns=["event_time"])["event_time"]
    begin = pc.min(test).cast(pa.int64()).as_py()
    folder, config = tmp_path_factory.mktemp("state"), read_settings(small_run).config
    spec = small_run / "features" / "spec.json"
    write_state_of_run(small_run / "ingest", spec, folder, config=config, until=begin - 1)
    return folder
