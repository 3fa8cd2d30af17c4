import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from features.simulate.simulated import simulate_transactions
from features.split import LabelsConfig
from pipeline.reading import csv_batches
from pipeline.sections import DataConfig
from pipeline.stages.ingest import spool
from pipeline.stages.ingest.preset_files import load_preset, preset_path
from pipeline.stages.ingest.two_passes import ingest_transactions
from pipeline.storage.digests import TableDigest
from tests.fixtures.ingested import PRESETS, Ingested, ingested, no_simulation
from tests.oracles.bad_input import HEADER, csv, good_rows, text

FILES = {
    "handbook": "handbook.csv",
    "ulb": "ulb.csv",
    "ieee_cis": "ieee_cis_*.csv",
    "sparkov": "sparkov.csv",
    "tabformer": "tabformer.csv",
    "paysim": "paysim*.csv",
    "banksim": "banksim.csv",
    "baf": "baf.csv",
    "harbor": "harbor.csv",
}


def fixture(preset: str) -> Ingested:
    return ingested(
        PRESETS / FILES[preset] if "*" not in FILES[preset] else f"{PRESETS}/{FILES[preset]}", preset=preset
    )


def column(result: Ingested, name: str) -> list:
    return result.table[name].to_pylist()


def stamps(result: Ingested) -> list[str]:
    return [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in column(result, "event_time")]


@pytest.mark.parametrize("preset", FILES)
def test_every_preset_reads_its_file_without_leaving_a_row_or_a_column_behind(preset: str):
    result = fixture(preset)
    assert result.report["quarantined"] == 0
    assert result.report["columns"]["absent"] == []
    assert not {*load_preset(DataConfig(preset=preset)).leaks} & {*result.table.column_names}


def test_every_shipped_preset_has_a_fixture():
    assert {path.stem for path in preset_path("harbor").parent.glob("*.toml")} == set(FILES)


@pytest.mark.parametrize("preset", [name for name in FILES if "*" not in FILES[name] and name != "harbor"])
def test_typed_parquet_and_csv_text_give_the_same_table(preset: str, tmp_path: Path):
    pq.write_table(pacsv.read_csv(PRESETS / FILES[preset]), tmp_path / "typed.parquet")
    typed, plain = ingested(tmp_path / "typed.parquet", preset=preset), fixture(preset)
    assert typed.table.schema == plain.table.schema
    assert typed.report["digest"] == plain.report["digest"]


def test_handbook_drops_its_scenario_and_rounds_half_to_even():
    result = fixture("handbook")
    assert result.report["columns"]["dropped_leaks"] == ["TX_FRAUD_SCENARIO"]
    assert column(result, "card_id") == [596, 4961, 2, 596]
    assert column(result, "amount_minor") == [5716, 8151, 22600, 12]
    assert result.report["amounts_rounded"] == 1


def test_ulb_counts_seconds_and_has_no_entities():
    result = fixture("ulb")
    assert stamps(result)[:3] == ["2013-09-01 00:00:00", "2013-09-01 00:00:00", "2013-09-01 00:00:01"]
    assert column(result, "label") == [0, 0, 0, 1, 0]
    assert column(result, "transaction_id") == [0, 1, 2, 3, 4]
    assert not any(name.endswith("_id") and name != "transaction_id" for name in result.table.column_names)
    assert [name for name in result.table.column_names if name.startswith("V")] == [f"V{n}" for n in range(1, 29)]


def test_ieee_cis_joins_identities_and_makes_cards_of_three_columns():
    result = fixture("ieee_cis")
    assert column(result, "card_id") == ["13926_315_-13", "2755_325_1", "4663__", "13926_315_-13"]
    assert column(result, "DeviceType") == [None, None, "mobile", "mobile"]
    assert column(result, "id_02")[2:] == [70787.0, 98945.0]
    assert column(result, "amount_minor")[2] == 5912
    assert result.report["files"] == {"ieee_cis_transaction.csv": 4}


def test_ieee_cis_reads_a_cut_down_file_without_identities(tmp_path: Path):
    whole = pd.read_csv(PRESETS / "ieee_cis_transaction.csv", dtype=str)
    names = ["TransactionID", "isFraud", "TransactionDT", "TransactionAmt", "card1", "addr1", "V7"]
    whole[names].to_csv(tmp_path / "cut.csv", index=False)
    result = ingested(tmp_path / "cut.csv", preset="ieee_cis")
    assert column(result, "card_id") == ["13926_315", "2755_325", "4663_", "13926_315"]
    assert "V7" in result.table.column_names
    assert "D1" in result.report["columns"]["absent"]


def test_ieee_cis_reads_the_other_spelling_of_identity_columns(tmp_path: Path):
    for name in ("transaction", "identity"):
        content = (PRESETS / f"ieee_cis_{name}.csv").read_text().replace("id_", "id-")
        (tmp_path / f"{name}.csv").write_text(content)
    other = ingested(f"{tmp_path}/*.csv", preset="ieee_cis")
    assert other.report["digest"] == fixture("ieee_cis").report["digest"]


def test_sparkov_drops_personal_data_and_keeps_long_card_numbers_exact():
    result = fixture("sparkov")
    assert result.report["columns"]["dropped_personal"] == ["first", "last", "street", "dob"]
    assert column(result, "card_id")[2] == 4992346398065154184
    assert column(result, "merchant_id")[0] == "fraud_Rippin, Kub and Mann"
    assert stamps(result)[1] == "2019-01-01 00:00:44"


def test_tabformer_turns_refunds_round_and_masks_the_months_that_nobody_labelled():
    result = fixture("tabformer")
    assert column(result, "amount_minor") == [13409, 9900, 120050, 0]
    assert column(result, "is_refund") == ["false", "true", "false", "false"]
    assert column(result, "card_id") == ["0_0", "0_1", "1_0", "1_0"]
    assert column(result, "merchant_id")[2] == -8194607650924472520
    assert column(result, "label") == [0, 0, None, 1]
    assert column(result, "zip") == ["91750", "91754", None, None]
    assert sum(result.report["labels"]["masked"].values()) == 1


def test_a_month_of_full_volume_without_fraud_is_masked_where_the_preset_asks(tmp_path: Path):
    rows = [
        "User,Card,Year,Month,Day,Time,Amount,Use Chip,Merchant Name,Merchant City,Merchant State,Zip,MCC,Errors?,"
        "Is Fraud?"
    ]
    for number in range(6000):
        month, fraud = 3 + number // 2000, "Yes" if number % 50 == 0 and not 2000 <= number < 4000 else "No"
        rows.append(f"0,0,2010,{month},{1 + number % 28},06:00,$1.00,Swipe,1,X,CA,1,1,,{fraud}")
    result = ingested(csv(tmp_path, "\n".join(rows) + "\n"), preset="tabformer")
    months = [moment.month for moment in column(result, "event_time")]
    unknown = {month for month, label in zip(months, column(result, "label"), strict=True) if label is None}
    assert unknown == {4}
    assert result.report["labels"]["masked"] == {"months of full volume without any fraud": 2000}


def test_both_versions_of_paysim_read_alike():
    first, second = (ingested(PRESETS / f"paysim{version}.csv", preset="paysim") for version in ("", "_2"))
    assert first.table.equals(second.table)
    assert stamps(first) == ["1970-01-01 01:00:00"] * 2 + ["1970-02-01 00:00:00"]
    assert "isFlaggedFraud" in first.report["columns"]["dropped_leaks"]
    assert "isUnauthorizedOverdraft" in second.report["columns"]["dropped_leaks"]


def test_banksim_loses_its_literal_quotes():
    result = fixture("banksim")
    assert column(result, "card_id")[0] == "C1093826151"
    assert column(result, "age") == ["4", "U", "4"]
    assert stamps(result)[-1] == "1970-06-29 00:00:00"


def test_baf_months_are_thirty_days_and_sentinels_are_missing():
    result = fixture("baf")
    assert stamps(result) == ["1970-01-01 00:00:00"] * 2 + ["1970-07-30 00:00:00"]
    assert np.isnan(column(result, "prev_address_months_count")).tolist() == [True, True, False]
    assert np.isnan(column(result, "intended_balcon_amount")).tolist() == [False, True, True]
    assert column(result, "velocity_6h")[1] == -93.1


def test_a_users_own_preset_does_what_the_shipped_ones_do(tmp_path: Path):
    content = preset_path("banksim").read_text()
    (tmp_path / "mine.toml").write_text(content)
    assert ingested(PRESETS / "banksim.csv", preset=str(tmp_path / "mine.toml")).table.equals(fixture("banksim").table)


def test_rows_are_sorted_by_time_and_ties_keep_the_order_of_the_sorted_files(tmp_path: Path):
    rows = [
        row | {"transaction_id": f"t{n}", "event_time": f"2024-03-0{1 + n % 2}T00:00:00Z"}
        for n, row in enumerate(good_rows())
    ]
    csv(tmp_path, text(rows[20:]), "b.csv")
    csv(tmp_path, text(rows[:20]), "a.csv")
    result = ingested([str(tmp_path / "b.csv"), f"{tmp_path}/a*.csv"])
    numbers = [int(identity[1:]) for identity in column(result, "transaction_id")]
    assert numbers == [*range(0, 40, 2), *range(1, 40, 2)]


def test_ids_that_the_source_lacks_are_places_over_all_files_bad_rows_counted(tmp_path: Path):
    names = [name for name in HEADER if name != "transaction_id"]
    rows = good_rows()
    rows[3]["amount"] = "-1"
    csv(tmp_path, text(rows[:20], names), "a.csv")
    csv(tmp_path, text(rows[20:], names), "b.csv")
    assert column(ingested(f"{tmp_path}/*.csv"), "transaction_id") == [n for n in range(40) if n != 3]


def test_the_size_of_the_batches_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = good_rows() * 1
    random.Random(5).shuffle(rows)
    rows += [rows[3], rows[7] | {"amount": "1"}, rows[9] | {"label": "7"}]
    path = csv(tmp_path, text(rows))
    whole = ingested(path)
    monkeypatch.setattr(csv_batches, "CSV_BLOCK_BYTES", 300)
    monkeypatch.setattr(spool, "OUTPUT_ROWS", 5)
    parts = ingested(path)
    assert parts.table.equals(whole.table)
    assert parts.quarantine.equals(whole.quarantine)
    assert parts.report == whole.report


def test_the_report_and_the_digest_name_no_folder_and_repeat(tmp_path: Path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        csv(tmp_path / name, text(good_rows()))
    here, there = (ingested(tmp_path / name / "data.csv") for name in ("here", "there"))
    assert here.report == there.report
    assert str(tmp_path) not in str(here.report)


def test_the_digest_sees_every_value(tmp_path: Path):
    rows = good_rows()
    before = ingested(csv(tmp_path, text(rows))).report["digest"]
    rows[17]["merchant_id"] = "m9"
    assert ingested(csv(tmp_path, text(rows))).report["digest"] != before


def test_the_digest_depends_on_values_not_on_parts_nor_on_where_one_value_ends():
    def digest(*parts: list[str | None]) -> str:
        whole = TableDigest()
        for part in parts:
            whole.update(pa.table({"name": pa.array(part, pa.string())}))
        return whole.hexdigest()

    assert digest(["ab", None, "c"]) == digest(["ab"], [None, "c"])
    assert len({digest(["ab", "c"]), digest(["a", "bc"]), digest(["abc", ""]), digest(["abc", None])}) == 4


def test_rows_after_as_of_change_nothing(tmp_path: Path):
    rows = good_rows()
    as_of = int(datetime(2024, 3, 1, 17, tzinfo=UTC).timestamp()) * 1_000_000
    whole = ingested(csv(tmp_path, text(rows)), as_of=as_of)
    changed = [*rows[:10], *(row | {"transaction_id": "t003", "amount": "-1", "label": "1"} for row in rows[10:])]
    other = ingested(csv(tmp_path, text(changed)), as_of=as_of)
    cut = ingested(csv(tmp_path, text(rows[:10])), as_of=as_of)
    assert other.report == whole.report
    assert whole.table.equals(cut.table)
    assert whole.report["rows_after_as_of"] == 30


def test_labels_not_yet_available_at_as_of_are_unknown_and_counted_by_class(tmp_path: Path):
    as_of = int(datetime(2024, 3, 11, tzinfo=UTC).timestamp()) * 1_000_000
    result = ingested(csv(tmp_path, text(good_rows())), as_of=as_of)
    labels = result.report["labels"]
    late = [row for row in good_rows() if row["label_available_at"] > "2024-03-11T00:00:00+00:00"]
    assert labels["unknown"] == len(late) == labels["fraud_not_yet_available"] + labels["legitimate_not_yet_available"]
    assert labels["fraud_not_yet_available"] == sum(row["label"] == "1" for row in late)


def test_no_output_holds_a_card_number_once_there_is_a_hash_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HARBOR_TEST_KEY", "sixteen bytes at least")
    rows = [row | {"card_id": f"411111111111{n % 7:04d}"} for n, row in enumerate(good_rows())]
    rows[5]["amount"] = rows[5]["card_id"]
    rows[6]["label"] = rows[6]["card_id"]
    path = csv(tmp_path, text(rows))
    plain, hashed = ingested(path), ingested(path, hash_key_env="HARBOR_TEST_KEY")
    everything = str(hashed.table.to_pylist()) + str(hashed.quarantine.to_pylist()) + str(hashed.report)
    assert "411111111111" in str(plain.table.to_pylist())
    assert "411111111111" not in everything
    assert len(set(column(hashed, "card_id"))) == len(set(column(plain, "card_id")))


def test_a_message_never_shows_a_card_number(tmp_path: Path):
    rows = [row | {"card_id": "4111111111111111", "amount": "-4111111111111111"} for row in good_rows()]
    with pytest.raises(ValueError, match=r"got '-…' in row 1") as stopped:
        ingested(csv(tmp_path, text(rows)))
    assert "4111" not in str(stopped.value)


def test_a_flipped_bit_in_the_written_table_does_not_read_back(tmp_path: Path):
    transactions = tmp_path / "transactions.parquet"
    ingest_transactions(
        DataConfig(source=str(csv(tmp_path, text(good_rows())))),
        labels=LabelsConfig(delay=0),
        as_of=None,
        simulate=no_simulation,
        transactions_to=transactions,
        quarantine_to=tmp_path / "quarantine.parquet",
    )
    content = bytearray(transactions.read_bytes())
    chunk = pq.read_metadata(transactions).row_group(0).column(4)
    content[(chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size - 1] ^= 1
    transactions.write_bytes(bytes(content))
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        pq.read_table(transactions, page_checksum_verification=True)


def test_a_simulation_goes_the_same_way_as_a_file(tmp_path: Path):
    made = simulate_transactions(2_000, seed=3).transactions
    simulated = ingested(
        "simulate", rows=2_000, seed=3, simulate=lambda rows, seed: simulate_transactions(rows, seed=seed).transactions
    )
    pq.write_table(made, tmp_path / "made.parquet")
    assert simulated.report["digest"] == ingested(tmp_path / "made.parquet").report["digest"]
    assert simulated.report["accepted"] == 2_000


def test_a_file_larger_than_its_batches_streams_without_holding_it(tmp_path: Path):
    rows = 400_000
    table = pa.table(
        {
            "event_time": pa.array(np.arange(rows) * 1_000_000 + 1_700_000_000_000_000).cast(pa.timestamp("us", "UTC")),
            "amount": np.full(rows, 1.25),
            "label": np.zeros(rows, np.int8),
        }
    )
    pq.write_table(table.take(pa.array(np.random.default_rng(1).permutation(rows))), tmp_path / "shuffled.parquet")
    result = ingested(tmp_path / "shuffled.parquet")
    assert result.table["event_time"].equals(table["event_time"])


def test_labels_are_counted_by_who_gave_them_and_opinions_apart(tmp_path: Path):
    made = simulate_transactions(5_000, seed=3, scenario="censored").transactions
    pq.write_table(made, tmp_path / "rows.parquet")
    found = ingested(tmp_path / "rows.parquet")
    policy, labels = found.report["policy"], found.report["labels"]
    assert sum(policy["actions"].values()) == 5_000
    assert policy["outcomes"]["chargeback"] == {"fraud": labels["fraud"], "legitimate": 0}
    assert "investigator" not in policy["outcomes"]
    assert labels["unknown"] == policy["actions"]["blocked"]
    opinions = found.table["opinion"].drop_null()
    assert sum(policy["opinions"]["investigator"].values()) == len(opinions) > 0
    assert not {"action", "label_source", "opinion"} & {*found.report["categorical"]}
    assert "approval_probability" not in found.report["numeric"]
