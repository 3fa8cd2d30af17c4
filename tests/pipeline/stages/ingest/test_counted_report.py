import numpy as np
import pyarrow as pa
import pytest

from features.schema.column_plan import column_plan
from features.schema.duplicates import DIFFERENT, IDENTICAL, LABELLED, REPLACED
from features.times import DAY, HOUR
from pipeline.sections import DataConfig
from pipeline.stages.ingest.counted_report import counted_report
from pipeline.stages.ingest.first_pass import FirstPass
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.stages.ingest.side_table import JoinCounts, SideTable
from pipeline.stages.ingest.written_rows import WrittenRows

PRESET = load_preset(DataConfig(preset="harbor"))
NAMES = ("event_time", "card_id", "amount", "label", "channel", "distance_km")
TABLE = pa.table(
    {
        "event_time": pa.array([1, 2, 3], pa.timestamp("us", "UTC")),
        "card_id": ["a", "b", "c"],
        "amount": [1.0, 2.0, 3.0],
        "label": pa.array([1, 0, None], pa.int8()),
        "channel": ["web", "web", "shop"],
        "distance_km": [0.1, 0.2, 0.3],
    }
)


def reported(*, reasons=(), counts=None, masked=None, lost=0, spare_lines=0, side=None, table=TABLE):
    first, written = FirstPass(None, None), WrittenRows()
    written.add(table)
    written.masked.update(masked or {})
    first.quarantine.add(
        "a.csv", np.arange(1, len(reasons) + 1), pa.array([[reason] for reason in reasons], pa.list_(pa.string()))
    )
    first.rows_in, first.spare_lines = table.num_rows + len(reasons) + lost, spare_lines
    first.counts.update(counts or {})
    plan = column_plan(PRESET, NAMES)
    return counted_report(PRESET, plan, first, written, side=side, as_of=None, hash_key_check=None)


def test_every_row_has_a_place_or_the_job_stops():
    report = reported(reasons=["amount: bad"])
    assert report.rows_in == report.accepted + report.quarantined == 4
    with pytest.raises(RuntimeError, match="5 rows in, but 3 accepted and 1 quarantined"):
        reported(reasons=["amount: bad"], lost=1)


def test_columns_beyond_the_canonical_ones_are_categories_or_numbers():
    report = reported()
    assert (report.categorical, report.numeric, report.entities) == (("channel",), ("distance_km",), ("card_id",))


def test_labels_masked_while_reading_and_while_writing_are_summed_by_reason():
    report = reported(counts={"labels_masked: silent": 2, "refunds": 1}, masked={"silent": 3, "late": 0})
    assert report.labels.masked == {"silent": 5, "late": 0}
    assert report.refunds == 1


def test_duplicates_are_told_from_other_reasons():
    report = reported(reasons=[IDENTICAL, IDENTICAL, DIFFERENT, "amount: bad"])
    assert (report.duplicates.identical, report.duplicates.conflicting) == (2, 1)
    assert report.warnings[-1].startswith("1 rows share their id with another one that differs")


def test_prevalence_leaves_unknown_labels_aside():
    assert reported().labels.prevalence == 0.5


def test_what_looks_wrong_is_told_and_only_that():
    absent, lines = reported(spare_lines=2).warnings
    assert absent.startswith("columns that the preset can use are not in the source: transaction_id")
    assert lines.startswith("2 lines of the source begin no record")


def test_rows_that_gave_way_to_others_of_their_id_are_counted_by_why():
    report = reported(reasons=[LABELLED, REPLACED, REPLACED])
    assert (report.duplicates.labelled_later, report.duplicates.replaced) == (1, 2)
    assert "2 rows gave way to another one of their id (repeats); 0 ids were fraud" in report.warnings[-1]


def test_what_found_a_partner_is_reported_only_where_something_is_joined():
    assert "joined" not in reported().to_dict()
    counts = JoinCounts(np.array([True, False]), rows=3, partnered=1)
    side = SideTable(("id",), pa.array(["a", "z"]), pa.table({"id": ["a", "z"]}), False, {}, 0, counts)
    found = reported(side=side)
    assert found.to_dict()["joined"] == {"rows": 3, "with_partner": 1, "keys": 2, "keys_without_transaction": 1}
    assert found.warnings[-1].startswith("1 of the 2 keys of the joined file are of no transaction; 33.33%")


def test_joined_labels_of_frauds_alone_name_the_key_that_makes_the_others_legitimate():
    counts = JoinCounts(np.array([True]), rows=3, partnered=1)
    side = SideTable(("id",), pa.array(["a"]), pa.table({"id": ["a"]}), False, {}, 0, counts)
    frauds = TABLE.set_column(3, "label", pa.array([1, None, None], pa.int8()))
    assert 'label.absent = "no"' in reported(side=side, table=frauds).warnings[-1]


@pytest.mark.parametrize(("step", "told"), [(DAY, True), (DAY + HOUR, False)])
def test_times_that_all_lie_in_one_hour_of_the_day_are_told(step, told):
    times = pa.array([step * n for n in range(9)], pa.timestamp("us", "UTC"))
    rows = pa.concat_tables([TABLE] * 3).set_column(0, "event_time", times)
    assert any("in one hour of the day" in text for text in reported(table=rows).warnings) == told
