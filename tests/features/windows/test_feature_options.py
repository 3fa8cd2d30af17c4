import pytest

from features.times import DAY
from features.windows.feature_options import ANY_ENTITY, DEFAULT_AGGREGATES, FeaturesConfig, split_entry


def test_every_fault_of_the_section_is_said_at_once():
    with pytest.raises(
        ValueError, match=r"(?s)'Card'.*'x' is not in entities.*'cunt'.*no window.*longer than 0"
    ) as error:
        FeaturesConfig(
            entities=["card", "Card"], windows=["0d"], aggregates={"card": ["cunt", "7d_first_seen"], "x": ["count"]}
        )
    assert "entities" in str(error.value)


def test_a_card_is_never_a_model_input():
    with pytest.raises(ValueError, match="a card is never a model input"):
        FeaturesConfig(identities=["card"])


def test_an_entity_that_is_not_listed_has_its_default():
    config = FeaturesConfig(entities=["card", "device"], aggregates={"card": ["count"]})
    assert config.aggregates == {"card": ("count",), "device": ANY_ENTITY}
    assert FeaturesConfig(entities=["merchant"]).aggregates == {"merchant": DEFAULT_AGGREGATES["merchant"]}


def test_an_entry_may_carry_its_own_window():
    assert split_entry("90d_count") == (90 * DAY, "count")
    assert split_entry("fraud_rate") == (None, "fraud_rate")


def test_a_default_may_count_an_entity_that_is_left_out_but_an_own_list_may_not():
    assert FeaturesConfig(entities=["card"]).single_entities == ("card",)
    with pytest.raises(ValueError, match=r"aggregates\.card: must be one of .*, got 'devices'"):
        FeaturesConfig(entities=["card"], aggregates={"card": ["devices"]})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"entities": ["card+card"]}, "'card\\+card' names an id twice"),
        ({"entities": ["a+b", "b+a"]}, "entities: each entity once"),
        ({"windows": ["1d", "24h"]}, "windows: each length once"),
        ({"calendar": ["year"]}, "calendar: must be one of hour, weekday, night, weekend, got 'year'"),
        ({"aggregates": {"card": ["count", "count"]}}, "aggregates.card: each aggregate once"),
        ({"aggregates": {"card": ["0d_count"]}}, "a window must be longer than 0, got '0d_count'"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        FeaturesConfig(**given)
