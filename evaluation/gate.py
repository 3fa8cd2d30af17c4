"""The gate: a pure function from evidence to a verdict with reasons in words, and to each reason what to do about it.

A refusal keeps something else in production, so the first question is whether the candidate is better than that. Then
come the absolute ones, each asked of an interval: only what lies wholly outside its limits is refused. What cannot be
shown never passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeGuard

from evaluation.formatting import number, signed
from evaluation.options import GateConfig
from evaluation.statistics.intervals import Interval

Status = Literal["met", "open", "warned", "refused", "absent"]
"""Shown; cannot be told from the limit, which passes; outside and let through for a reason; outside; not applicable."""
LEVEL, ERROR = "calibration in the large", "calibration error"
STANDING = {"met": True, "open": True, "warned": True, "refused": False, "absent": None}


@dataclass(frozen=True)
class Comparison:
    """The candidate against another model on the rows that both may be judged on; differences are candidate − other.

    Attributes:
        name: of the other model, such as "champion 7".
        rows: the shared rows; `frauds` among them.
        other_log_loss: of the other model.
        log_loss: paired 95 % interval of the difference, below 0 where the candidate is better.
        log_loss_likely: the 90 % interval of the same.
        average_precision: paired 95 % interval of the difference, above 0 where the candidate is better.
        observed_expected: of the other model, and `own_observed_expected` of the candidate on the same rows.
        problem: why it could not be scored at all (a missing feature, a broken bundle), else empty.
    """

    name: str
    rows: int
    frauds: int
    other_log_loss: float
    log_loss: Interval
    log_loss_likely: Interval
    average_precision: Interval
    observed_expected: Interval
    own_observed_expected: Interval
    problem: str = ""

    @property
    def relative(self) -> float:
        """The difference in log loss as a share of the other model's."""
        return self.log_loss.value / self.other_log_loss if self.other_log_loss > 0 else float("nan")


@dataclass(frozen=True)
class MapFit:
    """Level and slope of the probabilities that serve, on the rows that their map was fitted on; 1 is right.

    Attributes:
        level: observed over promised frauds, and `level_error` its standard error by chance.
        slope: of the outcome's log odds on the promised ones, and `slope_error` likewise.
    """

    level: float
    level_error: float
    slope: float
    slope_error: float


@dataclass(frozen=True)
class GateEvidence:
    """Everything the gate looks at, for the candidate that would ship, on the test fold.

    Attributes:
        rows: judged rows; `frauds` among them.
        observed_expected: frauds that happened over frauds promised.
        calibration_slope: of the outcome's log odds on the promised ones; 1 is right.
        ece_debiased: calibration error over `bins` equal-width bins beyond what chance shows.
        prevalence: fraud rate of the judged rows.
        bins: of the calibration error.
        brier_skill: share of the base rate's Brier score that the candidate removes.
        baseline: the comparison with the plainest model.
        map_fit: on calib; None where it is not known.
        champion: the comparison with the model in use; None where there is none.
        anchor: the comparison with the champion of some time ago; None where there is none.
        drift: alarms that refuse; None where drift is shown and stops nothing.
    """

    rows: int
    frauds: int
    observed_expected: Interval
    calibration_slope: Interval
    ece_debiased: Interval
    prevalence: float
    bins: int
    brier_skill: Interval
    baseline: Comparison
    map_fit: MapFit | None = None
    champion: Comparison | None = None
    anchor: Comparison | None = None
    drift: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Check:
    """One rule's outcome in words, and where it is not met the likely cause and what to do."""

    name: str
    status: Status
    text: str
    remedy: str = ""

    @property
    def passed(self) -> bool | None:
        """True or False; None where the rule does not apply."""
        return STANDING[self.status]


@dataclass(frozen=True)
class Verdict:
    """Passed or not; the reasons are the refusals, or where there are none what each rule found.

    `remedies` stand beside the reasons, one each, empty where nothing is to be done. `figures` are the numbers that
    reasons quote and no candidate's statistics hold.
    """

    passed: bool
    reasons: tuple[str, ...]
    remedies: tuple[str, ...]
    checks: tuple[Check, ...]
    figures: dict[str, float]


def judge(evidence: GateEvidence, *, config: GateConfig) -> Verdict:
    """Hold the evidence against every rule; all rules are looked at, so all reasons are told.

    A statistic that is undefined refuses: what cannot be shown is not proven. A level that alone is outside its band
    passes with a warning where the champion's is further outside: a refusal would keep the worse one.

    >>> even, better = Interval(1.0, 0.9, 1.1), Interval(-0.01, -0.02, -0.005)
    >>> plain = Comparison("the baseline", 1000, 20, 0.06, better, better, Interval(0.1, 0.0, 0.2), even, even)
    >>> few = GateEvidence(rows=1000, frauds=20, observed_expected=even, calibration_slope=even, prevalence=0.02,
    ...     ece_debiased=Interval(0.0, 0.0, 0.002), bins=15, brier_skill=Interval(0.3, 0.2, 0.4), baseline=plain)
    >>> judge(few, config=GateConfig(min_frauds=100)).reasons
    ('20 frauds among 1,000 test rows, but 100 are needed',)

    Args:
        evidence: numbers of the test fold.
        config: limits.
    """
    checks = _with_worse_incumbent(tuple(_checks(evidence, config)), evidence, config)
    refusals = tuple(check for check in checks if check.status == "refused")
    told = refusals or checks
    return Verdict(
        passed=not refusals,
        reasons=tuple(check.text for check in told),
        remedies=tuple(check.remedy for check in told),
        checks=checks,
        figures=_figures(evidence, config),
    )


def _checks(e: GateEvidence, config: GateConfig) -> Iterator[Check]:
    yield _enough_frauds(e, config)
    yield _against_champion(e.champion, config)
    yield _against_baseline(e, config)
    if e.anchor is not None:
        yield _against_anchor(e.anchor, config)
    yield _skill(e.brier_skill)
    if e.map_fit is not None:
        yield _map(e.map_fit, config)
    yield _level(e.observed_expected, config)
    yield _slope(e.calibration_slope, config)
    yield _calibration_error(e, config)
    if e.drift is not None:
        yield _drift(e.drift)


def _enough_frauds(e: GateEvidence, config: GateConfig) -> Check:
    met = e.frauds >= config.min_frauds
    text = f"{e.frauds:,} frauds among {e.rows:,} test rows, {'and' if met else 'but'} {config.min_frauds:,} are needed"
    remedy = (
        "Too little happened in the test fold to judge a model by, or its labels have not come yet: lengthen "
        "split.test, wait for labels, or check that frauds are labelled 1"
    )
    return _check("enough frauds", "met" if met else "refused", text, remedy)


def _against_champion(c: Comparison | None, config: GateConfig) -> Check:
    """The model in use: refused when proven worse, or likely worse by more than the margin."""
    if c is None:
        return Check("champion", "absent", "there is no champion to compare with")
    shown = config.champion_rule == "shown"
    if doubt := _not_comparable(c, config):
        return _check("champion", "absent" if shown else "refused", f"{c.name} is not comparable: {doubt}", _UNCOMPARED)
    status, text = _compared(c, config)
    if status == "open" and config.champion_rule == "better":
        status = "refused"
    remedy = (
        "The model in use stays, because it served these rows better or as well: look at Drift and at what changed in "
        "data, features or settings since it was trained; a longer split.test tells small differences apart"
    )
    return _check("champion", "absent" if shown else status, text, remedy)


def _against_baseline(e: GateEvidence, config: GateConfig) -> Check:
    """The plainest model: where there is no champion, it is what a refusal would leave."""
    b = e.baseline
    if e.champion is not None and config.champion_rule != "shown":
        return Check("baseline", "absent", f"the champion counts; against {b.name}: {_found(b)}")
    if not b.log_loss.low <= b.log_loss.high:
        return _check("baseline", "refused", f"cannot be compared with {b.name} in log loss", _BASELINE)
    return _check("baseline", *_compared(b, config), _BASELINE)


def _against_anchor(a: Comparison, config: GateConfig) -> Check:
    """The fixed anchor: many nights of "not proven worse than yesterday" may add up."""
    doubt = _not_comparable(a, config)
    if config.champion_rule == "shown":
        return Check("anchor", "absent", f"{a.name} is shown and refuses nothing: {doubt or _found(a)}")
    if doubt:
        return _check("anchor", "warned", f"{a.name} is not comparable: {doubt}", _UNCOMPARED)
    remedy = (
        "Small losses of many nights have added up: compare with the run behind the anchor in tracking, and roll back "
        "if the anchor is better still"
    )
    return _check("anchor", *_compared(a, config), remedy)


def _skill(skill: Interval) -> Check:
    status: Status = "met" if skill.low > 0 else "refused"
    beyond = "above 0" if status == "met" else "not shown to be above 0"
    text = f"Brier skill is {_with_interval(skill)}, {beyond}"
    remedy = (
        "The probabilities are no better than saying the fraud rate for every row: look for labels and rows that do "
        "not belong together, folds that were swapped, or features that are empty in test"
    )
    return _check("skill", status, text, remedy)


def _map(found: MapFit, config: GateConfig) -> Check:
    """What serves must be right on calib in level and slope: it was fitted to be."""
    errors = {
        "observed/expected": (found.level, found.level_error),
        "slope": (found.slope, found.slope_error),
    }
    off = [
        name for name, (value, error) in errors.items() if not abs(value - 1) <= max(config.map_tolerance, 3 * error)
    ]
    text = f"on calib what serves has observed/expected {found.level:.3f} and slope {found.slope:.3f}"
    allowed = f"{config.map_tolerance:.0%}"
    remedy = (
        "What serves is not the map that was fitted on calib, or was fitted on other labels: run calibrate and what "
        "follows it again, and compare calibrators.json with the run it came from"
    )
    if off:
        return _check("map", "refused", f"{text}: {' and '.join(off)} off by more than {allowed} and chance", remedy)
    return _check("map", "met", f"{text}, within {allowed} or chance", remedy)


def _level(i: Interval, config: GateConfig) -> Check:
    found = f"observed/expected is {_with_interval(i)}"
    return _in_band(LEVEL, i, found, config.band, _level_remedy(i))


def _slope(i: Interval, config: GateConfig) -> Check:
    found = f"calibration slope is {_with_interval(i)}"
    remedy = (
        "Below 1 the probabilities are too extreme, above 1 too timid: calib may hold too few frauds to fit a map on "
        "(lengthen split.calib), or the world of test is not that of calib (look at Drift)"
    )
    return _in_band("calibration slope", i, found, config.slope_band, remedy)


def _calibration_error(e: GateEvidence, config: GateConfig) -> Check:
    """Refused only where the whole interval lies above the tolerance: few frauds make any ECE large."""
    i, limit = e.ece_debiased, config.ece_tolerance * e.prevalence
    found = f"debiased ECE is {_with_interval(i, 5)} over {e.bins} equal-width bins"
    allowed = f"{config.ece_tolerance:g} × prevalence ({limit:.5f})"
    remedy = (
        "Probabilities are off by more than noise: see Reliability for where. Off everywhere by one factor: the fraud "
        "rate moved or labels are late; off at the top alone: too few frauds in calib, or another calibration.method"
    )
    if not i.low <= min(limit, i.high):
        return _check(ERROR, "refused", f"{found}, and lies wholly above {allowed}", remedy)
    if i.value > limit:
        return _check(ERROR, "open", f"{found}, which cannot be told from {allowed}", remedy)
    return _check(ERROR, "met" if i.high <= limit else "open", f"{found}, within {allowed}", remedy)


def _drift(alarms: tuple[str, ...]) -> Check:
    text = "; ".join(alarms) or "the newest rows look like those of train"
    remedy = "The newest rows are not what train was: look at Drift, and train on newer rows or repair the feed"
    return _check("drift", "refused" if alarms else "met", text, remedy)


def _with_worse_incumbent(checks: tuple[Check, ...], e: GateEvidence, config: GateConfig) -> tuple[Check, ...]:
    """The checks, a refused level let through with a warning where the champion's is proven off too, and by more.

    A level that is off moves the calibration error too; the slope says whether it is the level alone. Both levels are
    those of the rows that the two share.
    """
    refused = {check.name for check in checks if check.status == "refused"}
    level_alone = LEVEL in refused and refused <= {LEVEL, ERROR}
    if not level_alone or config.champion_rule == "shown" or not _further_off(e.champion, config.band):
        return checks
    other = e.champion.observed_expected
    remark = f"; {e.champion.name} is further off, {_with_interval(other)}, and refusing would keep it"
    return tuple(
        replace(check, status="warned", text=check.text + remark) if check.name in refused else check
        for check in checks
    )


def _further_off(c: Comparison | None, band: tuple[float, float]) -> TypeGuard[Comparison]:
    """Whether the champion's level is proven off, and by more than the candidate's."""
    if c is None or not _outside(c.observed_expected, band):
        return False
    return _beyond(c.observed_expected, band) > _beyond(c.own_observed_expected, band)


def _beyond(i: Interval, band: tuple[float, float]) -> float:
    """How many times further than the band allows observed/expected is; 1 at its edge, NaN where undefined."""
    return max(i.value / band[1], band[0] / i.value) if i.value > 0 else float("nan")


def _outside(i: Interval, band: tuple[float, float]) -> bool:
    """Whether a whole interval lies outside; False where it is undefined."""
    return i.high < band[0] or i.low > band[1]


def _in_band(name: str, i: Interval, found: str, band: tuple[float, float], remedy: str) -> Check:
    """Refused where the whole interval is outside, or undefined; met where it is inside; else open."""
    low, high = band
    limits = f"[{low:g}, {high:g}]"
    if not (i.low <= high and i.high >= low):
        return Check(name, "refused", f"{found}, wholly outside {limits}", remedy)
    if low <= i.low and i.high <= high:
        return Check(name, "met", f"{found}, inside {limits}")
    if low <= i.value <= high:
        return Check(name, "open", f"{found}: inside {limits}, its interval not wholly")
    return Check(name, "open", f"{found}, which cannot be told from {limits}", remedy)


def _level_remedy(i: Interval) -> str:
    if not i.low <= i.high:
        return "Too few frauds or clusters to tell the level: lengthen split.test, or wait for labels"
    if i.value < 1:
        return (
            "More fraud is promised than came: labels of the newest test rows may still be on their way (run with "
            "--as-of, raise labels.delay, end test earlier), or fraud has become rarer since calib"
        )
    return (
        "More fraud came than is promised: fraud has become more frequent since calib (retrain on newer rows), or "
        "calib lacks frauds that were reported late (raise labels.delay, look at the label notes)"
    )


def _compared(c: Comparison, config: GateConfig) -> tuple[Status, str]:
    """Worse, better or neither than another model, and the numbers."""
    if worse := _worse(c, config):
        return "refused", f"{worse} {c.name}: {_found(c)}"
    if c.log_loss.high < 0:
        return "met", f"better than {c.name}: {_found(c)}"
    return "open", f"not told apart from {c.name}: {_found(c)}"


def _worse(c: Comparison, config: GateConfig) -> str:
    """In what words the candidate is worse; empty where it is not."""
    if c.log_loss.low > 0:
        return "worse in log loss than"
    if c.relative > config.margin and c.log_loss_likely.low > 0:
        return f"likely worse in log loss, by more than {config.margin:.1%}, than"
    return ""


def _not_comparable(c: Comparison, config: GateConfig) -> str:
    if c.problem:
        return c.problem
    if c.frauds < config.min_champion_frauds or not c.log_loss.low <= c.log_loss.high:
        return f"{_shared(c)}, {config.min_champion_frauds} are needed"
    return ""


def _found(c: Comparison) -> str:
    loss, precision = c.log_loss, c.average_precision
    return (
        f"log loss {signed(loss.value, 5)} ({signed(loss.low, 5)} to {signed(loss.high, 5)}), "
        f"a change of {signed(100 * c.relative, 1)} %; average precision {signed(precision.value)} "
        f"({signed(precision.low)} to {signed(precision.high)}) on {_shared(c)}"
    )


def _with_interval(i: Interval, digits: int = 3) -> str:
    return f"{number(i.value, digits)} (95 % interval {number(i.low, digits)} to {number(i.high, digits)})"


def _shared(c: Comparison) -> str:
    return f"{c.frauds:,} frauds among {c.rows:,} test rows that neither model has seen"


def _check(name: str, status: Status, text: str, remedy: str) -> Check:
    """A check that tells its remedy only where something is wrong."""
    return Check(name, status, text, remedy if status in ("warned", "refused") else "")


_UNCOMPARED = (
    "Nothing says that the candidate is as good as the model in use: repair what keeps that one from being scored, or "
    "lengthen split.test until both share enough frauds"
)
_BASELINE = (
    "A logistic regression does as well: the features say little, train or valid hold too few frauds, or label windows "
    "were empty in train; look at the data notes"
)


def _figures(e: GateEvidence, config: GateConfig) -> dict[str, float]:
    figures = {"ece_limit": config.ece_tolerance * e.prevalence}
    for key, c in (("baseline", e.baseline), ("champion", e.champion), ("anchor", e.anchor)):
        if c is None:
            continue
        figures |= {f"{key}.rows": float(c.rows), f"{key}.frauds": float(c.frauds), f"{key}.relative": c.relative}
        for name, i in (("log_loss", c.log_loss), ("average_precision", c.average_precision)):
            figures |= {f"{key}.{name}": i.value, f"{key}.{name}.low": i.low, f"{key}.{name}.high": i.high}
    return figures
