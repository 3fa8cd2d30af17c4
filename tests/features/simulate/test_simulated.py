import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from features.simulate.episodes import KINDS, SCHEMES, SHIFT_DAY
from features.simulate.simulated import MINIMUM_ROWS, Simulation, simulate_transactions
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features

DAY = 86_400_000_000
CATEGORICAL = ["merchant_category", "merchant_region", "channel"]
COLUMNS = [
    "transaction_id", "event_time", "card_id", "merchant_id", "amount", "label", "label_available_at",
    "merchant_category", "merchant_region", "channel", "distance_km",
]  # fmt: skip


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_transactions(120_000, seed=5)


def labels_of(simulation: Simulation) -> np.ndarray:
    return simulation.transactions["label"].to_numpy()


def micros(simulation: Simulation, name: str) -> np.ndarray:
    return simulation.transactions[name].cast(pa.int64()).to_numpy()


def kinds_of(simulation: Simulation) -> np.ndarray:
    return simulation.scheme.indices.to_numpy()


@given(seed=st.integers(0, 2**32), rows=st.integers(MINIMUM_ROWS, 4_000))
@settings(max_examples=5, deadline=None)
def test_the_same_seed_gives_the_same_bits(seed, rows):
    first, second = simulate_transactions(rows, seed=seed), simulate_transactions(rows, seed=seed)
    assert first.transactions.num_rows == rows
    assert first.transactions.equals(second.transactions)
    assert first.true_probability.tobytes() == second.true_probability.tobytes()
    assert first.scheme.equals(second.scheme)


def test_another_seed_gives_other_transactions():
    first, second = (simulate_transactions(2_000, seed=seed).transactions for seed in (1, 2))
    assert not first.equals(second)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_prevalence_is_within_a_tenth_of_a_point_of_1_8_percent(seed):
    labels = labels_of(simulate_transactions(100_000, seed=seed))
    assert abs(labels.mean() - 0.018) < 0.0001


def test_columns_are_those_of_the_preset_in_canonical_types(simulation):
    table = simulation.transactions
    moment = pa.timestamp("us", tz="UTC")
    assert table.column_names == COLUMNS
    assert [table[name].type for name in COLUMNS[:7]] == [
        pa.int64(), moment, pa.string(), pa.string(), pa.float64(), pa.int8(), moment,
    ]  # fmt: skip
    assert all(table[name].null_count == 0 for name in COLUMNS[:-1])


def test_ids_are_unique_times_sorted_and_amounts_whole_cents(simulation):
    amount = simulation.transactions["amount"].to_numpy()
    assert len(pc.unique(simulation.transactions["transaction_id"])) == 120_000
    assert (np.diff(micros(simulation, "event_time")) >= 0).all()
    assert amount.min() > 0
    np.testing.assert_array_equal(amount, np.round(amount, 2))


def test_the_rows_cover_half_a_year_from_the_first_of_january(simulation):
    day = (micros(simulation, "event_time") - 1_704_067_200_000_000) // DAY
    assert (day.min(), day.max()) == (0, 182)
    per_fortnight = np.bincount(day // 14)[:13] / np.diff([*range(0, 182, 14), 182]).clip(1)
    assert per_fortnight.max() / per_fortnight.min() < 1.15


def test_no_label_is_known_before_its_event_and_the_tail_is_long(simulation):
    delay = (micros(simulation, "label_available_at") - micros(simulation, "event_time")) / DAY
    assert delay.min() > 0
    assert (delay < 7).mean() > 0.9
    assert 0.0005 < (delay > 60).mean() < 0.02


def test_distance_is_missing_exactly_online(simulation):
    table = simulation.transactions
    assert pc.all(pc.equal(pc.is_null(table["distance_km"]), pc.equal(table["channel"], "online"))).as_py()


def test_a_card_buys_about_once_a_day_at_any_size(simulation):
    for sample in (simulation, simulate_transactions(30_000, seed=5)):
        cards = len(pc.unique(sample.transactions["card_id"]))
        assert 0.9 < sample.transactions.num_rows / cards / 183 < 1.1


def test_labels_are_drawn_with_their_true_probability(simulation):
    labels, probability = labels_of(simulation), simulation.true_probability
    for low, high in [(0, 1e-4), (1e-4, 1e-3), (1e-3, 0.01), (0.01, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1)]:
        bin_ = (probability >= low) & (probability < high)
        expected, spread = probability[bin_].sum(), np.sqrt((probability * (1 - probability))[bin_].sum())
        assert abs(labels[bin_].sum() - expected) < 3.5 * spread + 1, (low, high)


def test_true_probability_holds_within_every_scheme(simulation):
    labels, probability, kinds = labels_of(simulation), simulation.true_probability, kinds_of(simulation)
    for code, name in enumerate(KINDS):
        own = probability[kinds == code]
        spread = np.sqrt((own * (1 - own)).sum())
        assert abs(labels[kinds == code].sum() - own.sum()) < 3.5 * spread + 1, name


def test_every_scheme_and_every_honest_double_is_there(simulation):
    labels, kinds = labels_of(simulation), kinds_of(simulation)
    for code, scheme in enumerate(SCHEMES, start=1):
        assert (kinds == code).sum() > 100, scheme.name
        rate = labels[kinds == code].mean()
        assert rate > 0.5 if scheme.fraud else rate < 0.1, scheme.name


def test_small_frauds_go_unreported_more_often_than_large_ones(simulation):
    amount = simulation.transactions["amount"].to_numpy()
    probability = simulation.true_probability
    assert probability[amount < 2].max() < 0.82
    assert 0.95 < probability[amount > 50].max() < 0.98


def test_honest_purchases_are_disputed_mostly_where_nothing_is_handed_over(simulation):
    labels, probability = labels_of(simulation), simulation.true_probability
    honest = ~np.isin(kinds_of(simulation), [code for code, scheme in enumerate(SCHEMES, start=1) if scheme.fraud])
    subscription, grocery = (
        honest & pc.equal(simulation.transactions["merchant_category"], name).to_numpy()
        for name in ("subscription", "grocery")
    )
    assert 0.1 < labels[honest].sum() / labels.sum() < 0.4
    assert np.median(probability[subscription]) > 5 * np.median(probability[grocery])


def test_compromised_merchants_stand_out_from_the_rest(simulation):
    table, everyday = simulation.transactions, kinds_of(simulation) == 0
    codes = table["merchant_id"].combine_chunks().dictionary_encode().indices.to_numpy()[everyday]
    frauds = np.sort(np.bincount(codes, weights=labels_of(simulation)[everyday]))[::-1]
    assert frauds[: frauds.size // 20].sum() > 0.68 * frauds.sum()


def test_fraud_is_neither_hidden_nor_read_off_by_a_linear_model(simulation):
    table = simulation.transactions
    labels, time = labels_of(simulation), micros(simulation, "event_time")
    inputs = linear_inputs(table)
    test = time > time.max() - 33 * DAY
    train = ~test & (micros(simulation, "label_available_at") < time.max() - 33 * DAY)
    model = LogisticRegression(C=1.0, solver="newton-cholesky").fit(inputs[train], labels[train])
    margin = model.decision_function(inputs[test])
    assert 0.84 < roc_auc_score(labels[test], margin) < 0.93
    assert 0.08 < average_precision_score(labels[test], margin) < 0.4


def test_even_the_true_probability_does_not_separate_the_classes(simulation):
    labels, probability = labels_of(simulation), simulation.true_probability
    assert 0.95 < roc_auc_score(labels, probability) < 0.995
    assert 0.7 < average_precision_score(labels, probability) < 0.92


def test_in_a_drifting_world_two_schemes_change_on_one_day_and_fraud_grows(simulation):
    drifted = simulate_transactions(120_000, seed=5, scenario="drift")
    begun = micros(simulation, "event_time").min() // DAY * DAY
    late = micros(drifted, "event_time") >= begun + SHIFT_DAY * DAY
    kinds, amounts = kinds_of(drifted), drifted.transactions["amount"].to_numpy()
    for name, changes in {"takeover": (3.0, 8.0), "stolen_card": (0.2, 0.6), "card_testing": (0.5, 2.0)}.items():
        own = kinds == KINDS.index(name)
        change = np.median(amounts[own & late]) / np.median(amounts[own & ~late])
        assert changes[0] < change < changes[1], name
    labels = labels_of(drifted)
    assert labels[late].mean() > 1.3 * labels[~late].mean()
    assert abs(labels.mean() - labels_of(simulation).mean()) < 1e-3


def test_every_fault_of_the_arguments_is_named():
    with pytest.raises(
        ValueError,
        match=r"rows must be at least 1,000, got 999; seed .* got -1; .*'harbor', 'drift', 'censored', got 'port'",
    ):
        simulate_transactions(999, seed=-1, scenario="port")


def test_the_sample_of_the_repository_has_the_columns_of_the_simulator():
    path = Path(__file__).parents[3] / "data" / "sample" / "transactions.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    assert len(rows) == 8_000
    assert sum(int(row["label"]) for row in rows) == 144
    assert all(row["label_available_at"] >= row["event_time"] for row in rows)


def linear_inputs(table: pa.Table) -> np.ndarray:
    """Window features on a log scale with flags where they are missing, and indicators of the categories."""
    minor = pc.cast(pc.round(pc.multiply(table["amount"], 100.0)), pa.int64())
    table = table.append_column("amount_minor", minor)
    spec = feature_spec(FeaturesConfig(), columns=table.column_names, categorical=CATEGORICAL, numeric=["distance_km"])
    made = window_features(table, spec=spec, threads=1)
    values = np.stack([made[name].to_numpy().astype(np.float64) for name in spec.numeric], axis=1)
    missing = np.isnan(values)
    scaled = np.nan_to_num(np.sign(values) * np.log1p(np.abs(values)))
    scaled = (scaled - scaled.mean(axis=0)) / (scaled.std(axis=0) + 1e-9)
    codes = [table[name].combine_chunks().dictionary_encode().indices.to_numpy() for name in CATEGORICAL]
    return np.concatenate([scaled, missing, *(np.eye(code.max() + 1)[code] for code in codes)], axis=1)
