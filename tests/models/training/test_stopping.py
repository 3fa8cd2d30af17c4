import numpy as np
import pytest
import torch

from models.calibration import fit_affine
from models.logistic import fit_logistic
from models.training.stopping import BestSoFar, affine_log_loss


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (30, 100), (0.01, -5)])
def test_the_stopping_number_is_the_log_loss_of_the_affine_map_whatever_the_scale(scale, shift):
    rng = np.random.default_rng(0)
    z = rng.normal(-3, 2, 2000)
    labels = (rng.random(2000) < 1 / (1 + np.exp(-z))).astype(float)
    probability = fit_affine(labels, z).apply(z)
    expected = -np.mean(labels * np.log(probability) + (1 - labels) * np.log1p(-probability))
    found, mixed = (
        affine_log_loss(torch.tensor(margins, dtype=torch.float32), torch.tensor(labels), torch.ones(2000))
        for margins in (scale * z + shift, rng.permutation(z))
    )
    assert found == pytest.approx(expected, abs=1e-6)
    assert mixed > found


def test_constant_and_separating_margins_end_in_a_number():
    labels = torch.tensor([0.0, 0, 0, 1, 1])
    margins = torch.tensor([[1.0, 1, 1, 1, 1], [-2, -2, -1, 1, 2]])
    constant, separating = (affine_log_loss(each, labels, torch.ones(5)) for each in margins)
    assert constant == pytest.approx(-(0.6 * np.log(0.6) + 0.4 * np.log(0.4)), abs=1e-6)
    assert 0 <= separating < 0.01


def test_weights_of_two_are_rows_twice():
    rng = np.random.default_rng(1)
    features, labels = rng.normal(size=(50, 2)), (rng.random(50) < 0.4).astype(float)
    weights = np.ones(50)
    weights[:20] = 2
    twice = np.concatenate([np.arange(50), np.arange(20)])
    one = fit_logistic(features, labels, weights=weights)
    two = fit_logistic(features[twice], labels[twice])
    np.testing.assert_allclose(one.coefficients, two.coefficients, atol=1e-8)
    assert one.log_loss == pytest.approx(two.log_loss)


def test_a_stopped_setting_keeps_its_best_weights_while_others_go_on():
    best = BestSoFar(2, patience=1)
    best.update(1, np.array([0.5, 0.5]), {"w": np.array([[1], [11]])})
    best.update(2, np.array([0.6, 0.4]), {"w": np.array([[2], [12]])})
    assert best.running_S.tolist() == [False, True]
    # setting 0 has stopped: only the other is heard of
    best.update(3, np.array([0.3]), {"w": np.array([[13]])})
    assert best.epoch_S.tolist() == [1, 3]
    assert best.last_epoch_S.tolist() == [2, 3]
    np.testing.assert_array_equal(best.arrays["w"], [[1], [13]])


def test_a_setting_that_is_ruled_out_stops_and_one_that_had_stopped_by_itself_was_not_ruled_out():
    best = BestSoFar(3, patience=1)
    best.update(1, np.array([0.5, 0.5, 0.5]), {"w": np.arange(3)})
    best.update(2, np.array([0.6, 0.4, 0.4]), {"w": np.arange(3)})
    best.rule_out(np.array([True, True, False]), epoch=2)
    assert best.running_S.tolist() == [False, False, True]
    assert best.ruled_out_S.tolist() == [0, 2, 0]
