"""The numba loops over a group's labels in the order in which they became known: the last one, the last fraud, runs.

Legend as in `features.windows.kernels`: a group's m labels stand in order of (label_available_at, label), so that of
labels which came at one moment the frauds are last, whatever the order of their rows. `left` and `right` [n] are the
first label inside and the first label behind each row's window. A run is the longest stretch of nothing but frauds
that ends with the last label inside the window and lies inside the window as a whole. Where labels can end,
`features.windows.standing_labels` fills what `fraud_places` fills, and gives the first label that stands as `left`.

What lies before a place is found once for all windows. It may belong to an earlier group; there `left` cuts it off.
"""

import numpy as np

from features.windows.compilation import compiled
from features.windows.finish import seconds as in_seconds
from features.windows.kernels import Float32, Int32, Int64


@compiled
def fraud_places(frauds_before: Int32, last_fraud: Int32, run_start: Int32, runs: Int32) -> None:
    """Fill the last fraud before each place, where the frauds that reach up to the place begin, and how many they are.

    Args:
        frauds_before: frauds before each place among the labels, and before their end [m + 1].
        last_fraud: place of the last fraud before it, -1 where none [m + 1].
        run_start: the place behind the last legitimate label before it, 0 where none [m + 1].
        runs: frauds from there on [m + 1].
    """
    last_fraud[0], run_start[0], runs[0] = -1, 0, 0
    for place in range(len(frauds_before) - 1):
        fraud = frauds_before[place + 1] != frauds_before[place]
        last_fraud[place + 1] = place if fraud else last_fraud[place]
        run_start[place + 1] = run_start[place] if fraud else place + 1
        runs[place + 1] = runs[place] + 1 if fraud else 0


@compiled
def last_labels(run_start: Int32, left: Int32, right: Int32, labels: Float32) -> None:
    """Fill the last label inside each window, NaN where there is none.

    Args:
        run_start: as `fraud_places` fills it [m + 1].
        left: the first label inside each window [n].
        right: the first label behind each window [n].
        labels: 0 or 1 [n].
    """
    for row in range(len(labels)):
        labels[row] = run_start[right[row]] < right[row] if left[row] < right[row] else np.nan


@compiled
def seconds_since_last_fraud(
    time: Int64, available: Int64, last_fraud: Int32, left: Int32, right: Int32, seconds: Float32
) -> None:
    """Fill the seconds since the last fraud inside each window became known, NaN where there is none.

    Args:
        time: microseconds of each row [n].
        available: microseconds of each label [m].
        last_fraud: as `fraud_places` fills it [m + 1].
        left: the first label inside each window [n].
        right: the first label behind each window [n].
        seconds: since then [n].
    """
    for row in range(len(seconds)):
        fraud = last_fraud[right[row]]
        seconds[row] = in_seconds(time[row] - available[fraud]) if fraud >= left[row] else np.nan


@compiled
def run_lengths(runs: Int32, frauds: Int32, right: Int32, lengths: Int32) -> None:
    """Fill how many frauds the run of each window has, 0 where its last label is legitimate or there is none.

    A run that begins before the window is cut where that begins: then all of the window's labels are of it.

    Args:
        runs: as `fraud_places` fills it [m + 1].
        frauds: inside each window [n].
        right: the first label behind each window [n].
        lengths: frauds [n].
    """
    for row in range(len(lengths)):
        lengths[row] = min(frauds[row], runs[right[row]])


@compiled
def run_seconds(time: Int64, available: Int64, run_start: Int32, left: Int32, right: Int32, seconds: Float32) -> None:
    """Fill the seconds since the first fraud of each window's run became known, NaN where there is no run.

    Args:
        time: microseconds of each row [n].
        available: microseconds of each label [m].
        run_start: as `fraud_places` fills it [m + 1].
        left: the first label inside each window [n].
        right: the first label behind each window [n].
        seconds: since then [n].
    """
    for row in range(len(seconds)):
        first = max(left[row], run_start[right[row]])
        seconds[row] = in_seconds(time[row] - available[first]) if first < right[row] else np.nan
