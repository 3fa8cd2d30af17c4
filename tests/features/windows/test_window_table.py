import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.windows.aggregates import AGGREGATES
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from tests.fixtures.random_tables import (
    SECOND,
    START,
    TABLES,
    assert_same_bits,
    random_table,
    rows_of,
    table_of,
    transaction,
)
from tests.oracles.windows_naive import naive_features
from tests.oracles.windows_sql import sql_features

NUMBERED = ["fraud_rate_20_at_50bp", "fraud_rate_1_at_0bp"]
NUMBERED += [f"previous_{k}_{what}" for k in (1, 2, 4) for what in ("amount_ratio", "seconds")]
COMPROMISED = ["compromised_cards", "compromised_card_share"]
EVERYTHING = {
    "card": [*AGGREGATES, *NUMBERED, "merchants", "previous_1_same_merchant", "previous_3_same_merchant"],
    "merchant": [*AGGREGATES, *NUMBERED, "cards", "previous_2_same_card", *COMPROMISED],
    "card+merchant": [*AGGREGATES, *NUMBERED],
}


PAST = ["seconds_since_last", "first_seen", *NUMBERED[2:], "previous_2_same_merchant"]
SQL = {*AGGREGATES, "merchants", "cards"}


def config(**given):
    return FeaturesConfig(**{"windows": ["5s", "20s"], "aggregates": EVERYTHING} | given)


def spec_for(table, **given):
    return feature_spec(config(**given), columns=table.column_names)


def assert_same(features, expected):
    for name, values in expected.items():
        ours = [None if v is None or v != v else v for v in features[name].to_pylist()]
        assert [v is None for v in ours] == [v is None for v in values], name
        np.testing.assert_allclose(
            [v for v in ours if v is not None], [v for v in values if v is not None], rtol=1e-6, err_msg=name
        )


@pytest.mark.parametrize("include_current", [False, True])
@settings(deadline=None, max_examples=60)
@given(table=TABLES)
def test_every_feature_equals_the_naive_double_loop(include_current, table):
    spec = spec_for(table, include_current=include_current).selected(
        [c.name for c in spec_for(table, include_current=include_current).columns if c.kind == "numeric"]
    )
    features = window_features(table, spec=spec, threads=1)
    expected = naive_features(rows_of(table), spec)
    assert_same(features, expected)


@pytest.mark.parametrize("include_current", [False, True])
def test_every_window_equals_a_range_frame_in_sql(include_current):
    rng = np.random.default_rng(3)
    table = random_table(rng, rows=400, seconds=150)
    holes = pa.array(rng.random(400) < 0.1)
    table = table.set_column(1, "card_id", pc.if_else(holes, pa.scalar(None, pa.string()), table["card_id"]))
    spec = spec_for(table, include_current=include_current)
    spec = spec.selected([column.name for column in spec.columns if column.aggregate in SQL])
    assert_same(window_features(table, spec=spec, threads=2), sql_features(table, spec))


def test_window_excludes_the_row_itself_and_its_ties():
    table = table_of([transaction(s, "a", 1, 100, 0, 5) for s in (0, 3, 3, 3)])
    features = window_features(table, spec=spec_for(table), threads=1)
    assert features["card_5s_count"].to_pylist() == [0, 1, 1, 1]


def test_window_includes_the_row_itself_and_its_ties_when_asked():
    table = table_of([transaction(s, "a", 1, 100, 0, 5) for s in (0, 3, 3, 5)])
    features = window_features(table, spec=spec_for(table, include_current=True), threads=1)
    assert features["card_5s_count"].to_pylist() == [1, 3, 3, 3]


def test_window_begins_exactly_its_length_ago():
    table = table_of([transaction(s, "a", 1, 100, 0, 5) for s in (0, 5, 6)])
    features = window_features(table, spec=spec_for(table), threads=1)
    assert features["card_5s_count"].to_pylist() == [0, 1, 1]


def test_a_label_counts_only_after_it_became_available_even_with_the_current_row():
    rows = [transaction(0, "a", 1, 100, 1, 4), *(transaction(s, "b", 1, 100, None, 0) for s in (3, 4, 5, 9, 10))]
    table = table_of(rows)
    for include_current in (False, True):
        features = window_features(table, spec=spec_for(table, include_current=include_current), threads=1)
        assert features["merchant_5s_fraud_count"].to_pylist() == [0, 0, 0, 1, 1, 0]
        rates = features["merchant_5s_fraud_rate"].to_numpy()
        assert np.isnan(rates[[0, 1, 2, 5]]).all()
        assert (rates[[3, 4]] == 1).all()


def test_an_empty_window_counts_zero_and_has_no_mean():
    features = window_features(table_of([transaction(0, "a", 1, 5, 0, 0)]), spec=spec_for(table_of([])), threads=1)
    assert features["card_5s_count"].to_pylist() == [0]
    assert features["card_5s_amount_sum"].to_pylist() == [0]
    for name in ("card_5s_amount_mean", "card_5s_amount_max", "card_5s_fraud_rate", "card_seconds_since_last"):
        assert np.isnan(features[name][0].as_py())


def test_a_null_entity_has_no_features_and_forms_no_group():
    table = table_of([transaction(s, None, 1, 100, 0, 0) for s in (0, 1, 2)])
    features = window_features(table, spec=spec_for(table), threads=1)
    of_card = [name for name in features.column_names if name.startswith("card_")]
    assert all(v is None or np.isnan(v) for name in of_card for v in features[name].to_pylist())
    assert features["merchant_5s_count"].to_pylist() == [0, 1, 2]


def test_counts_are_int32_and_other_numbers_float32():
    table = table_of([transaction(s, None, 1, 100, 0, 0) for s in (0, 1)])
    spec = spec_for(table)
    schema = window_features(table, spec=spec, threads=1).schema
    for column in spec.columns:
        assert str(schema.field(column.name).type) == {"float32": "float"}.get(column.dtype, column.dtype)
    assert {c.dtype for c in spec.columns if c.name.endswith(("count", "cards", "merchants"))} == {"int32"}


def test_sums_are_exact_where_floats_are_not():
    minor = [2**60 + 1, 2**60 + 3, 2**60 + 5]
    table = table_of([transaction(s, "a", 1, m, 0, 0) for s, m in enumerate([*minor, 0])])
    features = window_features(table, spec=spec_for(table), threads=1)
    deviation = features["card_5s_amount_std"][3].as_py()
    assert deviation == np.float32(0.02)
    assert features["card_5s_amount_sum"][3].as_py() == np.float32(sum(minor) / 100)


def test_a_sum_beyond_63_bits_is_an_error_and_never_wraps():
    table = table_of([transaction(s, "a", 1, 2**62, 0, 0) for s in (0, 1, 2)])
    with pytest.raises(ValueError, match=r"must sum to less than 2\^63 minor units"):
        window_features(table, spec=spec_for(table), threads=1)


def test_amounts_that_never_meet_in_a_window_do_not_overflow():
    table = table_of([transaction(s, "a", 1, 2**62, 0, 0) for s in (0, 30, 60)])
    features = window_features(table, spec=spec_for(table), threads=1)
    assert features["card_5s_count"].to_pylist() == [0, 0, 0]


@settings(deadline=None, max_examples=25)
@given(table=TABLES, seed=st.integers(0, 2**32 - 1))
def test_row_order_changes_nothing(table, seed):
    order = np.random.default_rng(seed).permutation(table.num_rows)
    spec = spec_for(table)
    permuted = window_features(table.take(order), spec=spec, threads=1)
    assert_same_bits(permuted, window_features(table, spec=spec, threads=1).take(order))


@pytest.mark.parametrize("in_order", [True, False])
def test_any_number_of_threads_gives_the_same_bits(monkeypatch, in_order):
    table = random_table(np.random.default_rng(5), rows=3000, seconds=900)
    table = table.sort_by("event_time") if in_order else table.take(np.random.default_rng(6).permutation(3000))
    spec = spec_for(table, entities=["card+merchant", "merchant", "card"])
    whole = window_features(table, spec=spec, threads=1)
    monkeypatch.setattr("features.windows.groups.CHUNK_ROWS", 64)
    monkeypatch.setattr("features.windows.groups.ROW_BLOCK", 100)
    for threads in (1, 2, 3, 7):
        assert_same_bits(window_features(table, spec=spec, threads=threads), whole)


@pytest.mark.parametrize("partitions", [2, 5])
@pytest.mark.parametrize("entity", ["card", "merchant", "card+merchant"])
def test_partitions_by_entity_hash_give_the_same_bits(entity, partitions):
    table = random_table(np.random.default_rng(8), rows=500, seconds=200)
    spec = spec_for(table, entities=["card", "merchant", "card+merchant"])
    own = [c.name for c in spec.columns if c.entity == tuple(f"{e}_id" for e in entity.split("+"))]
    spec = spec.selected({*own} - {*spec.needing_all})
    keys = zip(*(table[name].to_pylist() for name in spec.entities[0]), strict=True)
    part = np.array([sum(map(ord, str(key))) % partitions for key in keys])
    whole = window_features(table, spec=spec, threads=1)
    for number in range(partitions):
        rows = np.flatnonzero(part == number)
        assert_same_bits(window_features(table.take(rows), spec=spec, threads=2), whole.take(rows))


def test_what_needs_all_rows_is_named_and_bears_no_partition_by_its_entity():
    table = random_table(np.random.default_rng(8), rows=500, seconds=200)
    spec = spec_for(table)
    part = table.filter(pc.equal(table["merchant_id"], 2))
    whole = window_features(table, spec=spec, threads=1).filter(pc.equal(table["merchant_id"], 2))
    alone = window_features(part, spec=spec, threads=1)
    merchant = [name for name in spec.numeric if name.startswith("merchant_")]
    assert [name for name in merchant if alone[name].to_numpy().tobytes() != whole[name].to_numpy().tobytes()] == [
        name for name in merchant if "compromised" in name and name in spec.needing_all
    ]


def test_a_card_is_compromised_once_a_fraud_elsewhere_since_its_visit_is_known_and_while_the_visit_is_recent():
    visits = [transaction(0, "a", 1, 100, 0, 0), transaction(0, "b", 1, 100, 0, 0)]
    elsewhere = [transaction(3, "a", 2, 100, 1, 4), transaction(3, "b", 2, 100, 0, 1)]
    probes = [transaction(s, None, 1, 100, None, 0) for s in (4, 7, 8, 20, 21)]
    table = table_of([*visits, *elsewhere, *probes])
    features = window_features(table, spec=spec_for(table), threads=1)
    assert features["merchant_20s_compromised_cards"].to_pylist()[4:] == [0, 0, 1, 1, 0]
    np.testing.assert_array_equal(features["merchant_20s_compromised_card_share"][4:], [0, 0, 0.5, 0.5, np.nan])


def test_frauds_before_the_visit_here_or_nowhere_compromise_no_card():
    frauds = [transaction(0, "a", 2, 100, 1, 0), *(transaction(s, "a", m, 100, 1, 0) for s, m in ((2, 2), (3, 1)))]
    table = table_of([*frauds, transaction(2, "a", 1, 100, 0, 0), transaction(4, "a", None, 100, 1, 0)])
    table = pa.concat_tables([table, table_of([transaction(9, "b", 1, 100, None, 0)])])
    features = window_features(table, spec=spec_for(table), threads=1)
    assert features["merchant_20s_compromised_cards"].to_pylist()[-1] == 0


@settings(deadline=None, max_examples=15)
@given(table=TABLES, shift=st.integers(1, 10**12))
def test_windows_are_lengths_of_time_wherever_the_clock_stands(table, shift):
    later = table_of(
        [row | {k: row[k] and row[k] + shift for k in ("event_time", "label_available_at")} for row in rows_of(table)]
    )
    spec = spec_for(table, calendar=[])
    assert_same_bits(window_features(later, spec=spec, threads=1), window_features(table, spec=spec, threads=1))


def test_ids_of_any_kind_give_the_same_features():
    table = random_table(np.random.default_rng(1), rows=200)
    spec = spec_for(table, identities=[])
    expected = window_features(table, spec=spec, threads=1)
    place = table.column_names.index("merchant_id")
    merchants = table["merchant_id"]
    wide = pc.multiply(pc.subtract(merchants, 1), 2**60)
    top = pc.add(merchants.cast(pa.uint64()), pa.scalar(2**64 - 4, pa.uint64()))
    for ids in (
        merchants.cast(pa.int8()),
        pc.add(merchants.cast(pa.int8()), -128),
        pc.add(merchants, pa.scalar(-(2**63), pa.int64())),
        top,
        wide,
        merchants.cast(pa.large_string()),
        wide.dictionary_encode(),
    ):
        given = table.set_column(place, "merchant_id", ids)
        assert_same_bits(window_features(given, spec=spec, threads=1), expected)


def test_tables_in_pieces_give_the_same_features():
    table = random_table(np.random.default_rng(2), rows=90)
    spec = spec_for(table)
    pieces = pa.concat_tables([table.slice(0, 13), table.slice(13, 50), table.slice(63)])
    assert_same_bits(window_features(pieces, spec=spec, threads=2), window_features(table, spec=spec, threads=2))


def test_data_without_entities_keeps_amount_calendar_and_its_own_columns():
    table = pa.table({"event_time": pa.array([START], pa.timestamp("us", "UTC")), "amount": [1.5], "V1": [None]})
    spec = feature_spec(FeaturesConfig(), columns=table.column_names, numeric=["V1"])
    features = window_features(table, spec=spec, threads=1)
    assert features.column_names == ["amount", "hour", "weekday", "night", "weekend", "V1"]
    assert spec.absent == ("card", "merchant", "card+merchant")
    assert np.isnan(features["V1"][0].as_py())


def test_every_fault_of_a_table_is_said_at_once():
    table = random_table(np.random.default_rng(2)).drop_columns(["card_id", "amount_minor"])
    naive = table.set_column(0, "event_time", table["event_time"].cast(pa.timestamp("ms", "UTC")))
    spec = spec_for(random_table(np.random.default_rng(2)))
    with pytest.raises(ValueError, match=r"(?s)3 faults.*'amount_minor'.*'card_id'.*must be timestamp\[us\]"):
        window_features(naive, spec=spec, threads=1)


def test_seconds_are_exact_over_years():
    rows = [transaction(0, "a", 1, 1, 0, 0), transaction(0, "a", 1, 1, 0, 0)]
    rows[1]["event_time"] += 10 * 365 * 86_400 * SECOND + 7
    table = table_of(rows)
    seconds = window_features(table, spec=spec_for(table), threads=1)["card_seconds_since_last"][1].as_py()
    assert seconds == np.float32(10 * 365 * 86_400 + 7e-6)


@settings(deadline=None, max_examples=40)
@given(table=TABLES)
def test_a_horizon_ends_what_aggregates_without_a_window_look_back_on(table):
    spec = spec_for(table, horizon="7s", aggregates={"card": PAST, "merchant": PAST[:-1], "card+merchant": PAST[:-1]})
    spec = spec.selected(spec.numeric)
    assert_same(window_features(table, spec=spec, threads=1), naive_features(rows_of(table), spec))
