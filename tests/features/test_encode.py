import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.encode import Encoder, fit_encoder
from features.encoding_options import EncodingConfig

SETTINGS = EncodingConfig(min_count=2, max_categories=3, hash_buckets=4, knots=5)


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


def test_codes_stay_below_the_size():
    table = feature_table()
    encoder = encoder_of(table)
    assert encoder.apply(table).categorical.max() < encoder.sizes[0]


def test_no_row_in_train_is_refused():
    table = feature_table()
    later = table.filter(pa.array([fold == "test" for fold in table["fold"].to_pylist()]))
    with pytest.raises(ValueError, match="fold 'train' must have rows to fit the encoder on, got 0 of 25"):
        encoder_of(later)


def test_missing_columns_are_named_together():
    table = feature_table()
    with pytest.raises(ValueError, match="2 columns missing in the feature table: 'count', 'kind'"):
        encoder_of(table).apply(table.drop_columns(["count", "kind"]))


def test_a_row_weighs_what_its_label_stands_for_and_one_where_nothing_is_said():
    table = feature_table()
    encoder = fit_encoder(table, numeric=["amount"], categorical=["kind"], settings=SETTINGS)
    assert (encoder.apply(table).weight == 1).all()
    weight = np.linspace(1, 3, table.num_rows, dtype=np.float32)
    np.testing.assert_array_equal(encoder.apply(table.append_column("label_weight", [weight])).weight, weight)
