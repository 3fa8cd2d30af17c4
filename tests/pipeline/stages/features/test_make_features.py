"""Files of the features stage, read back."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.encode import Encoder
from features.times import DAY
from features.windows.spec import FeatureSpec
from pipeline.process.reporter import SilentReporter
from pipeline.stages import STAGES
from pipeline.stages.artifacts.features_report import FeaturesReport
from pipeline.stages.features.make_features import specification
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_json, read_table
from pipeline.storage.errors import InputError
from pipeline.tracking.journal import Journal
from pipeline.tracking.stage_log import StageLog
from tests.fixtures.registered import settings_of


@pytest.fixture(scope="module")
def report(small_run):
    return FeaturesReport.read(small_run / "features" / "report.json")


@pytest.fixture(scope="module")
def table(small_run):
    return read_table(small_run / "features" / "features.parquet")


@pytest.mark.parametrize("name", ["train", "valid", "calib", "test"])
def test_the_report_counts_what_stands_in_the_table(report, table, name):
    fold, rows = report.folds[name], table.filter(pc.field("fold") == name)
    label = rows["label"]
    assert fold.rows == rows.num_rows
    assert fold.usable == tuple(pc.sum(pc.equal(label, value)).as_py() for value in (0, 1))
    assert fold.unknown + sum(fold.immature) + sum(fold.cold) + sum(fold.unripe) == label.null_count
    times = rows["event_time"].cast(pa.int64()).to_numpy()
    assert fold.start < times.min() <= times.max() <= fold.end


def test_a_share_of_immature_rows_is_that_of_the_known_ones(report):
    for fold in report.folds.values():
        shares = (fold.immature_share.legitimate, fold.immature_share.fraud)
        for share, late, *others in zip(shares, fold.immature, fold.usable, fold.cold, fold.unripe, strict=True):
            assert share == pytest.approx(late / (late + sum(others)))


def test_a_row_of_late_labels_stands_for_more_than_itself_and_every_other_for_one(report, table):
    weight, used = table["label_weight"].to_numpy(), table["label"].is_valid().to_numpy()
    assert (weight[~used] == 1).all()
    assert (weight >= 1).all()
    calib = np.asarray(table["fold"].to_pylist(), object) == "calib"
    assert weight[calib & used].sum() == pytest.approx(report.folds["calib"].rows, rel=0.01)
    assert (weight[np.asarray(table["fold"].to_pylist(), object) == "test"] == 1).all()


def test_train_begins_to_use_rows_once_every_window_was_full(report, table):
    train = table.filter((pc.field("fold") == "train") & pc.field("label").is_valid())
    first = table["event_time"].cast(pa.int64()).to_numpy().min()
    assert report.full_windows_from == first + 37 * DAY
    assert train["event_time"].cast(pa.int64()).to_numpy().min() >= report.full_windows_from
    assert 0 < sum(report.folds["train"].cold) < 0.2 * report.folds["train"].rows
    assert sum(report.folds["valid"].cold) == 0


def test_no_usable_label_of_train_is_later_than_the_newest_training_row(report, table):
    train = table.filter((pc.field("fold") == "train") & pc.field("label").is_valid())
    assert pc.max(train["event_time"].cast(pa.int64())).as_py() == report.newest_training_row


def test_columns_are_those_of_specification_and_encoder(small_run, report, table):
    spec = FeatureSpec.from_json((small_run / "features" / "spec.json").read_text())
    encoder = Encoder.from_dict(read_json(small_run / "features" / "encoder.json"))
    assert report.columns.numeric == spec.numeric == encoder.numeric
    assert tuple(report.columns.categorical) == spec.categorical
    assert tuple(report.columns.categorical.values()) == encoder.sizes
    assert set(table.column_names) == {"transaction_id", "event_time", "label", "label_weight", "fold", *spec.names}


def test_rows_keep_the_order_of_the_transactions(small_run, table):
    transactions = read_table(small_run / "ingest" / "transactions.parquet")
    assert table["transaction_id"].equals(transactions["transaction_id"])
    assert np.all(np.diff(table["event_time"].cast(pa.int64()).to_numpy()) >= 0)


def test_folds_go_to_the_log_with_their_spans(small_run, report):
    records = [each for each in Journal(small_run / "journal.jsonl").records() if each.key.endswith("/features")]
    tags = {name: v for each in records if each.kind == "tags" for name, v in each.content["values"].items()}
    written = report.to_dict()["folds"]
    for name in report.folds:
        assert tags[f"harbor.{name}"] == f"{written[name]['from']} to {written[name]['to']}"


def described(small_run, *assignments):
    """The specification that a run's transactions get under other settings."""
    (stage,) = [each for each in STAGES if each.name == "features"]
    log = StageLog(Journal(small_run / "none.jsonl"), "none", parent=None)
    settings = settings_of(*assignments)
    context = StageContext(stage, small_run, small_run / "features", settings, None, log, SilentReporter())
    return specification(context, read_table(small_run / "ingest" / "transactions.parquet"))


def test_a_protected_column_is_read_and_never_an_input(small_run):
    free, guarded = described(small_run), described(small_run, "evaluation.protected=['channel']")
    assert "channel" in free.categorical
    assert guarded.categorical == tuple(name for name in free.categorical if name != "channel")
    assert not [column.name for column in guarded.columns if "channel" in column.name]
    assert "channel" in read_table(small_run / "ingest" / "transactions.parquet").column_names


def test_a_protected_column_that_the_data_does_not_have_is_refused(small_run):
    with pytest.raises(InputError, match=r"evaluation\.protected must name categorical columns .* got age_group"):
        described(small_run, "evaluation.protected=['age_group']")
