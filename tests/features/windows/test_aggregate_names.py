import re

import pytest

from features.windows.aggregate_names import aggregate_named, known_names
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import FeatureSpec, feature_spec
from tests.fixtures.random_tables import SCHEMA


def spec_of(*card):
    return feature_spec(FeaturesConfig(entities=["card", "merchant"], aggregates={"card": card}), columns=SCHEMA.names)


def test_the_plural_of_an_entity_counts_its_ids_and_nothing_else_does():
    assert aggregate_named("merchants", entities=("merchant",)).of == "merchant_id"
    assert aggregate_named("merchants", entities=("card",)) is None
    assert aggregate_named("merchant", entities=("merchant",)) is None


def test_an_id_is_compared_only_with_that_of_an_entity_at_hand():
    assert aggregate_named("previous_2_same_merchant", entities=("merchant",)).of == "merchant_id"
    assert aggregate_named("previous_2_same_merchant", entities=("card",)) is None


def test_what_follows_ids_to_other_groups_says_that_it_needs_all_rows():
    for name in ("compromised_cards", "compromised_card_share"):
        aggregate = aggregate_named(name, entities=("card",))
        assert (aggregate.of, aggregate.needs, aggregate.reads_labels) == ("card_id", "all", True)
        assert aggregate_named(name, entities=("merchant",)) is None
    assert {aggregate_named(name, entities=("card",)).needs for name in ("cards", "fraud_rate", "count")} == {"group"}


@pytest.mark.parametrize(
    "name",
    [
        "previous_0_seconds",
        "previous_10_seconds",
        "previous_seconds",
        "fraud_rate_0_at_50bp",
        "fraud_rate_020_at_50bp",
        "fraud_rate_20_at_050bp",
        "fraud_rate_20_at_10000bp",
        "fraud_rate_2_at_5bp_",
    ],
)
def test_a_number_out_of_bounds_or_written_in_a_second_way_names_nothing(name):
    assert aggregate_named(name, entities=()) is None


@pytest.mark.parametrize("name", ["previous_3_amount_ratio", "previous_3_seconds", "fraud_rate_20_at_50bp"])
def test_what_carries_a_number_sees_only_the_past(name):
    aggregate = aggregate_named(name, entities=())
    assert aggregate.past_only
    assert (aggregate.of == "label") == (aggregate.clock == "label_available_at")


def test_two_numbers_of_one_kind_stand_side_by_side_and_survive_json():
    spec = spec_of("30d_fraud_rate_20_at_50bp", "30d_fraud_rate_5_at_100bp", "previous_1_seconds", "previous_2_seconds")
    own = [column for column in spec.columns if column.entity == ("card_id",)]
    assert [column.name for column in own] == [
        "card_30d_fraud_rate_20_at_50bp",
        "card_30d_fraud_rate_5_at_100bp",
        "card_previous_1_seconds",
        "card_previous_2_seconds",
    ]
    assert FeatureSpec.from_json(spec.to_json()) == spec


def test_a_definition_says_every_number_and_the_rows():
    said = {
        column.name: column.definition for column in spec_of("30d_fraud_rate_20_at_50bp", "previous_2_seconds").columns
    }
    assert said["card_30d_fraud_rate_20_at_50bp"] == (
        "(fraud labels + 20 * 0.0050) / (labels + 20) of "
        "rows of the same card_id with label_available_at in [t - 30d, t)"
    )
    assert said["card_previous_2_seconds"] == (
        "seconds since the last but 1 of the different event_time of rows of the same card_id with event_time < t, "
        "missing where there are fewer"
    )


def test_a_message_names_every_form():
    names = known_names(("merchant",))
    assert {"last_label", "previous_{k}_seconds", "merchants", "previous_{k}_same_merchant"} <= {*names}
    with pytest.raises(ValueError, match=re.escape("fraud_rate_{labels}_at_{rate}bp")):
        FeaturesConfig(aggregates={"card": ["fraud_rate_20"]})
    with pytest.raises(ValueError, match="'previous_1_seconds' takes no window, got '7d_previous_1_seconds'"):
        FeaturesConfig(aggregates={"card": ["7d_previous_1_seconds"]})
