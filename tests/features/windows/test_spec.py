import json

import pytest

from features.windows.feature_options import FeaturesConfig
from features.windows.spec import FeatureColumn, FeatureSpec, feature_spec
from tests.fixtures.random_tables import SCHEMA


def spec_for(**given):
    return feature_spec(FeaturesConfig(**{"windows": ["5s", "20s"]} | given), columns=SCHEMA.names)


def test_the_specification_survives_json():
    spec = spec_for(include_current=True)
    assert FeatureSpec.from_json(spec.to_json()) == spec
    assert json.loads(spec.to_json())["columns"][5]["window"] == "5s"


def test_a_broken_specification_is_refused():
    spec = json.loads(spec_for().to_json())
    spec["columns"][5] |= {"window": "5 days", "colour": "red"}
    with pytest.raises(ValueError, match=r"(?s)window.*colour"):
        FeatureSpec.from_json(json.dumps(spec))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"aggregate": "amount_next"}, "no aggregate is named 'amount_next'"),
        ({"window": None}, "'fraud_rate' needs a window"),
        ({"closed": "right"}, "'fraud_rate' sees only the past"),
        ({"clock": "event_time"}, "reads label by label_available_at and is float32"),
        ({"needs": "all"}, "'fraud_rate' needs 'group', got 'all'"),
    ],
)
def test_a_definition_that_would_leak_or_mean_nothing_is_refused(change, message):
    spec = spec_for()
    column = next(c for c in spec.columns if c.name == "merchant_5s_fraud_rate")
    with pytest.raises(ValueError, match=message):
        FeatureColumn(**column.model_dump(exclude={"window"}) | {"window": "5s"} | change)


def test_the_default_holds_the_handbooks_features_the_merchants_run_of_frauds_and_no_card():
    columns = ["event_time", "card_id", "merchant_id", "amount", "label", "label_available_at"]
    spec = feature_spec(FeaturesConfig(), columns=columns)
    spans = ("1d", "7d", "30d")
    handbook = {f"card_{w}_{a}" for w in spans for a in ("count", "amount_mean")}
    handbook |= {f"merchant_{w}_{a}" for w in spans for a in ("count", "fraud_rate")}
    assert handbook <= set(spec.numeric)
    runs = ("last_label", "seconds_since_last_fraud", "fraud_run_length", "fraud_run_seconds")
    assert {f"merchant_30d_{name}" for name in runs} <= set(spec.numeric)
    assert spec.categorical == ("merchant_id",)
    assert len(set(spec.names)) == len(spec.names)


def test_columns_that_the_rows_of_one_id_do_not_decide_are_off_by_default_and_named_in_the_file():
    assert spec_for().needing_all == ()
    spec = spec_for(aggregates={"merchant": ["cards", "20s_compromised_cards", "5s_compromised_card_share"]})
    assert spec.needing_all == ("merchant_20s_compromised_cards", "merchant_5s_compromised_card_share")
    written = {column["name"]: column["needs"] for column in json.loads(spec.to_json())["columns"]}
    assert {name for name, needs in written.items() if needs == "all"} == {*spec.needing_all}


def test_a_column_that_follows_ids_elsewhere_says_how():
    spec = spec_for(aggregates={"merchant": ["20s_compromised_cards"]})
    column = next(column for column in spec.columns if column.name in spec.needing_all)
    assert column.definition == (
        "number of different card_id, nulls not counted, of which a fraud label became available before t of a row of "
        "the same card_id, later than one of these rows and not of the same, nor of a null, merchant_id, in rows of "
        "the same merchant_id with event_time in [t - 20s, t)"
    )


def test_a_single_window_of_an_aggregate_is_one_entry():
    given = FeaturesConfig(aggregates={"card": ["count", "90d_amount_max"]})
    spec = feature_spec(given, columns=["event_time", "card_id", "amount"])
    assert [name for name in spec.names if name.startswith("card")] == [
        "card_1d_count",
        "card_7d_count",
        "card_30d_count",
        "card_90d_amount_max",
    ]


def test_a_declared_column_must_be_in_the_table_and_no_name_may_come_twice():
    message = r"(?s)2 of the declared columns.*'shop': declared, but.*'hour': two features have this name"
    with pytest.raises(ValueError, match=message):
        feature_spec(FeaturesConfig(), columns=["event_time", "amount", "hour"], categorical=["shop"], numeric=["hour"])


def test_labels_are_windowed_only_where_the_table_says_when_they_became_known():
    names = [name for name in SCHEMA.names if name != "label_available_at"]
    spec = feature_spec(FeaturesConfig(), columns=names)
    assert not [column.name for column in spec.columns if column.of == "label"]
    compromised = FeaturesConfig(aggregates={"merchant": ["compromised_cards"]})
    assert feature_spec(compromised, columns=names).needing_all == ()


def test_a_window_with_the_current_row_is_closed_at_its_right_end_except_where_only_the_past_counts():
    spec = spec_for(include_current=True, aggregates={"card": ["count", "amount_zscore", "fraud_rate", "first_seen"]})
    closed = {column.aggregate: column.closed for column in spec.columns if column.entity == ("card_id",)}
    assert closed == {"count": "right", "amount_zscore": "left", "fraud_rate": "left", "first_seen": "left"}
