import numpy as np
import pytest
from sklearn.decomposition import PCA

from models.pca import DIRECTIONS, principal_directions, reduced


def values(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(300, 4)) @ rng.normal(size=(4, 10)) + 3).astype(np.float32)


def test_the_components_are_those_of_scikit_learn_up_to_sign():
    rows = values()
    found, expected = reduced(rows, principal_directions(rows, components=3)), PCA(3).fit_transform(rows)
    np.testing.assert_allclose(found * np.sign((found * expected).sum(0)), expected, atol=1e-3)


def test_the_sign_and_the_order_of_the_rows_decide_nothing():
    rows = values()
    one, other = principal_directions(rows, components=3), principal_directions(rows[::-1], components=3)
    np.testing.assert_allclose(one[DIRECTIONS], other[DIRECTIONS], atol=1e-5)
    largest = np.abs(one[DIRECTIONS]).argmax(0)
    assert (one[DIRECTIONS][largest, np.arange(3)] > 0).all()


def test_more_components_than_columns_are_refused():
    with pytest.raises(ValueError, match="11 components need as many columns and two rows, got 300 rows of 10"):
        principal_directions(values(), components=11)
