"""The Dagster layer, headless; it needs the extra `dagster`."""

import datetime as dt

import pytest

dg = pytest.importorskip("dagster", reason="the extra [dagster] is not installed")

from filelock import FileLock  # noqa: E402

from pipeline.dagster_defs import Place, definitions  # noqa: E402
from pipeline.schedule.retrain import OUTCOME  # noqa: E402
from pipeline.stages import STAGES  # noqa: E402
from pipeline.storage.content import read_json  # noqa: E402
from tests.conftest import SMALL  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore")]
DAY = "2024-06-25"
NAMES = [stage.name for stage in STAGES]
LENIENT = ("gate.ece_tolerance=10", "gate.observed_expected_low=0.01", "gate.observed_expected_high=99")


def write_config(path, *assignments):
    """A TOML file of "section.key=value" lines."""
    keys = dict(each.split("=", 1) for each in (*SMALL, "split.valid='21d'", "split.calib='21d'", *assignments))
    path.write_text("\n".join(f"{key} = {value}" for key, value in keys.items()))
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dagster")
    return Place(str(write_config(folder / "night.toml")), folder / "runs")


@pytest.fixture(scope="module")
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def parts(place):
    return definitions(place, first_day="2024-06-01", retries=dg.RetryPolicy(max_retries=1, delay=1))


def materialized(place, instance, only=None):
    defs = parts(place)
    return dg.materialize(
        [*defs.assets, *defs.asset_checks], partition_key=DAY, instance=instance, raise_on_error=False, selection=only
    )


def made(result):
    return [event.asset_key.to_user_string() for event in result.get_asset_materialization_events()]


@pytest.mark.slow
def test_a_partition_is_the_run_that_harbor_retrain_would_make_and_the_gate_blocks_the_champion(place, instance):
    write_config(place.runs.parent / "night.toml", "gate.min_frauds=100000")
    refused = materialized(place, instance)
    assert sorted(made(refused)) == sorted(NAMES)
    checks = {each.check_name: each.passed for each in refused.get_asset_check_evaluations()}
    assert checks == {"every_row_has_a_place": True, "every_fold_has_both_classes": True, "gate": False}
    assert all((place.runs / "night-20240625T000000Z" / name / "DONE").is_file() for name in NAMES)
    write_config(place.runs.parent / "night.toml", *LENIENT)
    passed = materialized(place, instance)
    assert passed.success
    assert sorted(made(passed)) == sorted([*NAMES, "champion"])
    assert "version 1 is champion" in str(passed.asset_materializations_for_node("champion")[0].metadata["said"])
    assert read_json(place.runs / "night-20240625T000000Z" / OUTCOME)["promoted"]


def test_bad_input_fails_the_asset_without_another_try_and_nothing_follows(tmp_path, instance):
    config = tmp_path / "bad.toml"
    config.write_text("data.source = 'nowhere.csv'")
    defs = parts(Place(str(config), tmp_path / "runs"))
    result = dg.materialize(defs.assets, partition_key=DAY, instance=instance, raise_on_error=False)
    assert not result.success
    assert made(result) == []
    assert result.retry_attempts_for_node("ingest") == 0
    assert "nowhere.csv: does not exist" in result.failure_data_for_node("ingest").error.cause.message


def test_a_lock_that_another_job_holds_is_tried_again(tmp_path, instance):
    config = tmp_path / "night.toml"
    config.write_text("data.source = 'nowhere.csv'")
    place = Place(str(config), tmp_path / "runs")
    place.folder(DAY).mkdir(parents=True)
    with FileLock(place.folder(DAY) / ".lock"):
        result = dg.materialize(
            parts(place).assets, partition_key=DAY, instance=instance, raise_on_error=False, selection="ingest"
        )
    assert result.retry_attempts_for_node("ingest") == 1
    assert "another job is working in" in result.failure_data_for_node("ingest").error.cause.message


def test_a_tick_of_the_schedule_asks_for_the_day_that_begins(place):
    repository = parts(place).get_repository_def()
    schedule = repository.get_schedule_def("nightly")
    moment = dt.datetime(2024, 6, 25, 3, tzinfo=dt.UTC)
    context = dg.build_schedule_context(scheduled_execution_time=moment, repository_def=repository)
    request = schedule.evaluate_tick(context).run_requests[0]
    assert (request.run_key, request.partition_key) == (DAY, DAY)
    assert schedule.cron_schedule == "0 3 * * *"


def test_the_sensor_asks_once_for_each_state_of_the_files(tmp_path):
    data = tmp_path / "a.csv"
    data.write_text("transaction_id\n1\n")
    config = tmp_path / "files.toml"
    config.write_text(f"data.source = '{tmp_path}/*.csv'")
    repository = parts(Place(str(config), tmp_path / "runs")).get_repository_def()
    sensor = repository.get_sensor_def("new_data")

    def looked(cursor):
        with dg.build_sensor_context(cursor=cursor, repository_def=repository) as context:
            return sensor.evaluate_tick(context)

    first = looked(None)
    assert len(first.run_requests) == 1
    again = looked(first.cursor)
    assert again.run_requests == []
    assert "no file" in again.skip_message
    (tmp_path / "b.csv").write_text("transaction_id\n2\n")
    assert len(looked(first.cursor).run_requests) == 1


def test_every_asset_is_partitioned_retried_with_backoff_and_follows_the_stage_order(place):
    defs = definitions(place, first_day="2024-06-01")
    for asset, stage in zip(defs.assets, STAGES, strict=False):
        assert asset.partitions_def is not None
        assert asset.op.retry_policy.backoff == dg.Backoff.EXPONENTIAL
        assert {key.to_user_string() for key in asset.asset_deps[asset.key]} == set(stage.reads)
    for check in defs.asset_checks:
        spec = next(iter(check.check_specs))
        assert spec.blocking
        assert spec.partitions_def is not None
