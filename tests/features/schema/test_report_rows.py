import pyarrow as pa

from features.schema.column_plan import report_plan
from features.schema.preset import Chargebacks, preset_from_dict
from features.schema.report_rows import report_rows
from features.times import time_microseconds

PRESET = preset_from_dict(
    {
        "event_time": {"column": "t"},
        "amount": {"column": "a"},
        "label": {"column": "l"},
        "transaction_id": {"column": "id"},
    }
)


def read(rows, *, as_of=None, **given):
    raw = pa.table(
        {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(("id", "at", "what"))}
    )
    outcome = {"column": "what", "yes": ["fraud"], "no": ["won"]}
    feed = Chargebacks(
        files="*", transaction_id={"column": "id"}, reported_at={"column": "at"}, **{"outcome": outcome, **given}
    )
    return report_rows(raw, preset=PRESET, feed=feed, plan=report_plan(feed, raw.column_names), as_of=as_of)


def test_each_row_is_a_report_set_aside_or_later_than_as_of():
    rows = [
        ("1", "2024-01-02T00:00:00Z", "Fraud"),
        ("2", "soon", "won"),
        ("3", "2024-03-01T00:00:00Z", "fraud"),
        (None, "2024-01-03T00:00:00Z", ""),
        ("5", "2024-01-03T00:00:00Z", ""),
    ]
    reports, faults, later = read(rows, as_of=time_microseconds("2024-02-01"))
    assert (reports.keys.to_pylist(), reports.outcome.tolist()) == (["1", "5"], [1, -1])
    assert reports.at[0] == time_microseconds("2024-01-02")
    assert faults.any().tolist() == [False, True, False, True, False]
    assert later == 1


def test_every_fault_of_a_row_is_named_and_none_of_its_values():
    _, faults, _ = read([("", "9999-12-31T00:00:00Z", "lost")])
    assert faults.reasons().to_pylist() == [
        [
            "transaction_id: must not be blank",
            "reported_at: must lie between 1990-01-01 and 2100-01-01, is the unit right?",
            "outcome: must be fraud or won, or blank",
        ]
    ]


def test_a_feed_without_outcomes_reports_frauds():
    reports, _, _ = read([("1", "2024-01-02", "whatever")], outcome=None)
    assert reports.outcome.tolist() == [1]
