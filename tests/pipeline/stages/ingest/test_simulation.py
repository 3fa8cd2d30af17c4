import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from features.simulate.simulated import simulate_transactions
from pipeline.stages.ingest.simulation import write_simulation
from pipeline.storage.errors import InputError


def test_the_file_holds_the_simulation_and_the_share_of_fraud_is_told(tmp_path):
    written = write_simulation(tmp_path / "rows.parquet", rows=1_000, seed=3, scenario="harbor", truth=None)
    table = pq.read_table(tmp_path / "rows.parquet")
    assert table.equals(simulate_transactions(1_000, seed=3, scenario="harbor").transactions)
    assert (written.rows, written.fraud_share) == (1_000, pytest.approx(table["label"].to_numpy().mean()))


def test_the_truth_goes_to_a_file_of_its_own(tmp_path):
    write_simulation(tmp_path / "rows.csv", rows=1_000, seed=3, scenario="harbor", truth=tmp_path / "truth.parquet")
    rows, truth = pacsv.read_csv(tmp_path / "rows.csv"), pq.read_table(tmp_path / "truth.parquet")
    assert "true_probability" not in rows.column_names
    assert truth["transaction_id"].to_pylist() == rows["transaction_id"].to_pylist()


def test_labels_may_come_as_a_feed_of_chargebacks_and_the_transactions_without_any(tmp_path):
    write_simulation(
        tmp_path / "rows.csv", rows=1_000, seed=3, scenario="harbor", chargebacks=tmp_path / "chargebacks.csv"
    )
    rows, feed = pacsv.read_csv(tmp_path / "rows.csv"), pacsv.read_csv(tmp_path / "chargebacks.csv")
    assert not {"label", "label_available_at"} & {*rows.column_names}
    assert feed.column_names == ["transaction_id", "reported_at", "outcome"]
    assert {*feed["transaction_id"].to_pylist()} < {*rows["transaction_id"].to_pylist()}


@pytest.mark.parametrize("name", ["rows.json", "rows"])
def test_a_name_of_another_kind_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(InputError, match=rf"--out must end in \.parquet or \.csv, got '{name}'"):
        write_simulation(tmp_path / name, rows=1_000, seed=3, scenario="harbor", truth=None)
    assert list(tmp_path.iterdir()) == []


def test_the_truth_of_a_censored_world_holds_the_labels_that_were_lost(tmp_path):
    write_simulation(
        tmp_path / "rows.parquet", rows=5_000, seed=3, scenario="censored", truth=tmp_path / "truth.parquet"
    )
    rows, truth = pq.read_table(tmp_path / "rows.parquet"), pq.read_table(tmp_path / "truth.parquet")
    assert rows["label"].null_count > 0
    assert truth["label"].null_count == 0
    assert truth["label"].to_pylist() == simulate_transactions(5_000, seed=3).transactions["label"].to_pylist()
