import numpy as np
import pytest

from evaluation.errors import InputError
from evaluation.statistics.sample import raise_faults, same_length, sample


def test_every_fault_is_said_at_once_with_its_first_offender_and_count():
    with pytest.raises(ValueError, match="labels must be 0 or 1") as caught:
        sample([0, 2, 3], [0.1, 0.2, 1.5], weight=[1, -1, np.nan])
    assert str(caught.value) == (
        "labels must be 0 or 1, got 2.0 in row 1 (2 rows like it); "
        "probabilities must lie in [0, 1], got 1.5 in row 2 (1 rows like it); "
        "weight must be finite and ≥ 0, got -1.0 in row 1 (2 rows like it)"
    )


@pytest.mark.parametrize("bad", [np.nan, -0.01, 1.01, np.inf])
def test_no_probability_outside_its_range_gets_through(bad):
    with pytest.raises(ValueError, match=r"probabilities must lie in \[0, 1\], got"):
        sample([0.0], [bad])


def test_arrays_of_different_length_are_refused_with_their_shapes():
    with pytest.raises(ValueError, match=r"must be vectors of one length, got .*\(2,\).*\(3,\)"):
        sample([0, 1], [0.1, 0.2, 0.3])


def test_a_caller_says_which_refusal_its_values_deserve():
    with pytest.raises(InputError, match=r"must be small, got 9 in row 1 \(1 rows like it\)"):
        raise_faults(
            {"must be small": np.array([False, True])}, {"must be small": np.array([1, 9])}, refusal=InputError
        )


def test_absent_arrays_have_the_right_length_and_wrong_ones_are_named():
    same_length(2, amount=np.zeros(2), card=None)
    with pytest.raises(ValueError, match="amount, card must have 2 rows like the labels"):
        same_length(2, amount=np.zeros(3), card=np.zeros((2, 1)))


def test_frauds_and_rows_are_weights():
    found = sample([1, 0, 1], [0.5, 0.5, 0.5], weight=[2.0, 3.0, 0.0])
    assert (found.rows, found.frauds) == (5.0, 2.0)
