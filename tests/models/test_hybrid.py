import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.metrics import log_loss

from models.calibration import Identity, fit_affine, fit_calibrator
from models.hybrid import Hybrid, fit_hybrid, member_map


def members(seed, size=400, useless=0.0):
    rng = np.random.default_rng(seed)
    z = rng.normal(-1, 2, size)
    labels = (rng.random(size) < 1 / (1 + np.exp(-z))).astype(float)
    labels[:2] = (0, 1)
    head, booster = z + rng.normal(0, 1, size), (1 - useless) * z + rng.normal(0, 1.5, size)
    return labels, {"mlp": head, "xgboost": booster}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.8, 1.0, 2.0]))
def test_the_hybrid_is_never_worse_than_a_member_on_the_rows_of_its_fit(seed, useless):
    labels, logits = members(seed, useless=useless)
    hybrid = fit_hybrid(labels, logits)
    assert min(hybrid.weights) >= 0
    for each in logits.values():
        alone = log_loss(labels, fit_affine(labels, each).apply(each))
        assert log_loss(labels, hybrid.apply(logits)) <= alone + 1e-9


@pytest.mark.parametrize("useless", [0.0, 1.0, 2.0])
def test_the_weights_are_the_constrained_optimum(useless):
    labels, logits = members(5, useless=useless)
    matrix = np.column_stack([*logits.values(), np.ones(len(labels))])

    def loss(weights):
        return np.mean(np.logaddexp(0, matrix @ weights) - labels * (matrix @ weights))

    peer = minimize(
        loss, [1, 1, 0], bounds=[(0, None), (0, None), (None, None)], method="L-BFGS-B", options={"ftol": 1e-14}
    )
    hybrid = fit_hybrid(labels, logits)
    assert loss([*hybrid.weights, hybrid.shift]) <= peer.fun + 1e-9
    np.testing.assert_allclose([*hybrid.weights, hybrid.shift], peer.x, atol=1e-3)


def test_a_hybrid_survives_json_and_asks_for_its_members():
    labels, logits = members(1)
    hybrid = fit_hybrid(labels, logits)
    again = Hybrid.from_dict(json.loads(json.dumps(hybrid.to_dict())))
    np.testing.assert_array_equal(again.apply(logits), hybrid.apply(logits))
    with pytest.raises(ValueError, match=r"missing: \['xgboost'\]"):
        again.apply({"mlp": logits["mlp"]})


def test_members_that_all_rank_backwards_leave_the_base_rate():
    labels, logits = members(2)
    hybrid = fit_hybrid(labels, {name: -each for name, each in logits.items()})
    assert not hybrid.converged
    np.testing.assert_allclose(hybrid.apply(logits), labels.mean())


@pytest.mark.parametrize(
    ("labels", "logits", "message"),
    [
        ([0, 1], {}, "one member or more"),
        ([0, 1], {"a": np.zeros(3)}, "'a' has shape"),
        ([0, 0], {"a": np.zeros(2)}, "both classes"),
    ],
)
def test_what_cannot_be_combined_is_refused(labels, logits, message):
    with pytest.raises(ValueError, match=message):
        fit_hybrid(np.array(labels, dtype=float), logits)


def test_weights_of_one_change_no_bit_and_weights_equal_repetition():
    labels, logits = members(3)
    assert fit_hybrid(labels, logits, weights=np.ones(len(labels))) == fit_hybrid(labels, logits)
    times = np.where(labels == 1, 3, 1)
    repeated = fit_hybrid(np.repeat(labels, times), {name: np.repeat(z, times) for name, z in logits.items()})
    np.testing.assert_allclose(fit_hybrid(labels, logits, weights=times).weights, repeated.weights, rtol=1e-6)


def test_a_member_goes_through_its_map_unless_that_is_a_step_map():
    labels, logits = members(4)
    smooth = fit_calibrator(labels, logits["mlp"], method="beta")
    assert member_map(smooth) is smooth
    assert member_map(fit_calibrator(labels, logits["mlp"], method="isotonic")) == Identity()
