import pytest

from pipeline.config import load_config
from pipeline.online.raw_rows import preset_of_live_rows, raw_rows
from pipeline.state.row_reading import Reading
from pipeline.storage.errors import InputError
from tests.oracles.bad_input import csv, good_rows, text

LIVE = ["transaction_id", "event_time", "card_id", "merchant_id", "amount"]


def reading(*sources, preset="harbor"):
    config = load_config(None, assignments=[f"data.preset={preset}"], environment={})
    return Reading(data=config.data.model_copy(update={"source": tuple(map(str, sources))}), labels=config.labels)


def test_live_rows_are_read_without_labels(tmp_path):
    found = raw_rows(reading(csv(tmp_path, text(good_rows(), LIVE))))
    assert (found.table.num_rows, found.table["label"].null_count, found.reports) == (40, 40, None)
    assert preset_of_live_rows(reading(csv(tmp_path, text(good_rows())))).label is not None


def test_rows_that_break_a_rule_are_counted_and_left_out(tmp_path):
    rows = good_rows()
    rows[3]["amount"] = "-5"
    found = raw_rows(reading(csv(tmp_path, text(rows))))
    assert (found.table.num_rows, found.quarantined) == (39, 1)
    times = found.table["event_time"].to_pylist()
    assert times == sorted(times)


def test_a_feed_beside_the_rows_is_read_and_may_be_missing(tmp_path):
    rows = csv(tmp_path, text(good_rows(), LIVE))
    assert raw_rows(reading(rows, preset="harbor_chargebacks")).reports is None
    feed = csv(tmp_path, "transaction_id,reported_at,outcome\nt000,2024-03-09T00:00:00Z,fraud\n", "chargebacks.csv")
    assert raw_rows(reading(rows, feed, preset="harbor_chargebacks")).reports.keys.to_pylist() == ["t000"]


def test_rows_whose_reports_have_not_come_are_as_if_none_were_in_them(tmp_path):
    rows = csv(tmp_path, text(good_rows(), LIVE))
    alone = raw_rows(reading(rows, preset="harbor_chargebacks")).table
    nothing = csv(tmp_path, "transaction_id,reported_at,outcome\n", "chargebacks.csv")
    assert alone.equals(raw_rows(reading(rows, nothing, preset="harbor_chargebacks")).table)
    assert alone["label"].null_count == 0


def test_a_simulation_is_no_file_of_raw_rows():
    with pytest.raises(InputError, match="simulate: does not exist"):
        raw_rows(Reading.model_validate({"data": {"source": "simulate"}, "labels": {}}))
