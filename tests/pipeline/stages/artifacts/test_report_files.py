"""A report file holds what its record says, and a file that does not fit is refused by name."""

import json

import pytest

from pipeline.stages.artifacts.calibrate_report import CalibrateReport
from pipeline.stages.artifacts.features_report import FeaturesReport
from pipeline.stages.artifacts.ingest_report import IngestReport
from pipeline.stages.artifacts.train_report import TrainReport
from pipeline.storage.content import write_json
from pipeline.storage.errors import InputError
from tests.fixtures.reports import features_report, ingest_report


@pytest.mark.parametrize(
    "kind", [IngestReport, FeaturesReport, TrainReport, CalibrateReport], ids=lambda kind: kind.__name__
)
def test_a_report_that_was_read_is_written_again_byte_for_byte(small_run, tmp_path, kind):
    path = small_run / kind.__name__.removesuffix("Report").lower() / "report.json"
    write_json(tmp_path / "again.json", kind.read(path).to_dict())
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("report", [ingest_report(), features_report()], ids=lambda report: type(report).__name__)
def test_a_report_that_was_written_reads_back_equal(tmp_path, report):
    write_json(tmp_path / "report.json", report.to_dict())
    assert type(report).read(tmp_path / "report.json") == report


def changed(path, **keys):
    path.write_text(json.dumps({**features_report().to_dict(), **keys}))
    return path


def test_every_fault_of_a_file_is_named_at_once_with_the_file(tmp_path):
    path = changed(tmp_path / "report.json", entities_absent="merchant", newest_training_row=7, columns={"numeric": []})
    with pytest.raises(InputError, match=r"3 faults in .*report\.json") as refused:
        FeaturesReport.read(path)
    for fault in ("entities_absent: Input should be", "newest_training_row: must be an ISO", "columns.categorical: F"):
        assert fault in str(refused.value)


def test_text_that_looks_like_a_number_is_no_number(tmp_path):
    content = ingest_report().to_dict() | {"accepted": "9"}
    (tmp_path / "report.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"1 fault in .*\n  accepted: Input should be a valid integer"):
        IngestReport.read(tmp_path / "report.json")


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), ("{", "the file: Invalid JSON")])
def test_a_file_that_is_missing_or_torn_is_refused_by_name(tmp_path, content, said):
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=rf"(?s)report\.json.*{said}"):
        IngestReport.read(path)


def test_keys_that_a_later_release_added_are_passed_over(tmp_path):
    assert FeaturesReport.read(changed(tmp_path / "report.json", more=1)) == features_report()
