"""What dates share equals what each of them would have made itself."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.times import time_microseconds
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from pipeline.config import load_config
from pipeline.process.reporter import SilentReporter
from pipeline.run import run_stages
from pipeline.runs.settings import RunSettings
from pipeline.schedule.shared_windows import SharedRun, shared_stages, stages_as_of, transactions_as_of, why_not_shared
from pipeline.stages import STAGES
from pipeline.stages.artifacts.ingest_report import Duplicates, IngestReport
from pipeline.storage.content import read_table
from pipeline.storage.done import folder_checksums
from tests.conftest import SMALL
from tests.fixtures.random_tables import assert_same_bits

SMALLER = (*SMALL, "split.train='40d'", "split.valid='14d'", "split.calib='14d'", "split.test='28d'")


def brought(run, as_of, stages):
    config = load_config("smoke.toml", assignments=(*SMALLER, "tracking.enabled=false"), environment={})
    run_stages(run, RunSettings(config, as_of), stages, force=None, reporter=SilentReporter())


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walk") / "shared"
    brought(folder, None, shared_stages(STAGES))
    return SharedRun(folder)


@pytest.mark.parametrize("date", ["2024-06-11", "2024-06-25T07:30:00"])
def test_a_date_takes_bit_for_bit_what_a_run_as_of_that_date_makes(shared, tmp_path, date):
    moment = time_microseconds(date)
    brought(tmp_path / "shared", moment, stages_as_of(STAGES, shared)[:2])
    brought(tmp_path / "direct", moment, STAGES[:2])
    for stage in ("ingest", "features"):
        assert folder_checksums(tmp_path / "shared" / stage) == folder_checksums(tmp_path / "direct" / stage)


def test_a_date_forgets_later_rows_and_later_labels(shared):
    whole = read_table(shared.transactions)
    moment = time_microseconds("2024-05-01")
    table = transactions_as_of(whole, as_of=moment)
    assert pc.max(table["event_time"].cast(pa.int64())).as_py() <= moment
    assert pc.max(table["label_available_at"].cast(pa.int64())).as_py() <= moment
    assert table["label"].null_count == table["label_available_at"].null_count > 0
    assert table["amount"].equals(whole["amount"].slice(0, table.num_rows))


def test_cards_that_are_followed_to_other_merchants_leave_the_same_bits_at_a_date(shared):
    whole = read_table(shared.transactions)
    table = transactions_as_of(whole, as_of=time_microseconds("2024-05-01"))
    asked = FeaturesConfig(aggregates={"merchant": ["compromised_cards", "compromised_card_share"]})
    spec = feature_spec(asked, columns=whole.column_names)
    spec = spec.selected(spec.needing_all)
    at_date, at_end = (window_features(rows, spec=spec, threads=2) for rows in (table, whole))
    assert_same_bits(at_date, at_end.slice(0, table.num_rows))
    assert pc.max(at_date["merchant_30d_compromised_cards"]).as_py() > 0


def test_rows_that_decide_on_one_another_cannot_be_shared(shared):
    report: IngestReport = shared.report
    repeated = replace(report, duplicates=Duplicates(identical=3, conflicting=1))
    masked = replace(report, labels=replace(report.labels, masked={"never labelled": 5}))
    assert why_not_shared(report) is None
    assert "4 rows were set aside" in why_not_shared(repeated)
    assert "5 labels were masked" in why_not_shared(masked)
