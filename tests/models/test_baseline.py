import json
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models.baseline import LogisticBaseline, fit_logistic_baseline
from models.rows import RowArrays, taken_rows
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling
from tests.oracles import plain_network

ROWS = made_rows(800, seed=4)
SCALING = made_scaling(ROWS)


def fitted(rows=ROWS, **keywords):
    return fit_logistic_baseline(rows, scaling=SCALING, cardinalities=CARDINALITIES, **keywords)


def test_the_baseline_is_penalised_logistic_regression_on_its_documented_inputs():
    plain = SimpleNamespace(knots=[()] * 4, center=SCALING.center, scale=SCALING.scale)
    numeric = plain_network.numeric_inputs(ROWS.numeric, plain)
    hot = [np.eye(size)[ROWS.categorical[:, index]] for index, size in enumerate(CARDINALITIES)]
    peer = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(np.hstack([numeric, *hot]), ROWS.label)
    np.testing.assert_allclose(fitted().margins(ROWS), peer.decision_function(np.hstack([numeric, *hot])), atol=1e-3)


def test_large_vocabularies_are_left_out():
    model = fitted(max_categories=10)
    assert [len(weights) for weights in model.category_weight] == [7, 0]


def test_the_baseline_survives_json():
    model = fitted()
    again = LogisticBaseline.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again == model
    np.testing.assert_array_equal(again.margins(ROWS), model.margins(ROWS))


def test_a_row_weight_of_two_is_the_row_twice():
    weight = ROWS.weight.copy()
    weight[:100] = 2
    weighted = RowArrays(ROWS.numeric, ROWS.categorical, ROWS.label, weight, ROWS.time)
    repeated = taken_rows(ROWS, np.concatenate([np.arange(800), np.arange(100)]))
    np.testing.assert_allclose(fitted(weighted).margins(ROWS), fitted(repeated).margins(ROWS), atol=1e-5)


def test_rows_without_a_label_teach_nothing():
    label = ROWS.label.copy()
    label[::2] = np.nan
    half = RowArrays(ROWS.numeric, ROWS.categorical, label, ROWS.weight, ROWS.time)
    odd = taken_rows(ROWS, np.arange(1, 800, 2))
    np.testing.assert_allclose(fitted(half).margins(ROWS), fitted(odd).margins(ROWS), atol=1e-9)


def test_a_fold_of_one_class_is_refused():
    one = RowArrays(ROWS.numeric, ROWS.categorical, np.zeros(800, dtype=np.float32), ROWS.weight, ROWS.time)
    with pytest.raises(ValueError, match="train must hold both classes, got 0 frauds in 800 labelled rows of 800"):
        fitted(one)


def test_columns_that_are_nearly_the_same_do_not_stop_the_solver():
    rng = np.random.default_rng(1)
    rows = 100_000
    value = np.expm1(rng.normal(size=rows)).astype(np.float32)
    numeric = np.stack([value, value * np.float32(1 + 1e-6), value, value], axis=1)
    label = (rng.random(rows) < 1 / (1 + np.exp(-np.log1p(np.abs(value))))).astype(np.float32)
    alike = RowArrays(numeric, np.zeros((rows, 2), np.int32), label, np.ones(rows, np.float32), np.arange(rows))
    scaling = SimpleNamespace(center=(0.0,) * 4, scale=(0.1,) * 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fit_logistic_baseline(alike, scaling=scaling, cardinalities=CARDINALITIES)
    assert model.converged
    assert not model.note
