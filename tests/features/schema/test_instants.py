import numpy as np

from features.schema.instants import NOT_A_TIME, Instants


def test_some_rows_of_times_are_those_times():
    yes, no = np.array([True, False, False]), np.array([False, False, True])
    times = Instants(np.array([5, NOT_A_TIME, 7]), {"must be a time": no}, naive=yes, midnight=no).taken(
        np.array([2, 0])
    )
    assert times.micros.tolist() == [7, 5]
    assert times.unreadable["must be a time"].tolist() == [True, False]
    assert (times.naive.tolist(), times.midnight.tolist()) == ([False, True], [True, False])
