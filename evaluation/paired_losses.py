"""Two settings on the same rows: how far apart their log losses are, and how far apart noise alone would put them.

Legend: S setting, R repeat, N row.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from scipy.stats import t as student

from evaluation.statistics.clustered_mean import clustered_mean
from evaluation.statistics.sample import Floats, Integers

FALSE_ALARMS = 0.05
"""How often some setting is proven worse than the best where all are equally good."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class PairedDifference:
    """The mean log loss of one setting minus that of another, on the same rows and from the same initial weights.

    Attributes:
        value: the difference.
        error: its standard error: whole clusters, and the spread over repeats where there are several.
        limit: what the difference stays below in 95 of 100 draws of clusters, if all settings are equally good.
        by: the clusters that say least, "day" or "merchant".
        clusters: how many there are.
        repeats: repeats compared.
        agreeing: of these how many have a difference above 0.
    """

    value: float
    error: float
    limit: float
    by: str
    clusters: int
    repeats: int
    agreeing: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference by itself: Student's t with one degree of freedom less than clusters."""
        half = float(student.ppf(0.975, max(self.clusters - 1, 1))) * self.error
        return self.value - half, self.value + half

    @property
    def proven(self) -> bool:
        """Whether the first is worse by more than noise, in every repeat."""
        return self.value > self.limit and self.agreeing == self.repeats


@dataclass(frozen=True)
class RowLosses(Generic[Key]):
    """The log loss of every row under every setting of a sweep.

    Attributes:
        by_setting: log losses [R, N], one a setting.
        clusters: the cluster of each row [N] by every way of seeing what hangs together.
        rivals: how many others a leader is the luckiest of; None where they are all here.
    """

    by_setting: Mapping[Key, Floats]
    clusters: Mapping[str, Integers]
    rivals: int | None = None

    def mean(self, setting: Key) -> float:
        """The mean log loss of a setting over rows and repeats."""
        return float(self._means[setting].mean())

    def difference(self, one: Key, other: Key) -> PairedDifference:
        """`one` minus `other`, where `other` may be the luckiest of all.

        The leader of S settings is the luckiest, so each of its rivals gets its share of the false alarms (Bonferroni),
        and the quantile is Student's. Whichever clusters put the limit highest count.
        """
        repeats = min(len(self.by_setting[one]), len(self.by_setting[other]))
        rows = self.by_setting[one].mean(axis=0) - self.by_setting[other].mean(axis=0)
        rivals = len(self.by_setting) - 1 if self.rivals is None else self.rivals
        share = FALSE_ALARMS / max(rivals, 1)
        spread, degrees = self._repeat_error(one, other)
        limit, by, mean = max(
            (
                (found.beyond(share, repeat_error=spread, degrees=degrees), name, found)
                for name, found in ((name, clustered_mean(rows, codes)) for name, codes in self.clusters.items())
            ),
            key=lambda each: each[0],
        )
        of_each = self._means[one][:repeats] - self._means[other][:repeats]
        error = float(np.hypot(mean.error, spread))
        return PairedDifference(mean.value, error, limit, by, mean.clusters, repeats, int((of_each > 0).sum()))

    @cached_property
    def _means(self) -> Mapping[Key, Floats]:
        return {setting: losses.mean(axis=1) for setting, losses in self.by_setting.items()}

    def _repeat_error(self, one: Key, other: Key) -> tuple[float, float]:
        """Standard error of the difference from initial weights, and its degrees of freedom; 0 with a single repeat.

        That of the two settings themselves, or of all settings pooled, whichever is larger: two repeats of two
        settings are one number, and may be close by luck.
        """
        repeats = min(len(self.by_setting[one]), len(self.by_setting[other]))
        if repeats < 2 or one == other:
            return 0.0, float("inf")
        own = float(np.var(self._means[one][:repeats] - self._means[other][:repeats], ddof=1))
        table_SR = np.array([means[:repeats] for means in self._means.values() if len(means) >= repeats])
        apart_SR = table_SR - table_SR.mean(axis=0) - table_SR.mean(axis=1, keepdims=True) + table_SR.mean()
        degrees = (len(table_SR) - 1) * (repeats - 1)
        pooled = 2 * float((apart_SR**2).sum()) / degrees
        return float(np.sqrt(max(own, pooled) / repeats)), float(degrees)
