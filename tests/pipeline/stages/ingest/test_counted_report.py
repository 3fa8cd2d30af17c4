import numpy as np
import pyarrow as pa
import pytest

from features.schema.canonical_columns import Reading
from features.schema.column_plan import column_plan
from features.schema.duplicates import DIFFERENT, IDENTICAL
from pipeline.sections import DataConfig
from pipeline.stages.ingest.counted_report import counted_report
from pipeline.stages.ingest.first_pass import FirstPass
from pipeline.stages.ingest.preset_files import load_preset
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


def reported(*, reasons=(), counts=None, masked=None, lost=0, spare_lines=0):
    first, written = FirstPass(None, None), WrittenRows()
    written.add(TABLE)
    written.masked.update(masked or {})
    first.quarantine.add(
        "a.csv", np.arange(1, len(reasons) + 1), pa.array([[reason] for reason in reasons], pa.list_(pa.string()))
    )
    first.rows_in, first.spare_lines = TABLE.num_rows + len(reasons) + lost, spare_lines
    first.counts.update(counts or {})
    reading = Reading(PRESET, column_plan(PRESET, NAMES), labels_delay=0)
    return counted_report(reading, first, written, hash_key_check=None)


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


def test_prevalence_leaves_unknown_labels_aside():
    assert reported().labels.prevalence == 0.5


def test_what_looks_wrong_is_told_and_only_that():
    absent, lines = reported(spare_lines=2).warnings
    assert absent.startswith("columns that the preset can use are not in the source: transaction_id")
    assert lines.startswith("2 lines of the source begin no record")
