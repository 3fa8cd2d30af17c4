import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import load_config
from pipeline.stages.export.online_state import check_servable
from pipeline.state.history_state import id_keys
from pipeline.state.state_files import checked_state
from pipeline.storage.errors import InputError


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
