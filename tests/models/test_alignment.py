"""One embedding in the components of another."""

import numpy as np
import pytest

from models.alignment import aligned_directions
from models.pca import principal_directions, reduced


def pair(*, rows=400, seed=0, noise=0.0):
    """Two embeddings of the same rows: both linear in six things to know, each with units that never fire."""
    rng = np.random.default_rng(seed)
    known = rng.normal(size=(rows, 6))
    mixing = np.random.default_rng(99)
    one, other = (known @ mixing.normal(size=(6, 16)) + mixing.normal(size=16) for _ in range(2))
    one[:, 3] = 0
    return one + noise * rng.normal(size=one.shape), other


def told(one, other, *, ridge, components=4):
    """What a map fitted on some rows says of others, and what the second network says of them itself."""
    served = principal_directions(other, components=components)
    directions = aligned_directions(one, reduced(other, served), ridge=ridge)
    new, truth = pair(seed=1)
    return reduced(new, directions), reduced(truth, served)


def test_networks_that_a_linear_map_relates_say_the_same_of_rows_outside_the_fit():
    found, expected = told(*pair(), ridge=0)
    assert expected.std(axis=0).min() > 1
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_usual_penalty_costs_a_thousandth_of_the_spread():
    found, expected = told(*pair(), ridge=1e-3)
    assert (np.abs(found - expected).max(axis=0) < 0.02 * expected.std(axis=0)).all()


def test_a_penalty_draws_a_map_of_few_noisy_rows_towards_nothing():
    one, other = pair(rows=30, noise=1.0)
    loose, tight = (np.abs(told(one, other, ridge=ridge)[0]).mean() for ridge in (0, 10.0))
    assert tight < loose / 2


def test_units_that_never_fire_leave_no_direction():
    one, other = pair()
    directions = aligned_directions(one, reduced(other, principal_directions(other, components=4)))
    np.testing.assert_allclose(directions["reduced_directions"][3], 0, atol=1e-9)


def test_networks_that_know_nothing_in_common_cannot_be_mapped():
    rng = np.random.default_rng(3)
    stranger = rng.normal(size=(4000, 16))
    _, other = pair(rows=4000)
    components = reduced(other, principal_directions(other, components=4))
    found = reduced(stranger, aligned_directions(stranger, components))
    assert (found.var(axis=0) < 0.03 * components.var(axis=0)).all()


def test_rows_of_another_number_are_refused():
    with pytest.raises(ValueError, match="two rows or more, the same in both, got 5 and 4"):
        aligned_directions(np.zeros((5, 3)), np.zeros((4, 2)))
