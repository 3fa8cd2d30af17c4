"""The gate: a pure function from evidence to a verdict with reasons in words."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from evaluation.formatting import signed
from evaluation.statistics.intervals import Interval


class GateConfig(BaseModel):
    """What a candidate must show before it may be promoted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_frauds: int = Field(100, ge=1, description="frauds the judged fold must hold before anything is believed")
    observed_expected_low: float = Field(0.85, gt=0, description="observed/expected below this is miscalibration")
    observed_expected_high: float = Field(1.15, gt=0, description="observed/expected above this is miscalibration")
    ece_tolerance: float = Field(0.1, ge=0, description="ECE may reach this share of the prevalence, or its null")
    min_champion_frauds: int = Field(50, ge=1, description="frauds on shared rows before a champion is compared")
    champion_rule: str = Field(
        "not_worse",
        pattern="^(not_worse|better)$",
        description='"not_worse": refuse if proven worse than the champion; "better": refuse unless proven better',
    )


@dataclass(frozen=True)
class ChampionEvidence:
    """Candidate − champion on test rows after both models' `seen_until`.

    Attributes:
        name: the champion's version.
        rows: rows both models may be judged on; `frauds` among them.
        log_loss: paired interval of the difference, below 0 where the candidate is better.
        average_precision: likewise, above 0 where the candidate is better.
        problem: why it could not be scored at all (a missing feature, a broken bundle), else empty.
    """

    name: str
    rows: int
    frauds: int
    log_loss: Interval
    average_precision: Interval
    problem: str = ""


@dataclass(frozen=True)
class GateEvidence:
    """Everything the gate looks at, for the candidate that would ship, on the test fold."""

    rows: int
    frauds: int
    observed_expected: Interval
    ece: float
    ece_null_95: float
    roc_auc: Interval
    baseline_roc_auc: Interval
    roc_auc_difference: Interval
    champion: ChampionEvidence | None = None
    drift: tuple[str, ...] | None = None
    """Alarms that refuse; None where drift is shown and stops nothing."""


@dataclass(frozen=True)
class Check:
    """One rule's outcome: passed, refused, or (None) not applicable."""

    name: str
    passed: bool | None
    text: str


@dataclass(frozen=True)
class Verdict:
    """Passed or not; the reasons are the refusals, or where there are none what each rule found.

    `figures` are the numbers that reasons quote and no candidate's statistics hold.
    """

    passed: bool
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    figures: dict[str, float]


def judge(evidence: GateEvidence, *, config: GateConfig) -> Verdict:
    """Hold the evidence against every rule; all rules are looked at, so all reasons are told.

    A statistic that is undefined refuses: what cannot be shown is not proven.
    """
    checks = (
        _enough_frauds(evidence, config),
        _in_the_large(evidence, config),
        _calibration(evidence, config),
        _not_below_baseline(evidence),
        _champion(evidence.champion, config),
        *([] if evidence.drift is None else [_drift(evidence.drift)]),
    )
    refused = tuple(check.text for check in checks if check.passed is False)
    return Verdict(not refused, refused or tuple(check.text for check in checks), checks, _figures(evidence, config))


def _enough_frauds(e: GateEvidence, config: GateConfig) -> Check:
    passed = e.frauds >= config.min_frauds
    text = (
        f"{e.frauds:,} frauds among {e.rows:,} test rows, {'and' if passed else 'but'} {config.min_frauds:,} are needed"
    )
    return Check("enough frauds", passed, text)


def _in_the_large(e: GateEvidence, config: GateConfig) -> Check:
    i, low, high = e.observed_expected, config.observed_expected_low, config.observed_expected_high
    found = f"observed/expected is {i.value:.3f} (95 % interval {i.low:.3f} to {i.high:.3f})"
    passed = i.low <= high and i.high >= low
    where = "which meets" if passed else "which lies outside"
    return Check("calibration in the large", passed, f"{found}, {where} [{low:g}, {high:g}]")


def _calibration(e: GateEvidence, config: GateConfig) -> Check:
    tolerance = _tolerance(e, config)
    limit = max(e.ece_null_95, tolerance)
    passed = e.ece <= limit
    text = (
        f"ECE is {e.ece:.5f} (15 equal-width bins), {'within' if passed else 'above'} {limit:.5f}, the larger of its "
        f"95 % value under perfect calibration ({e.ece_null_95:.5f}) and {config.ece_tolerance:g} × prevalence "
        f"({tolerance:.5f})"
    )
    return Check("calibration error", passed, text)


def _not_below_baseline(e: GateEvidence) -> Check:
    passed = e.roc_auc_difference.value >= 0
    d = e.roc_auc_difference
    text = (
        f"ROC AUC is {e.roc_auc.value:.4f}, {'not below' if passed else 'below'} the baseline's "
        f"{e.baseline_roc_auc.value:.4f} (difference {signed(d.value)}, "
        f"95 % interval {signed(d.low)} to {signed(d.high)})"
    )
    return Check("baseline", passed, text)


def _champion(c: ChampionEvidence | None, config: GateConfig) -> Check:
    if c is None:
        return Check("champion", None, "there is no champion to compare with")
    if c.problem:
        return Check("champion", None, f"champion {c.name} is not comparable: {c.problem}")
    shared = f"{c.frauds:,} frauds among {c.rows:,} test rows that neither model has seen"
    if c.frauds < config.min_champion_frauds:
        return Check(
            "champion", None, f"champion {c.name} is not comparable: {shared}, {config.min_champion_frauds} are needed"
        )
    loss, precision = c.log_loss, c.average_precision
    worse = [name for name, bad in (("log loss", loss.low > 0), ("average precision", precision.high < 0)) if bad]
    better = loss.high < 0 or precision.low > 0
    passed = not worse and (better or config.champion_rule == "not_worse")
    found = (
        f"log loss {signed(loss.value, 5)} ({signed(loss.low, 5)} to {signed(loss.high, 5)}), average precision "
        f"{signed(precision.value)} ({signed(precision.low)} to {signed(precision.high)}) on {shared}"
    )
    said = f"worse in {' and '.join(worse)} than" if worse else "better than" if better else "not told apart from"
    return Check("champion", passed, f"{said} champion {c.name}: {found}")


def _drift(alarms: tuple[str, ...]) -> Check:
    return Check("drift", not alarms, "; ".join(alarms) or "the newest rows look like those of train")


def _tolerance(e: GateEvidence, config: GateConfig) -> float:
    return config.ece_tolerance * (e.frauds / e.rows) if e.rows else float("nan")


def _figures(e: GateEvidence, config: GateConfig) -> dict[str, float]:
    tolerance = _tolerance(e, config)
    figures = {"ece_tolerance": tolerance, "ece_limit": max(e.ece_null_95, tolerance)}
    if e.champion is not None:
        figures |= {"champion.rows": float(e.champion.rows), "champion.frauds": float(e.champion.frauds)}
        for name, i in (("log_loss", e.champion.log_loss), ("average_precision", e.champion.average_precision)):
            figures |= {f"champion.{name}": i.value, f"champion.{name}.low": i.low, f"champion.{name}.high": i.high}
    return figures
