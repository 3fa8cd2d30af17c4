"""A stage reads what it declares and no label of test."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.process.reporter import SilentReporter
from pipeline.runs.settings import read_settings
from pipeline.stages import STAGES
from pipeline.stages.artifacts.features_report import FeaturesReport
from pipeline.stages.stage import StageContext, label_weight
from pipeline.storage.content import write_table
from tests.fixtures.registered import settings_of

NAMED = {stage.name: stage for stage in STAGES}


@pytest.fixture
def context_of(small_run, tmp_path):
    def made(name):
        config = read_settings(small_run).config
        return StageContext(NAMED[name], small_run, tmp_path, config, None, None, SilentReporter())

    return made


def test_a_file_of_a_declared_stage_is_given(context_of, small_run):
    assert context_of("features").path("ingest", "report.json") == small_run / "ingest" / "report.json"


@pytest.mark.parametrize(
    ("stage", "read"),
    [
        ("train", lambda context: context.ingest_report),
        ("ingest", lambda context: context.features_report),
        ("calibrate", lambda context: context.path("ingest", "transactions.parquet")),
    ],
)
def test_what_a_stage_does_not_declare_is_refused(context_of, stage, read):
    with pytest.raises(PermissionError, match=f"{stage} does not declare that it reads"):
        read(context_of(stage))


def test_labels_of_test_are_for_one_stage_alone(context_of):
    assert (
        context_of("evaluate").features("test")["label"].null_count < context_of("evaluate").features("test").num_rows
    )
    for name in ("train", "calibrate", "export"):
        with pytest.raises(PermissionError, match="may not read the labels of the test fold"):
            context_of(name).features("test")
        hidden = context_of(name).features("test", labels=False)
        assert hidden["label"].null_count == hidden.num_rows > 0
        assert hidden["label_weight"].unique().to_pylist() == [1.0]


def test_features_without_weights_count_every_row_once_and_hide_no_other_column(small_run, tmp_path):
    bare = pa.table({"fold": ["test", "test"], "label": pa.array([0, 1], pa.int8()), "amount": [5.0, 7.0]})
    (tmp_path / "features").mkdir()
    write_table(tmp_path / "features" / "features.parquet", bare)
    config = read_settings(small_run).config
    context = StageContext(NAMED["train"], tmp_path, tmp_path, config, None, None, SilentReporter())
    hidden = context.features("test", labels=False)
    assert hidden["amount"].to_pylist() == [5.0, 7.0]
    assert hidden["label"].null_count == 2
    assert label_weight(hidden).to_pylist() == [1.0, 1.0]


def test_rows_after_a_fold_begin_where_it_ends_and_have_no_labels(context_of, small_run):
    end = FeaturesReport.read(small_run / "features" / "report.json").folds["calib"].end
    later = context_of("train").features_after("calib")
    times = later["event_time"].cast(pa.int64())
    everything = context_of("train").features("test", labels=False)["event_time"].cast(pa.int64())
    assert pc.min(times).as_py() > end
    assert later.num_rows >= everything.filter(pc.greater(everything, end)).length() > 0
    assert later["label"].null_count == later.num_rows


@pytest.mark.parametrize(("mode", "follows"), [("recheck", True), ("full", False)])
def test_a_recheck_makes_train_follow_the_champion(mode, follows):
    config = settings_of(f"sweep.mode='{mode}'")
    assert NAMED["train"].follows_champion(config) is follows
    assert NAMED["evaluate"].follows_champion(config)
    assert not NAMED["features"].follows_champion(config)


def test_every_label_is_given_to_refit_once_evaluate_has_finished(context_of):
    labels = context_of("refit").all_labels()
    assert labels.num_rows == 24_000
    assert {"label", "label_available_at"} <= set(labels.column_names)


@pytest.mark.parametrize("stage", ["train", "calibrate", "export"])
def test_every_label_is_given_to_no_other_stage(context_of, stage):
    with pytest.raises(PermissionError, match=f"{stage} may not read every label"):
        context_of(stage).all_labels()
