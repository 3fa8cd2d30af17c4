import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.encode import Encoder, fit_encoder
from features.encoding_options import EncodingConfig
from features.scaling import fit_scaling, quantile_knots, signed_log
from features.vocabulary import fit_vocabulary

SETTINGS = EncodingConfig(min_count=2, max_categories=3, hash_buckets=4, knots=5)


def strings(values):
    return pa.chunked_array([pa.array(values, pa.string())])


def feature_table(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(3, 2, rows).astype(np.float32)
    amount[rng.random(rows) < 0.2] = np.nan
    return pa.table(
        {
            "event_time": pa.array(np.arange(rows) * 1_000_000, pa.timestamp("us", "UTC")),
            "label": pa.array([None if i % 7 == 0 else i % 2 for i in range(rows)], pa.int8()),
            "fold": ["train" if i < rows // 2 else ["valid", None, "calib", "test"][i % 4] for i in range(rows)],
            "amount": amount,
            "count": pa.array([None if i % 5 == 0 else i % 3 for i in range(rows)], pa.int32()),
            "kind": [["a", "b", None, "c", "d", f"rare{i}"][i % 6] for i in range(rows)],
        }
    )


def encoder_of(table):
    return fit_encoder(table, numeric=["amount", "count"], categorical=["kind"], settings=SETTINGS)


def test_the_encoder_is_fitted_on_train_alone():
    table = feature_table()
    train = [fold == "train" for fold in table["fold"].to_pylist()]
    assert encoder_of(table.filter(pa.array(train))).to_dict() == encoder_of(table).to_dict()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_fitted_state_does_not_move_when_other_rows_change(seed):
    table = feature_table()
    rng = np.random.default_rng(seed)
    outside = np.flatnonzero(np.array(table["fold"].to_pylist()) != "train")
    source = np.arange(table.num_rows)
    source[outside] = rng.permutation(outside)
    changed = table.take(source)
    amount = changed["amount"].to_numpy().copy()
    amount[outside] = rng.lognormal(9, 1, len(outside))
    kinds = [f"new{i}" if i in set(outside) else kind for i, kind in enumerate(changed["kind"].to_pylist())]
    changed = changed.set_column(3, "amount", pa.array(amount)).set_column(5, "kind", pa.array(kinds))
    changed = changed.set_column(2, "fold", table["fold"])
    assert encoder_of(changed).to_dict() == encoder_of(table).to_dict()


def test_fitted_state_does_not_depend_on_labels_or_row_order():
    table = feature_table()
    flipped = table.set_column(1, "label", pa.array([1] * table.num_rows, pa.int8()))
    order = np.random.default_rng(0).permutation(table.num_rows)
    assert encoder_of(flipped).to_dict() == encoder_of(table.take(order)).to_dict() == encoder_of(table).to_dict()


def test_state_survives_json_and_encodes_the_same():
    table = feature_table()
    encoder = encoder_of(table)
    back = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    ours, theirs = encoder.apply(table), back.apply(table)
    assert ours.numeric.tobytes() == theirs.numeric.tobytes()
    assert (ours.categorical == theirs.categorical).all()
    assert encoder.scaling.apply(ours.numeric).tobytes() == back.scaling.apply(theirs.numeric).tobytes()


def test_numbers_stay_raw_and_missing_is_nan():
    table = feature_table()
    matrix = encoder_of(table).apply(table)
    assert matrix.numeric.dtype == np.float32
    np.testing.assert_array_equal(matrix.numeric[:, 0], table["amount"].to_numpy())
    assert np.isnan(matrix.numeric[::5, 1]).all()
    assert np.isnan(matrix.label[::7]).all()
    assert matrix.time[3] == 3_000_000


def test_a_category_that_train_never_saw_is_unknown():
    table = feature_table()
    new = pa.table({"amount": [1.0], "count": [1], "kind": ["never"]})
    assert encoder_of(table).apply(new).categorical.tolist() == [[0]]


def test_frequent_values_have_their_own_code_and_rare_ones_none():
    values = strings(["b"] * 3 + ["a"] * 3 + ["c"] * 5 + ["d"])
    vocabulary = fit_vocabulary(values, min_count=2, max_size=10, buckets=4)
    assert vocabulary.codes == {"c": 1, "a": 2, "b": 3}
    assert vocabulary.size == 4


def test_values_beyond_the_largest_size_share_buckets_and_unseen_ones_do_not():
    values = strings([f"m{i}" for i in range(100) for _ in range(2 + (i < 3))])
    vocabulary = fit_vocabulary(values, min_count=2, max_size=3, buckets=4)
    assert [vocabulary.codes[f"m{i}"] for i in range(3)] == [1, 2, 3]
    assert {vocabulary.codes[f"m{i}"] for i in range(3, 100)} == {4, 5, 6, 7}
    assert vocabulary.size == 8
    assert vocabulary.apply(strings(["m200"])).tolist() == [0]


def test_a_bucket_is_the_same_in_every_process():
    values = strings(["x", "x", "y"])
    assert fit_vocabulary(values, min_count=1, max_size=1, buckets=1000).codes == {"x": 1, "y": 2 + 671}


def test_a_missing_category_is_a_value_of_its_own():
    values = strings([None] * 5 + ["a"] * 2)
    vocabulary = fit_vocabulary(values, min_count=2, max_size=10, buckets=4)
    assert vocabulary.apply(strings([None, "", "a", "b"])).tolist() == [1, 1, 2, 0]


def test_codes_stay_below_the_size():
    table = feature_table()
    encoder = encoder_of(table)
    assert encoder.apply(table).categorical.max() < encoder.sizes[0]


@settings(deadline=None, max_examples=100)
@given(
    values=st.lists(st.floats(-(2.0**99), 2.0**99, width=32), max_size=60),
    count=st.integers(2, 12),
)
def test_knots_increase_and_are_values_of_the_column(values, count):
    column = np.array(values, np.float32)
    knots = quantile_knots(column, count=count)
    assert (np.diff(knots) > 0).all()
    assert np.isin(knots, column).all()
    assert len(values) == 0 or {column.min(), column.max()} <= set(knots.tolist())


def test_a_heavy_value_takes_one_knot_and_leaves_the_rest():
    values = np.concatenate([np.zeros(900), np.arange(1, 101)]).astype(np.float32)
    knots = quantile_knots(values, count=11)
    assert len(knots) == 11
    assert knots[0] == 0
    assert knots[-1] == 100


def test_scaling_centres_a_heavy_tail():
    values = np.random.default_rng(0).lognormal(5, 2, 5000).astype(np.float32)
    scaled = fit_scaling([values], knots=8).apply(values[:, None])
    assert abs(np.median(scaled)) < 0.01
    assert 0.8 < scaled.std() < 1.2
    assert np.abs(scaled).max() < 6


def test_a_missing_number_becomes_zero_and_an_indicator():
    columns = [np.array([1, np.nan, 3], np.float32), np.array([1, 2, 3], np.float32)]
    scaling = fit_scaling(columns, knots=4)
    scaled = scaling.apply(np.stack(columns, axis=1))
    assert scaled.shape == (3, 3)
    assert scaled[1, 0] == 0
    assert scaled[:, 2].tolist() == [0, 1, 0]


@pytest.mark.parametrize("values", [[], [5.0], [2.0, 2.0, 2.0], [np.nan, np.nan], [0.0] * 9 + [7.0]])
def test_degenerate_columns_scale_to_finite_numbers(values):
    column = np.array(values, np.float32)
    scaling = fit_scaling([column], knots=4)
    assert scaling.scale[0] > 0
    assert np.isfinite(scaling.apply(column[:, None])).all()


def test_signed_log_passes_through_zero_and_keeps_signs():
    assert signed_log(np.array([-np.e + 1, 0, np.e - 1], np.float32)).tolist() == pytest.approx([-1, 0, 1])


def test_no_row_in_train_is_refused():
    table = feature_table()
    later = table.filter(pa.array([fold == "test" for fold in table["fold"].to_pylist()]))
    with pytest.raises(ValueError, match="fold 'train' must have rows to fit the encoder on, got 0 of 25"):
        encoder_of(later)


def test_missing_columns_are_named_together():
    table = feature_table()
    with pytest.raises(ValueError, match="2 columns missing in the feature table: 'count', 'kind'"):
        encoder_of(table).apply(table.drop_columns(["count", "kind"]))
