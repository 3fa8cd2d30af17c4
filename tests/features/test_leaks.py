"""No feature, fold or fitted state sees what was not yet known; and every leak we could think of is caught."""

from functools import partial

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from features import encode, split
from features.encoding_options import EncodingConfig
from features.split import SplitConfig
from features.windows import window_table as windows
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from tests.fixtures.planted_leaks import LEAKS
from tests.fixtures.random_tables import SCHEMA, SECOND, TABLES, random_table
from tests.oracles import leak_laws as laws

DAY = 86_400 * SECOND
ALWAYS = ["count", "amount_mean", "fraud_count", "label_count", "fraud_rate", "seconds_since_last"]
RUNS = ["last_label", "seconds_since_last_fraud", "fraud_run_length", "fraud_run_seconds"]
COMPROMISED = ["compromised_cards", "compromised_card_share"]
LAST = ["previous_1_amount_ratio", "previous_2_seconds", "previous_1_same_merchant", "previous_2_same_merchant"]
CONFIG = FeaturesConfig(
    windows=["5s", "20s"],
    aggregates={
        "card": [*ALWAYS, "amount_sum", "amount_max", "amount_min", "amount_std", "amount_zscore", "merchants", *LAST],
        "merchant": [*ALWAYS, "amount_ratio", "cards", *RUNS, *COMPROMISED, "fraud_rate_3_at_500bp"],
        "card+merchant": ["count", "seconds_since_last", "first_seen"],
    },
)


SPEC = feature_spec(CONFIG, columns=SCHEMA.names)


def features_of(table):
    return windows.window_features(table, spec=SPEC, threads=1)


def state_of(features, folds):
    table = features.append_column("fold", pa.array(folds, pa.string()))
    settings = EncodingConfig(min_count=1, knots=6)
    return encode.fit_encoder(table, numeric=SPEC.numeric, categorical=SPEC.categorical, settings=settings).to_dict()


def folds_of(time, label, available, as_of):
    lengths = SplitConfig(train="30d", gap="7d", valid="7d", calib="7d", test="14d")
    return split.time_folds(time, label, available, split=lengths, delay=7 * DAY, as_of=as_of)


def late_labels(rng):
    """A hundred days in which most labels take a week and some take two months."""
    time = np.sort(rng.integers(0, 100 * DAY, 3000))
    label = (rng.random(3000) < 0.3).astype(np.float32)
    return time, label, time + np.where(rng.random(3000) < 0.8, 7, 60) * DAY


FEATURE_LAWS = [
    laws.row_order_means_nothing,
    laws.the_clock_may_start_anywhere,
    laws.later_rows_may_vanish,
    laws.later_rows_may_change,
    laws.labels_count_only_once_available,
    laws.availability_counts_only_once_past,
    laws.ties_do_not_see_one_another,
    laws.a_row_does_not_see_itself,
]
FOLD_LAWS = [laws.fits_wait_for_their_labels, laws.the_future_is_unknown_as_of_a_time]


def law_checks(seed):
    """Every law of every stage on one random data set."""
    rng = np.random.default_rng(seed)
    table = random_table(rng, rows=40, seconds=45)
    history = late_labels(rng)
    for law in FOLD_LAWS:
        yield law, partial(law, folds_of, *history)
    fitted = laws.fitted_state_comes_from_train
    yield fitted, partial(fitted, state_of, features_of(table), ["train"] * 25 + ["test"] * 15)
    for law in FEATURE_LAWS:
        yield law, partial(law, features_of, table)


def broken_laws(seed):
    """Names of the laws that do not hold, as they are found."""
    for law, check in law_checks(seed):
        try:
            check()
        except AssertionError:
            yield law.__name__


@pytest.mark.parametrize("law", FEATURE_LAWS)
@settings(deadline=None, max_examples=8)
@given(table=TABLES)
def test_features_obey_the_law_on_tables_with_ties_and_nulls(law, table):
    law(features_of, table)


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_that_was_not_planted_is_found(seed):
    assert list(broken_laws(seed)) == []


@pytest.mark.parametrize("plant", LEAKS.values(), ids=LEAKS)
def test_a_planted_leak_is_caught(plant, monkeypatch):
    plant(monkeypatch)
    assert next(broken_laws(1), None), "the leak went unnoticed"


def test_at_least_a_dozen_leaks_are_planted():
    assert len(LEAKS) >= 12
