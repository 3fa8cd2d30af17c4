"""Chargebacks from a file of their own, through the whole of ingest: what each row's label is, and since when."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from features.earlier_labels import earlier_labels
from features.simulate.chargebacks import simulated_chargebacks
from features.simulate.simulated import START, simulate_transactions
from features.times import DAY, datetime_microseconds, time_microseconds
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from pipeline.storage.errors import InputError
from tests.fixtures.ingested import ingested
from tests.fixtures.random_tables import assert_same_bits

TRANSACTIONS = "id,time,amount,card\n" + "".join(f"{n},2024-01-0{n}T00:00:00Z,1.00,c{n % 2}\n" for n in range(1, 6))
PRESET = """
event_time = {column = "time"}
transaction_id = {column = "id"}
amount = {column = "amount"}
entities.card_id = {column = "card"}

[chargebacks]
files = "reports*"
transaction_id = {column = "of"}
reported_at = {column = "at"}
outcome = {column = "outcome", yes = ["fraud"], no = ["won"]}
"""


def with_reports(folder, *rows, preset=PRESET, transactions=TRANSACTIONS, **given):
    """What ingest makes of the five transactions, one a day from January 1, and of these reports."""
    (folder / "own.toml").write_text(preset)
    (folder / "tx.csv").write_text(transactions)
    (folder / "reports.csv").write_text("\n".join(["of,at,outcome", *rows]) + "\n")
    return ingested(f"{folder}/*.csv", preset=str(folder / "own.toml"), **given)


def labels(result):
    return result.table["label"].to_pylist()


def known_on(result):
    return [moment and moment.strftime("%d") for moment in result.table["label_available_at"].to_pylist()]


def test_a_feed_of_frauds_alone_leaves_every_other_row_legitimate_once_the_delay_has_passed(tmp_path):
    result = with_reports(tmp_path, "2,2024-01-20T09:00:00Z,fraud")
    assert labels(result) == [0, 1, 0, 0, 0]
    assert known_on(result) == ["08", "20", "10", "11", "12"]
    later = with_reports(tmp_path, "2,2024-01-20T09:00:00Z,fraud", as_of=time_microseconds("2024-01-10T12:00:00"))
    assert labels(later) == [0, 0, 0, None, None]


def test_a_feed_of_both_outcomes_leaves_other_rows_without_a_label(tmp_path):
    both = PRESET + 'absent = "unknown"\n'
    result = with_reports(tmp_path, "2,2024-01-20,fraud", "3,2024-01-21,won", preset=both)
    assert labels(result) == [None, 1, 0, None, None]


@pytest.mark.parametrize(("as_of", "label", "since"), [("09", None, None), ("15", 1, "10"), ("25", 0, "20")])
def test_an_overturned_dispute_flips_the_label_at_its_own_time(tmp_path, as_of, label, since):
    moment = time_microseconds(f"2024-01-{as_of}T00:00:00")
    rows = ["5,2024-01-10T09:00:00Z,fraud", "5,2024-01-20T09:00:00Z,won"]
    result = with_reports(tmp_path, *rows, as_of=moment)
    assert (labels(result)[4], known_on(result)[4]) == (label, since)


def test_what_a_label_was_before_stands_beside_it_with_its_interval(tmp_path):
    result = with_reports(tmp_path, "5,2024-01-10T09:00:00Z,fraud", "5,2024-01-20T09:00:00Z,won")
    earlier = earlier_labels(result.table)
    assert (earlier.row.tolist(), earlier.label.tolist()) == ([4], [1])
    assert (earlier.available[0], earlier.until[0]) == tuple(
        map(time_microseconds, ("2024-01-10T09:00:00", "2024-01-20T09:00:00"))
    )
    assert result.report["chargebacks"]["changed"] == 1


def test_a_blank_outcome_takes_the_report_back(tmp_path):
    result = with_reports(tmp_path, "1,2024-01-03,fraud", "1,2024-01-04,")
    assert (labels(result)[0], known_on(result)[0]) == (0, "08")


def test_duplicates_change_nothing_and_unknown_transactions_are_counted_and_told(tmp_path):
    once = with_reports(tmp_path, "2,2024-01-20,fraud")
    again = with_reports(tmp_path, *["2,2024-01-20,fraud"] * 3, "99,2024-01-20,fraud", "98,2024-01-20,fraud")
    assert again.table.equals(once.table)
    assert again.report["chargebacks"]["repeats"] == 2
    assert again.report["chargebacks"]["unknown_transactions"] == 2
    assert any("2 of the 3 transactions in the chargeback feed are not among" in w for w in again.report["warnings"])


def test_where_no_transaction_is_found_the_message_asks_for_the_spelling(tmp_path):
    result = with_reports(tmp_path, "0002,2024-01-20,fraud")
    assert any("spelled alike" in warning for warning in result.report["warnings"])


def test_a_report_that_cannot_be_read_is_set_aside_with_its_place_and_told(tmp_path):
    result = with_reports(tmp_path, "2,soon,fraud", "3,2024-01-20,perhaps", ",2024-01-20,fraud", "4,2024-01-20,fraud")
    assert result.quarantine["source_file"].to_pylist() == ["reports.csv"] * 3
    assert result.quarantine["row"].to_pylist() == [1, 2, 3]
    assert result.report["chargebacks"]["quarantined"] == 3
    assert sum("set aside and count for nothing" in warning for warning in result.report["warnings"]) == 3


def test_too_many_of_them_stop_the_job(tmp_path):
    with pytest.raises(InputError, match=r"2 of 3 rows of chargebacks cannot be used \(66\.7%\)"):
        with_reports(tmp_path, "2,soon,fraud", "3,soon,fraud", "4,2024-01-20,fraud", max_quarantined_share=0.5)


def test_a_report_before_its_transaction_sets_the_transaction_aside(tmp_path):
    result = with_reports(tmp_path, "5,2024-01-02T09:00:00Z,fraud", "2,2024-01-20,fraud")
    assert result.reasons == ["chargebacks: must not be reported before event_time"]


@pytest.mark.parametrize("written", ["2024-01-05", "2024-01-05T00:00:00Z"])
def test_a_day_means_its_end_so_that_no_fraud_of_the_same_day_is_lost(tmp_path, written):
    noon = TRANSACTIONS.replace("T00:00:00Z", "T12:00:00Z")
    result = with_reports(tmp_path, f"5,{written},fraud", transactions=noon)
    assert result.reasons == []
    assert (labels(result)[4], known_on(result)[4]) == (1, "05")


def test_without_the_feed_that_the_preset_has_nothing_is_read(tmp_path):
    (tmp_path / "own.toml").write_text(PRESET)
    (tmp_path / "tx.csv").write_text(TRANSACTIONS)
    with pytest.raises(InputError, match="must name a file of chargebacks that fits 'reports\\*'"):
        ingested(tmp_path / "tx.csv", preset=str(tmp_path / "own.toml"))


def test_reports_win_over_a_label_that_the_transactions_have_of_their_own(tmp_path):
    own = PRESET.replace("[chargebacks]", '[label]\ncolumn = "flag"\n[chargebacks]') + 'absent = "unknown"\n'
    lines = TRANSACTIONS.replace("card\n", "card,flag\n").replace("c0\n", "c0,0\n").replace("c1\n", "c1,1\n")
    result = with_reports(tmp_path, "2,2024-01-03,fraud", preset=own, transactions=lines)
    assert labels(result) == [1, 1, 1, 0, 1]
    assert known_on(result)[:2] == ["08", "03"]


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    """A month of 1,500 transactions with many reports, late, repeated, overturned and upheld again."""
    folder = tmp_path_factory.mktemp("month")
    table = simulate_transactions(9_000, seed=3).transactions.slice(0, 1_500)
    rng = np.random.default_rng(5)
    table = table.set_column(5, "label", pa.array((rng.random(1_500) < 0.3).astype(np.int8)))
    late = table["event_time"].cast(pa.int64()).to_numpy() + (rng.exponential(6, 1_500) * DAY).astype(np.int64)
    table = table.set_column(6, "label_available_at", pa.array(late).cast(pa.timestamp("us", "UTC")))
    pacsv.write_csv(table.drop_columns(["label", "label_available_at"]), folder / "tx.csv")
    feed = simulated_chargebacks(table, rng=rng, disputed=0.2, reopened=0.4, decision_days=(1.0, 9.0))
    pacsv.write_csv(feed, folder / "chargebacks.csv")
    return f"{folder}/*.csv"


def test_on_each_day_labels_and_features_equal_a_run_made_from_scratch_as_of_that_day(month):
    aggregates = {
        "card": ["fraud_count", "label_count", "fraud_rate", "last_label"],
        "merchant": ["fraud_rate", "fraud_run_length", "fraud_run_seconds", "seconds_since_last_fraud", "cards"],
    }
    aggregates["merchant"] += ["compromised_cards", "compromised_card_share"]
    config = FeaturesConfig(entities=("card", "merchant"), windows=("3d", "14d"), aggregates=aggregates)
    whole = ingested(month, preset="harbor_chargebacks", delay=5 * DAY).table
    spec = feature_spec(config, columns=whole.column_names)
    features, earlier = window_features(whole, spec=spec, threads=1), earlier_labels(whole)
    newest = whole["label"].to_numpy(), whole["label_available_at"].cast(pa.int64()).to_numpy()
    changed = 0
    for day in range(2, 31):
        moment = datetime_microseconds(START + timedelta(days=day))
        then = ingested(month, preset="harbor_chargebacks", delay=5 * DAY, as_of=moment).table
        label, available = earlier.known_by(moment, *newest)
        known = (available <= moment)[: then.num_rows]
        assert then["label"].to_pylist() == pa.array(label[: then.num_rows], mask=~known).to_pylist()
        since = then["label_available_at"].cast(pa.int64()).to_pylist()
        assert since == pa.array(available[: then.num_rows], mask=~known).to_pylist()
        of_then = window_features(then, spec=spec, threads=1)
        assert_same_bits(of_then, features.slice(0, then.num_rows))
        changed += int((label != newest[0])[: then.num_rows].sum())
    assert changed > 1_000
