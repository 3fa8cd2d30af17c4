"""The report's `temperature`: calibrators with and without smoothing, each contrast with its interval."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation.formatting import signed
from evaluation.options import BootstrapSettings, EvaluationConfig
from evaluation.report.evidence import Arm, CalibRows, Evidence
from evaluation.statistics.dependence import Dependence, dependence
from evaluation.statistics.intervals import Interval, Replicates, RowDetails, paired_bootstrap
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats, Integers

STATISTICS = ("log_loss", "brier", "brier_skill", "ece", "observed_expected", "calibration_slope")
SCALED = ("temperature", "inverse+temperature")
UNSCALED = ("none", "inverse")


@dataclass(frozen=True)
class Contrast:
    """Log loss of `arm` − `other` on one population; below 0 the first is better."""

    question: str
    arm: Arm
    other: Arm
    log_loss: Interval

    @property
    def better(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.log_loss.high < 0

    @property
    def text(self) -> str:
        """The contrast in words, with its interval."""
        i = self.log_loss
        verdict = "helps" if self.better else "hurts" if i.low > 0 else "makes no difference that this data can show"
        bounds = f"95 % interval {signed(i.low, 5)} to {signed(i.high, 5)}"
        return f"{self.question} {verdict} (log loss {signed(i.value, 5)}, {bounds})"


@dataclass(frozen=True)
class TemperatureTable:
    """Statistics with intervals per arm on one fold, and the contrasts among them."""

    fold: str
    arms: Mapping[Arm, Mapping[str, Interval]]
    replicates: Replicates

    def contrast(self, question: str, arm: Arm, other: Arm) -> Contrast:
        """Paired difference in log loss between two arms."""
        return Contrast(question, arm, other, self.replicates.difference(_name(arm), _name(other), "log_loss"))


@dataclass(frozen=True)
class TemperatureVerdict:
    """Whether smoothing and scaling together beat each alone, why, and the contrasts behind it."""

    additive_benefit: bool
    reason: str
    contrasts: tuple[Contrast, ...]


def temperature_section(evidence: Evidence, *, config: EvaluationConfig, rng: np.random.Generator) -> dict[str, Any]:
    """Every calibrator with and without smoothing, on calib and on test, and whether the two together help.

    There are many arms, so intervals are by one unit: that of cards, merchants and days which spreads the residuals of
    what ships most.

    Args:
        evidence: `temperature_test` on test, and on calib its cross-fitted twin where calib was given.
        config: what is resampled, and how often.
        rng: source of the draws: calib's first, then test's.
    """
    if not evidence.temperature_test:
        return {"table": [], "additive_benefit": False, "reason": "No calibrators were compared.", "contrasts": []}
    rows = evidence.rows
    shipped = evidence.shipped
    calib = _calib_table(evidence.calib, shipped=shipped, config=config, rng=rng)
    test = temperature_table(
        rows.labels,
        evidence.temperature_test,
        fold="test",
        clusters=_widest_unit(rows, evidence.candidates[shipped], config),
        rng=rng,
        settings=config.bootstrap(),
        weight=rows.weight,
    )
    verdict = temperature_verdict(test, chosen_on=calib)
    return {
        "table": [_arm_record(arm, calib, test) for arm in test.arms],
        "additive_benefit": verdict.additive_benefit,
        "reason": verdict.reason,
        "contrasts": [{**asdict(each), "better": each.better, "text": each.text} for each in verdict.contrasts],
    }


def temperature_table(
    labels: ArrayLike,
    probabilities: Mapping[Arm, ArrayLike],
    *,
    fold: str,
    clusters: ArrayLike | Dependence,
    rng: np.random.Generator,
    settings: BootstrapSettings,
    weight: ArrayLike | None = None,
) -> TemperatureTable:
    """Every arm's calibration on one fold, with intervals from the same draws.

    Args:
        labels: 0 or 1 [N].
        probabilities: (smoothing, calibrator) to P(fraud) [N]; on calib they must be cross-fitted.
        fold: name of the fold the rows come from.
        clusters: units that move together, or an integer code per row [N].
        rng: source of the draws.
        settings: number of resamples and bins.
        weight: row weights, ≥ 0 [N].
    """
    named = {_name(arm): p for arm, p in probabilities.items()}
    sums_only = replace(settings, ranking=False)
    details = RowDetails(weight=weight)
    drawn = paired_bootstrap(labels, named, clusters=clusters, rng=rng, settings=sums_only, details=details)
    arms = {arm: {s: drawn.interval(_name(arm), s) for s in STATISTICS} for arm in probabilities}
    return TemperatureTable(fold, arms, drawn)


def temperature_verdict(judged: TemperatureTable, *, chosen_on: TemperatureTable | None = None) -> TemperatureVerdict:
    """Does scaling add to smoothing, and smoothing to scaling?

    Smoothing alone is ε > 0 as it is or after the inverse; scaling alone is ε = 0 with temperature, before or after
    the inverse; both together is ε > 0 with temperature, likewise. The form of each is picked by log loss on
    `chosen_on` (calib), and the contrasts are read on `judged` (test), so the verdict does not pick its own evidence.
    The benefit is additive only if together is better than both alone with intervals that exclude 0.
    """
    smoothings = {epsilon for epsilon, _ in judged.arms}
    smoothed = max(smoothings, default=0.0)
    if smoothed == 0.0 or 0.0 not in smoothings:
        return TemperatureVerdict(False, "The sweep holds no pair of ε = 0 and ε > 0, so nothing can be compared.", ())
    table = chosen_on or judged
    unscaled = _best(table, judged, smoothed, UNSCALED)
    unsmoothed = _best(table, judged, 0.0, SCALED)
    both = _best(table, judged, smoothed, SCALED)
    if unscaled is None or unsmoothed is None or both is None:
        return TemperatureVerdict(False, "Temperature was not fitted for both ε = 0 and ε > 0.", ())
    scaling = judged.contrast(f"Temperature scaling after smoothing (ε = {smoothed:g})", both, unscaled)
    smoothing = judged.contrast("Smoothing after temperature scaling", both, unsmoothed)
    additive = scaling.better and smoothing.better
    contrasts = (scaling, smoothing, *_under_same_calibrator(judged, smoothed))
    return TemperatureVerdict(additive, _reason(judged.fold, scaling, smoothing, additive=additive), contrasts)


def _calib_table(
    calib: CalibRows | None, *, shipped: str, config: EvaluationConfig, rng: np.random.Generator
) -> TemperatureTable | None:
    """The same arms on calib's rows of known label; None where calib was not given."""
    if calib is None or not calib.temperature:
        return None
    known = np.isfinite(calib.rows.labels)
    rows = calib.rows.where(known)
    return temperature_table(
        rows.labels,
        {arm: np.asarray(p)[known] for arm, p in calib.temperature.items()},
        fold="calib",
        clusters=_widest_unit(rows, np.asarray(calib.candidates[shipped])[known], config),
        rng=rng,
        settings=config.bootstrap(),
        weight=rows.weight,
    )


def _widest_unit(rows: JudgedRows, probabilities: Floats, config: EvaluationConfig) -> Integers:
    weight = 1.0 if rows.weight is None else rows.weight
    units = dependence(rows, by=config.cluster, fewest=config.min_clusters)
    return units.widest(weight * (rows.labels - probabilities))


def _arm_record(arm: Arm, calib: TemperatureTable | None, test: TemperatureTable) -> dict[str, Any]:
    tables = [table for table in (calib, test) if table is not None and arm in table.arms]
    statistics = {table.fold: {name: asdict(i) for name, i in table.arms[arm].items()} for table in tables}
    return {"smoothing": arm[0], "calibrator": arm[1], **statistics}


def _best(chosen_on: TemperatureTable, judged: TemperatureTable, epsilon: float, names: tuple[str, ...]) -> Arm | None:
    arms = [(epsilon, name) for name in names if (epsilon, name) in judged.arms and (epsilon, name) in chosen_on.arms]
    return min(arms, key=lambda arm: chosen_on.arms[arm]["log_loss"].value, default=None)


def _under_same_calibrator(judged: TemperatureTable, smoothed: float) -> list[Contrast]:
    """Smoothing against ε = 0 under the same calibrator, for every calibrator both have."""
    names = [name for epsilon, name in judged.arms if epsilon == smoothed and (0.0, name) in judged.arms]
    return [judged.contrast(f"Smoothing under {name}", (smoothed, name), (0.0, name)) for name in names]


def _reason(fold: str, scaling: Contrast, smoothing: Contrast, *, additive: bool) -> str:
    conclusion = (
        "Together they beat each alone, so both are kept."
        if additive
        else "Together they do not beat each alone, so the benefit is not additive."
    )
    return f"On {fold}: {scaling.text}; {_lower_first(smoothing.text)}. {conclusion}"


def _name(arm: Arm) -> str:
    return f"{arm[0]:g}|{arm[1]}"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
