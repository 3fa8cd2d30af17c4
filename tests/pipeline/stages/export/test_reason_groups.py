"""Groups of reasons: whatever is configured gives at most nine, every column in one, in words without ids."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.windows.feature_options import FeaturesConfig
from features.windows.spec import FeatureSpec, feature_spec
from pipeline.bundle.reason_file import read_reasons
from pipeline.bundle.signature import Signature
from pipeline.stages.export.reason_groups import COUNTERFACTUAL, LEAST_SHARE, TOP, reason_groups

LABELS = ("event_time", "amount", "label", "label_available_at")


def spec_of(
    *entities: str, categorical: tuple[str, ...] = (), numeric: tuple[str, ...] = (), **features: Any
) -> FeatureSpec:
    ids = [f"{part}_id" for entity in entities for part in entity.split("+")]
    columns = [*LABELS, *ids, *categorical, *numeric]
    config = FeaturesConfig(entities=entities, **features)
    return feature_spec(config, columns=columns, categorical=categorical, numeric=numeric)


def by_code(spec: FeatureSpec) -> dict[str, dict[str, Any]]:
    return {group["code"]: group for group in reason_groups(spec)}


def check(spec: FeatureSpec) -> None:
    """Reads the groups as a bundle's would be: the reader refuses whatever is not in one group once."""
    signature = Signature(spec.numeric, spec.categorical, ("probability",))
    row = dict.fromkeys(spec.numeric, 0.0) | dict.fromkeys(spec.categorical, "x")
    values = {"format": 1, "top": TOP, "least_share": LEAST_SHARE, "counterfactual": COUNTERFACTUAL, "rule": "None."}
    read_reasons({**values, "groups": reason_groups(spec), "references": [row] * 8}, signature)


def test_the_default_has_nine_groups_by_entity_and_kind() -> None:
    groups = by_code(spec_of("card", "merchant", "card+merchant"))
    assert set(groups) == {
        *("AMOUNT", "TIME", "CARD_AMOUNTS", "CARD_ACTIVITY", "CARD_FRAUDS", "CARD_MERCHANT_ACTIVITY"),
        *("MERCHANT_AMOUNTS", "MERCHANT_ACTIVITY", "MERCHANT_FRAUDS"),
    }
    assert "merchant_id" in groups["MERCHANT_ACTIVITY"]["columns"]
    assert groups["CARD_FRAUDS"]["columns"] == ["card_30d_fraud_count"]
    assert "card_7d_merchants" in groups["CARD_ACTIVITY"]["columns"]


def test_the_cards_usual_value_stands_beside_the_payments() -> None:
    groups = by_code(spec_of("card"))
    assert groups["CARD_AMOUNTS"]["usual"] == {"column": "card_30d_amount_mean", "times": 1.0, "digits": 2}
    assert groups["CARD_ACTIVITY"]["value"]["column"] == "card_1d_count"
    assert groups["CARD_ACTIVITY"]["usual"] == {"column": "card_30d_count", "times": 1 / 30, "digits": 1}


def test_data_without_ids_has_the_payments_own_reasons() -> None:
    features = tuple(f"v{n}" for n in range(28))
    groups = by_code(spec_of("card", numeric=features).selected({"amount", "hour", *features}))
    assert set(groups) == {"AMOUNT", "TIME", "DETAILS"}
    assert groups["AMOUNT"]["usual"] is None


def test_declared_columns_have_reasons_of_their_own_where_there_is_room() -> None:
    groups = by_code(spec_of("card", categorical=("channel",), numeric=("distance_km",)))
    assert {"DETAIL_CHANNEL", "DETAIL_DISTANCE_KM"} <= set(groups)
    assert groups["DETAIL_CHANNEL"]["details"] == {"channel": "channel"}
    assert groups["DETAIL_DISTANCE_KM"]["details"] == {"distance_km": "distance km"}


def test_time_and_details_are_one_reason_before_an_entitys_kinds_are() -> None:
    groups = by_code(spec_of("card", "merchant", "card+merchant", categorical=("channel", "terminal_id")))
    assert len(groups) == 9
    assert groups["CIRCUMSTANCES"]["details"] == {"hour": "hour (UTC)", "channel": "channel"}
    assert {"CARD_FRAUDS", "MERCHANT_FRAUDS", "CARD_MERCHANT"} <= set(groups)


def test_entities_of_the_end_lose_their_kinds_first() -> None:
    groups = by_code(spec_of("card", "merchant", "device", "card+merchant"))
    assert {"CARD_AMOUNTS", "CARD_ACTIVITY", "CARD_FRAUDS", "MERCHANT_USE", "MERCHANT_FRAUDS", "DEVICE"} <= set(groups)
    assert "TIME" in groups


def test_a_dozen_entities_still_have_nine_reasons() -> None:
    spec = spec_of("card", *(f"other{n}" for n in range(12)), categorical=("channel",))
    groups = by_code(spec)
    assert len(groups) == 9
    assert groups["OTHERS"]["columns"]
    check(spec)


def test_names_that_differ_in_odd_characters_alone_have_codes_of_their_own() -> None:
    groups = by_code(spec_of("card", numeric=("a b", "a-b", "{value}", "é")))
    assert {"DETAIL_A_B", "DETAIL_A_B_2", "DETAIL_VALUE", "DETAIL_COLUMN"} <= set(groups)
    assert "{value}" not in groups["DETAIL_VALUE"]["subject"]


def test_sentences_hold_no_column_of_ids(small_run: Path) -> None:
    spec = FeatureSpec.from_json((small_run / "features" / "spec.json").read_text())
    assert [group for group in reason_groups(spec) if "_id" in json.dumps({**group, "columns": []})] == []


WINDOWED = ("count", "amount_mean", "amount_zscore", "fraud_rate", "fraud_count", "seconds_since_last", "first_seen")
ENTITIES = ("card", "merchant", "card+merchant", "device", "terminal", "card+device", "ip")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(ENTITIES), min_size=1, max_size=7, unique=True),
    st.lists(st.sampled_from(WINDOWED), min_size=1, max_size=4, unique=True),
    st.lists(st.sampled_from(("hour", "night")), max_size=2, unique=True),
    st.lists(st.text(min_size=1, max_size=120), max_size=9, unique=True),
)
def test_any_specification_gives_groups_that_a_bundle_can_hold(
    entities: list[str], aggregates: list[str], calendar: list[str], declared: list[str]
) -> None:
    taken = {*LABELS, "hour", "night"}
    extras = tuple(name for name in declared if name not in taken and not name.startswith(("card", "merchant")))
    features = {"aggregates": dict.fromkeys(entities, tuple(aggregates)), "calendar": tuple(calendar)}
    check(spec_of(*entities, numeric=extras[::2], categorical=extras[1::2], **features))


@pytest.mark.parametrize(("aggregate", "start"), [("fraud_rate", "Frauds among what became known of this card in the")])
def test_a_share_is_shown_in_percent(aggregate: str, start: str) -> None:
    group = by_code(spec_of("card", aggregates={"card": (aggregate,)}))["CARD_FRAUDS"]
    assert group["sentence"].startswith(start)
    assert group["value"] == {"column": "card_30d_fraud_rate", "times": 100.0, "digits": 1}
