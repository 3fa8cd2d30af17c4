import pytest

from features.windows.aggregates import AGGREGATES, Aggregate
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from tests.fixtures.random_tables import SCHEMA, table_of, transaction
from tests.oracles import windows_naive


def test_a_new_aggregate_is_one_entry(monkeypatch):
    spread = Aggregate(
        lambda chunk, window: chunk.extremes(window, largest=True) - chunk.extremes(window, largest=False),
        "largest minus smallest amount of {rows}",
        of="amount",
        money=True,
    )
    monkeypatch.setitem(AGGREGATES, "amount_range", spread)
    table = table_of([transaction(s, "a", 1, minor, 0, 0) for s, minor in ((0, 100), (1, 350), (2, 1))])
    spec = feature_spec(FeaturesConfig(aggregates={"card": ["5s_amount_range"]}), columns=table.column_names)
    features = window_features(table, spec=spec, threads=1)
    assert features["card_5s_amount_range"].to_pylist()[2] == 2.5
    column = next(column for column in spec.columns if column.name == "card_5s_amount_range")
    assert column.definition == (
        "largest minus smallest amount of rows of the same card_id with event_time in [t - 5s, t)"
    )


def test_every_aggregate_has_a_double_loop_that_it_is_held_to():
    assert set(AGGREGATES) == set(windows_naive.AGGREGATES)


@pytest.mark.parametrize("name", AGGREGATES)
def test_whatever_reads_labels_or_compares_with_the_row_sees_only_the_past(name):
    aggregate = AGGREGATES[name]
    assert aggregate.past_only or aggregate.of in (None, "amount")
    assert (aggregate.of == "label") == (aggregate.clock == "label_available_at")
    assert aggregate.of is None or aggregate.of in SCHEMA.names
