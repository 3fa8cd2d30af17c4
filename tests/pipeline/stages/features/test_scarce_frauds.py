"""Folds with so little fraud that what is fitted on them is chance are told, each with what is fitted there."""

import numpy as np
import pytest

from pipeline.stages.features.scarce_frauds import FEWEST, effective_units, scarce_warnings
from tests.oracles.scarce_worlds import NAMES, world


def told(**arguments) -> list[str]:
    return list(scarce_warnings(*world(**arguments)))


@pytest.mark.parametrize("place", range(3))
def test_one_fraud_in_any_fold_that_something_is_fitted_on_is_told(place):
    frauds = [40, 40, 40, 40]
    frauds[place] = 1
    (said,) = told(frauds=tuple(frauds))
    assert said.startswith(f"{NAMES[place]}, on which ")
    assert "has 1 usable fraud:" in said


def test_the_test_fold_has_a_floor_of_its_own():
    assert told(frauds=(40, 40, 40, 1)) == []


def test_the_floor_is_where_a_rate_is_known_within_a_fifth():
    assert told(frauds=(FEWEST, FEWEST, FEWEST, FEWEST)) == []
    assert len(told(frauds=(FEWEST - 1,) * 4)) == 3
    assert 1 / np.sqrt(FEWEST) <= 0.2


def test_few_legitimate_rows_are_told_alike():
    said = told(frauds=(40, 499, 40, 40))
    assert said == [
        each for each in said if "valid, on which settings are chosen, has 1 usable legitimate row:" in each
    ]


@pytest.mark.parametrize("unit", ["card", "merchant", "day"])
def test_frauds_of_few_cards_merchants_or_days_are_told(unit):
    said = told(frauds=(40, 40, 40, 40), **{f"{unit}s": 2})
    assert len(said) == 3
    assert all(f"are of 2 {unit}s (as good as 2.0)" in each for each in said)


@pytest.mark.parametrize(("codes", "units"), [([], 0.0), ([7], 1.0), ([1, 2, 3], 3.0), ([1, 1, 1, 2], 1.6)])
def test_effective_units_are_what_a_count_of_squares_says(codes, units):
    assert effective_units(np.array(codes)) == pytest.approx(units)
