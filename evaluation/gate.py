"""The gate: a pure function from evidence to a verdict with reasons in words."""

from dataclasses import dataclass

from evaluation.formatting import signed
from evaluation.options import GateConfig
from evaluation.statistics.intervals import Interval


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
    """Everything the gate looks at, for the candidate that would ship, on the test fold.

    Attributes:
        rows: judged rows; `frauds` among them.
        observed_expected: frauds that happened over frauds promised.
        ece: calibration error over `bins` equal-width bins, `ece_null_95` what chance alone reaches in 95 of 100 draws.
        roc_auc: of the candidate, `baseline_roc_auc` of the baseline, and their paired difference.
        champion: the comparison with the model in use; None where there is none.
        drift: alarms that refuse; None where drift is shown and stops nothing.
    """

    rows: int
    frauds: int
    observed_expected: Interval
    ece: float
    ece_null_95: float
    bins: int
    roc_auc: Interval
    baseline_roc_auc: Interval
    roc_auc_difference: Interval
    champion: ChampionEvidence | None = None
    drift: tuple[str, ...] | None = None


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

    >>> even, auc = Interval(1.0, 0.9, 1.1), Interval(0.9, 0.8, 0.95)
    >>> few = GateEvidence(rows=1000, frauds=20, observed_expected=even, ece=0.001, ece_null_95=0.002, bins=15,
    ...     roc_auc=auc, baseline_roc_auc=auc, roc_auc_difference=Interval(0.0, -0.1, 0.1))
    >>> judge(few, config=GateConfig(min_frauds=100)).reasons
    ('20 frauds among 1,000 test rows, but 100 are needed',)

    Args:
        evidence: numbers of the test fold.
        config: limits.
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
        f"ECE is {e.ece:.5f} ({e.bins} equal-width bins), {'within' if passed else 'above'} {limit:.5f}, the larger "
        f"of its 95 % value under perfect calibration ({e.ece_null_95:.5f}) and {config.ece_tolerance:g} × prevalence "
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
    shared = f"{c.frauds:,} frauds among {c.rows:,} test rows that neither model has seen"
    few = f"{shared}, {config.min_champion_frauds} are needed" if c.frauds < config.min_champion_frauds else ""
    if c.problem or few:
        return Check("champion", None, f"champion {c.name} is not comparable: {c.problem or few}")
    worse, better = _worse_in(c), c.log_loss.high < 0 or c.average_precision.low > 0
    passed = not worse and (better or config.champion_rule == "not_worse")
    loss, precision = c.log_loss, c.average_precision
    found = (
        f"log loss {signed(loss.value, 5)} ({signed(loss.low, 5)} to {signed(loss.high, 5)}), average precision "
        f"{signed(precision.value)} ({signed(precision.low)} to {signed(precision.high)}) on {shared}"
    )
    return Check("champion", passed, f"{_standing(worse, better=better)} champion {c.name}: {found}")


def _worse_in(c: ChampionEvidence) -> list[str]:
    proven = {"log loss": c.log_loss.low > 0, "average precision": c.average_precision.high < 0}
    return [name for name, worse in proven.items() if worse]


def _standing(worse: list[str], *, better: bool) -> str:
    if worse:
        return f"worse in {' and '.join(worse)} than"
    return "better than" if better else "not told apart from"


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
