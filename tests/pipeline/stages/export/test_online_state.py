import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.windows.spec import feature_spec
from pipeline.config import load_config
from pipeline.online.raw_features import raw_features
from pipeline.process.reporter import SilentReporter
from pipeline.stages import STAGES
from pipeline.stages.export.online_state import check_servable, write_online_state, write_state_of_run
from pipeline.stages.ingest.preset_files import keep_preset
from pipeline.stages.ingest.two_passes import ingest_transactions
from pipeline.stages.stage import StageContext
from pipeline.state.card_numbers import CardNumbersError
from pipeline.state.history_state import id_keys
from pipeline.state.state_files import checked_state
from pipeline.storage.content import write_json
from pipeline.storage.errors import InputError
from tests.fixtures.ingested import no_simulation
from tests.oracles.bad_input import csv, good_rows, text


def config(*assignments):
    return load_config("smoke.toml", assignments=assignments, environment={})


def test_the_default_columns_can_be_served():
    check_servable(config())


def test_columns_that_cannot_be_served_are_refused_by_name_before_any_work():
    with pytest.raises(InputError, match=r"'card_1d_count': rows of one time count one another"):
        check_servable(config("features.include_current=true"))
    with pytest.raises(InputError, match=r"'merchant_1d_compromised_cards': reads rows of other groups"):
        check_servable(config('features.aggregates={merchant=["count", "compromised_cards"]}'))


def test_without_a_state_they_are_not():
    check_servable(config("features.include_current=true", "export.state=false"))


def test_the_state_of_a_run_is_behind_all_of_its_rows_and_holds_no_id(small_run):
    stored = checked_state(small_run / "export" / "state")
    history = stored.loaded(id_keys(None))
    times = pq.read_table(small_run / "ingest" / "transactions.parquet", columns=["event_time"])["event_time"]
    assert history.state.rows == times.length()
    assert history.state.newest == stored.newest == max(times.cast(pa.int64()).to_pylist())
    report = json.loads((small_run / "export" / "report.json").read_text())
    assert report["state"]["digest"] == history.state.digest() == stored.manifest["digest"]
    assert stored.features == (small_run / "export" / "bundle" / "features.json").read_text()
    cards = pq.read_table(small_run / "ingest" / "transactions.parquet", columns=["card_id"])["card_id"]
    whole = b"".join(path.read_bytes() for path in (small_run / "export" / "state").iterdir() if path.is_file())
    assert not [card for card in cards.unique().to_pylist()[:200] if card.encode() in whole]


CARDS = ("4111111111111111", "5500000000000004", "340000000000009", "6011000000000004")


@pytest.fixture
def ingest_of_cards(tmp_path):
    """Ingests 40 rows of real card numbers with the settings given, and writes their state."""
    rows = [row | {"card_id": CARDS[place % 4]} for place, row in enumerate(good_rows())]
    source = csv(tmp_path, text(rows))

    def written(*given, then=()):
        read = load_config(None, assignments=[f"data.source='{source}'", *given], environment={})
        report = ingest_transactions(read.data, labels=read.labels, as_of=None, simulate=no_simulation, folder=tmp_path)
        write_json(tmp_path / "report.json", report.to_dict())
        keep_preset(read.data, tmp_path / "preset")
        spec = feature_spec(read.features, columns=report.columns.types)
        (tmp_path / "spec.json").write_text(spec.to_json())
        (tmp_path / "state").mkdir()
        return write_state_of_run(tmp_path, tmp_path / "spec.json", tmp_path / "state", config=config(*given, *then))

    return written


def test_card_numbers_without_a_secret_are_refused(ingest_of_cards, tmp_path):
    with pytest.raises(InputError, match=r"4 of 4 different ids .* have the check digit of card numbers"):
        ingest_of_cards()
    assert not (tmp_path / "state" / "words.bin").exists()


def test_under_a_secret_they_are_served_and_nobody_goes_on_with_another_one(ingest_of_cards, tmp_path, monkeypatch):
    monkeypatch.setenv("HARBOR_TEST_KEY", "sixteen bytes at least")
    manifest = ingest_of_cards("data.hash_key_env='HARBOR_TEST_KEY'")
    assert manifest["hash_key_check"] is not None
    assert (manifest["rows"], manifest["key_column"]) == (40, "transaction_id")
    live = tmp_path / "data.csv"
    again = raw_features(checked_state(tmp_path / "state"), [str(live)])
    assert again.rows.num_rows == 0
    monkeypatch.setenv("HARBOR_TEST_KEY", "sixteen bytes of another")
    with pytest.raises(InputError, match="the secret must be the one that the state was made under"):
        raw_features(checked_state(tmp_path / "state"), [str(live)])


def test_another_secret_than_that_of_ingest_is_refused(ingest_of_cards, monkeypatch):
    monkeypatch.setenv("HARBOR_TEST_KEY", "sixteen bytes at least")
    monkeypatch.setenv("HARBOR_TEST_OTHER", "sixteen bytes of another")
    given = "data.hash_key_env='HARBOR_TEST_KEY'"
    with pytest.raises(InputError, match="the secret must be the one that ingest hashed card ids under"):
        ingest_of_cards(given, then=["data.hash_key_env='HARBOR_TEST_OTHER'"])


def test_a_run_of_card_numbers_keeps_its_bundle_and_says_why_it_has_no_state(ingest_of_cards, tmp_path):
    with pytest.raises(CardNumbersError):
        ingest_of_cards()
    (tmp_path / "state").rmdir()
    (tmp_path / "run" / "features").mkdir(parents=True)
    (tmp_path / "run" / "export").mkdir()
    (tmp_path / "spec.json").rename(tmp_path / "run" / "features" / "spec.json")
    (tmp_path / "run" / "ingest").symlink_to(tmp_path)
    reporter = CollectingReporter()
    context = StageContext(STAGES[-1], tmp_path / "run", tmp_path / "run" / "export", config(), None, None, reporter)
    told = write_online_state(context)
    assert told["refused"] == reporter.warned[0].removeprefix("no state was exported: ")
    assert "have the check digit of card numbers" in told["refused"]
    assert list((tmp_path / "run" / "export").iterdir()) == []


class CollectingReporter(SilentReporter):
    """Keeps what it is warned of."""

    def __init__(self):
        self.warned = []

    def warn(self, text):
        self.warned.append(text)
