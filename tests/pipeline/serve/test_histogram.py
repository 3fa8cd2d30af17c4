"""Counts by size, against numpy's."""

import numpy as np
import pytest

from pipeline.serve.histogram import Histogram, stability_index


def test_values_are_counted_up_to_their_bound_inclusive():
    histogram, values = Histogram((1.0, 2.0, 5.0)), [0.5, 1.0, 1.5, 2.0, 7.0]
    for value in values:
        histogram.observe(value)
    assert histogram.cumulative() == [("1.0", 2.0), ("2.0", 4.0), ("5.0", 4.0), ("+Inf", 5.0)]
    assert histogram.total == sum(values)


def test_the_stability_index_is_its_formula():
    rng = np.random.default_rng(1)
    counts, expected = rng.integers(1, 50, 10), rng.dirichlet(np.ones(10))
    p = counts / counts.sum()
    assert stability_index(counts.tolist(), expected.tolist()) == pytest.approx(
        ((p - expected) * np.log(p / expected)).sum()
    )


def test_bins_without_a_value_do_not_make_it_infinite():
    assert 0 < stability_index([10, 0], [0.5, 0.5]) < 10
    assert stability_index([0, 0], [0.5, 0.5]) == 0
