"""The champion is copied into a run, scored on its own features, and never stops the run it is compared in."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from mlflow.tracking import MlflowClient

from pipeline.process.reporter import SilentReporter
from pipeline.registry.champion_copy import bring_champion, champion_news, judged_against
from pipeline.registry.model_registry import Registry
from pipeline.registry.promotion import promote_run
from pipeline.run import run_stages
from pipeline.runs.settings import read_settings
from pipeline.runs.steps import planned_steps
from pipeline.stages import STAGES
from pipeline.stages.evaluate.champion_rows import anchor_scores, champion_rows
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_json
from pipeline.storage.digests import sha256_file
from pipeline.storage.done import folder_checksums
from pipeline.tracking.journal import Journal
from pipeline.tracking.mlflow_store import store_uri
from pipeline.tracking.stage_log import StageLog
from tests.fixtures.registered import bundle_run, empty_store, marked, settings_of

pytestmark = pytest.mark.filterwarnings("ignore")
CONFIG = settings_of()


class Listener(SilentReporter):
    """Keeps what a job warns of."""

    def __init__(self):
        self.warnings = []

    def warn(self, text):
        self.warnings.append(text)


@pytest.fixture(scope="module")
def crowned(small_run, tmp_path_factory):
    """A folder of runs whose registry has a champion: another run's bundle, the same but for its manifest."""
    runs = empty_store(tmp_path_factory.mktemp("crowned"))
    promote_run(bundle_run(small_run, runs / "old", note="old"), CONFIG)
    return runs


@pytest.fixture
def run(crowned, request):
    folder = crowned / request.node.name
    folder.mkdir()
    return folder


def context_of(run, small_run):
    """What evaluate works with, on the small run's tables and the champion of `run`."""
    for name in ("ingest", "features"):
        shutil.copytree(small_run / name, run / name)
    stage = next(stage for stage in STAGES if stage.name == "evaluate")
    log = StageLog(Journal(run / "journal.jsonl"), "key", parent=None)
    return StageContext(stage, run, run / "evaluate", read_settings(small_run).config, None, log, SilentReporter())


def test_the_champion_is_copied_once_and_only_when_it_is_another(run):
    listener = Listener()
    assert champion_news(run, CONFIG) == "version 1 is champion now"
    bring_champion(run, CONFIG, listener)
    note = read_json(run / "champion" / "champion.json")
    assert (note["version"], note["problem"], listener.warnings) == ("1", "", [])
    assert judged_against(run) == note["manifest"] == sha256_file(run / "champion" / "bundle" / "manifest.json")
    before = (run / "champion").stat().st_ino
    bring_champion(run, CONFIG, listener)
    assert (run / "champion").stat().st_ino == before
    assert champion_news(run, CONFIG) is None


def test_a_run_is_not_compared_with_its_own_bundle(run, crowned, small_run):
    shutil.copytree(crowned / "old" / "export", run / "export")
    bring_champion(run, CONFIG, Listener())
    assert list(run.iterdir()) == [run / "export"]


def test_without_tracking_or_store_nothing_is_asked_and_nothing_made(run, tmp_path):
    bring_champion(run, settings_of("tracking.enabled=false"), Listener())
    (tmp_path / "run").mkdir()
    bring_champion(tmp_path / "run", CONFIG, Listener())
    assert list(run.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_registry_that_is_down_is_told_and_leaves_the_champion_that_was_there(run):
    down = settings_of("tracking.uri='http://127.0.0.1:9'", "tracking.timeout=1")
    listener = Listener()
    bring_champion(run, down, listener)
    assert "could not be asked" in listener.warnings[0]
    assert "could not be asked" in read_json(run / "champion" / "champion.json")["problem"]
    bring_champion(run, CONFIG, listener)
    bring_champion(run, down, listener)
    assert read_json(run / "champion" / "champion.json")["version"] == "1"


def test_a_champion_without_a_sound_bundle_is_a_problem_in_words(small_run, tmp_path):
    empty_store(tmp_path)
    promote_run(bundle_run(small_run, tmp_path / "old", note="old"), CONFIG)
    stored = next((tmp_path / "mlartifacts").rglob("bundle/booster.ubj"))
    stored.write_bytes(b"another")
    (tmp_path / "run").mkdir()
    bring_champion(tmp_path / "run", CONFIG, Listener())
    problem = read_json(tmp_path / "run" / "champion" / "champion.json")["problem"]
    assert "booster.ubj" in problem
    assert str(tmp_path) not in problem
    client = MlflowClient(store_uri(CONFIG.tracking, runs=tmp_path))
    client.delete_registered_model_alias("harbor-fraud", "champion")
    assert champion_news(tmp_path / "run", CONFIG) == "there is no champion any more"
    bring_champion(tmp_path / "run", CONFIG, Listener())
    assert list((tmp_path / "run").iterdir()) == []


def test_the_champion_scores_from_its_own_features_as_it_did_where_it_was_made(run, small_run):
    bring_champion(run, CONFIG, Listener())
    found = champion_rows(context_of(run, small_run))
    judged = pq.read_table(small_run / "evaluate" / "scores.parquet")["hybrid"].to_numpy()
    assert found.test.problem == ""
    assert np.abs(found.test.probabilities - judged).max() < 1e-5
    assert found.test.seen_until == read_json(run / "champion/bundle/manifest.json")["seen_until_microseconds"]


def test_a_champion_that_has_seen_more_sets_the_time_from_which_both_are_judged(run, small_run):
    bring_champion(run, CONFIG, Listener())
    path = run / "champion" / "bundle" / "manifest.json"
    manifest = json.loads(path.read_text())
    later = manifest["seen_until_microseconds"] + 5_000_000
    path.write_text(json.dumps(manifest | {"seen_until_microseconds": later}))
    assert champion_rows(context_of(run, small_run)).test.seen_until == later


def test_a_champion_that_needs_a_column_the_data_lack_is_not_comparable(run, small_run):
    bring_champion(run, CONFIG, Listener())
    context = context_of(run, small_run)
    path = run / "ingest" / "transactions.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["merchant_id"]), path, write_page_checksum=True)
    found = champion_rows(context)
    assert "the data lacks merchant_id" in found.test.problem
    assert np.isnan(found.test.probabilities).all()


def test_a_champion_changed_on_disk_is_a_problem_without_this_machines_folders(run, small_run):
    bring_champion(run, CONFIG, Listener())
    (run / "champion" / "bundle" / "features.json").write_text("{}")
    problem = champion_rows(context_of(run, small_run)).test.problem
    assert "features.json" in problem
    assert str(run) not in problem


def test_a_run_without_a_champion_has_none(run, small_run):
    context = context_of(run, small_run)
    assert champion_rows(context) is anchor_scores(context) is None


@pytest.fixture(scope="module")
def succeeded(small_run, tmp_path_factory):
    """A folder of runs whose first champion has had a successor."""
    runs = empty_store(tmp_path_factory.mktemp("succeeded"))
    for note in ("old", "new"):
        promote_run(bundle_run(small_run, runs / note, note=note), CONFIG)
    return runs


def test_the_anchor_comes_beside_the_champion_and_scores_as_it_does(succeeded, small_run):
    run = succeeded / "run"
    run.mkdir()
    bring_champion(run, CONFIG, Listener())
    note = read_json(run / "champion" / "champion.json")
    assert (note["version"], note["anchor"]["version"], note["anchor"]["problem"]) == ("2", "1", "")
    assert sha256_file(run / "champion" / "anchor" / "bundle" / "manifest.json") == note["anchor"]["manifest"]
    assert champion_news(run, CONFIG) is None
    context = context_of(run, small_run)
    anchor, champion = anchor_scores(context), champion_rows(context)
    assert (anchor.name, anchor.problem) == ("1", "")
    np.testing.assert_array_equal(anchor.probabilities, champion.test.probabilities)


def test_an_anchor_that_cannot_be_fetched_is_a_problem_and_costs_no_champion(succeeded, monkeypatch):
    run, fetch = succeeded / "torn", Registry.fetch_bundle

    def torn(registry, version, folder):
        if version.number == "1":
            raise OSError("gone")
        fetch(registry, version, folder)

    monkeypatch.setattr(Registry, "fetch_bundle", torn)
    run.mkdir()
    bring_champion(run, CONFIG, Listener())
    note = read_json(run / "champion" / "champion.json")
    assert (note["problem"], note["anchor"]["problem"]) == ("", "its bundle could not be fetched (OSError)")
    assert (run / "champion" / "bundle").is_dir()


def test_no_anchor_is_asked_for_where_the_configuration_says_none(succeeded):
    run = succeeded / "none"
    run.mkdir()
    bring_champion(run, settings_of("gate.anchor_days=0"), Listener())
    assert "anchor" not in read_json(run / "champion" / "champion.json")
    assert not (run / "champion" / "anchor").exists()


def test_evaluate_is_judged_against_the_champion_and_again_only_when_that_changes(crowned, small_run):
    run = shutil.copytree(small_run, crowned / "candidate")
    (run / ".tracking.json").unlink(missing_ok=True)
    settings = replace(read_settings(run), config=read_settings(run).config)
    marked(run, note="candidate")
    reasons = {step.stage.name: step.reason for step in planned_steps(run, settings, STAGES, force=None)}
    assert reasons["evaluate"] == "version 1 is champion now"
    run_stages(run, settings, STAGES, force=None, only="evaluate", reporter=SilentReporter())
    report = read_json(run / "evaluate" / "report.json")
    assert any("champion 1" in check["text"] for check in report["gate"]["checks"])
    shadow = pq.read_table(run / "evaluate" / "shadow.parquet")
    assert np.abs(shadow["champion"].to_numpy() - shadow["hybrid"].to_numpy()).max() < 1e-5
    before = folder_checksums(run / "evaluate")
    run_stages(run, settings, STAGES, force=None, only="evaluate", reporter=SilentReporter())
    assert planned_steps(run, settings, STAGES, force=None)[4].reason == "up to date"
    assert folder_checksums(run / "evaluate") == before
    shutil.rmtree(run / "champion")
    off = replace(
        settings, config=settings.config.model_copy(update={"tracking": settings_of("tracking.enabled=false").tracking})
    )
    assert planned_steps(run, off, STAGES, force=None)[4].reason == "changed: champion"
