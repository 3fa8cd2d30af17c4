"""Which smoothing and class weight the sweep should ship, ranked on valid by a rule that miscalibration cannot fool.

A setting's raw output is off by a known map (smoothing, weights), so raw scores would compare maps, not models. Each
setting is therefore judged by its log loss after an affine map of the raw logit, fitted on other blocks of time.

The smallest mean is the luckiest of many, so it only wins where it must: the simplest setting that is not proven worse
is taken (the one-standard-error rule of Breiman et al., 1984, with the quantile that as many rivals need).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from evaluation.errors import InputError
from evaluation.paired_losses import FALSE_ALARMS, PairedDifference, RowLosses
from evaluation.statistics.alerts import precision_at, share_negatives_above
from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.logistic_line import logistic_line
from evaluation.statistics.ranking import area_below, mean_precision, thresholds
from evaluation.statistics.sample import DAY, Floats, Integers, raise_faults, same_length, sample
from evaluation.statistics.scores import brier, log_loss, log_loss_rows
from evaluation.statistics.side_by_side import side_by_side

RIDGE = 1e-3
FEWEST_DAYS, FEWEST_MERCHANTS = 5, 10
"""Days of valid below which blocks of time are its clusters: the spread of a few numbers is a number by chance."""
TIME_CLUSTERS = 20
"""How many blocks of time then."""
WEIGHT_ORDER = ("none", "sqrt", "balanced")
"""Class weights, the simplest first."""
STATISTICS = (
    "roc_auc",
    "average_precision",
    "brier",
    "ece",
    "log_loss",
    "precision_at_half",
    "share_negatives_above_095",
)


@dataclass(frozen=True)
class Setting:
    """One point of the grid, in torch's smoothing convention."""

    smoothing: float
    class_weight: str
    weighting: str

    @property
    def text(self) -> str:
        """The setting in words: "ε = 0.1, balanced weights (column)", or "ε = 0, no class weights"."""
        if self.class_weight == "none":
            return f"ε = {self.smoothing:g}, no class weights"
        return f"ε = {self.smoothing:g}, {self.class_weight} weights ({self.weighting})"


@dataclass(frozen=True)
class SettingOutcome:
    """What one fit of one setting gave on valid.

    Attributes:
        setting: smoothing, class weight and weighting.
        repeat: index of the fit; repeats differ in initial weights alone.
        margins: raw logit_1 − logit_0 on valid [N].
        posterior: the closed-form inverse of the margins, P(fraud) [N].
        train_accuracy: share of train rows on the right side of 0.5.
        selectable: False for rows that are shown but must not win.
        finished: False where a race stopped it: it is compared as it was then, and must not win.
    """

    setting: Setting
    repeat: int
    margins: Floats
    posterior: Floats
    train_accuracy: float
    selectable: bool = True
    finished: bool = True


@dataclass(frozen=True)
class SweepRow:
    """A setting's statistics on valid, means over its repeats; `raw` before and `inverted` after the inverse.

    `behind` is how far it lies behind the smallest mean; None for rows that are shown and must not win. One that is not
    `finished` was stopped in a race, and does not win either.
    """

    setting: Setting
    repeats: int
    selectable: bool
    finished: bool
    log_loss_affine: float
    log_loss_affine_spread: float
    train_accuracy: float
    raw: dict[str, float]
    inverted: dict[str, float]
    behind: PairedDifference | None = None


@dataclass(frozen=True)
class SweepRanking:
    """The sweep, best first, and what follows from it.

    Attributes:
        rows: every setting, the selectable ones within the AUC tolerance first, by log loss.
        selected: the winner: the simplest setting that is not proven worse than `smallest_mean`.
        simplest: what needs no proof: ε = 0 without class weights, or what of the sweep comes closest to it.
        smallest_mean: what the smallest mean log loss would have chosen.
        unsmoothed: the ε = 0 twin with the winner's class weight and weighting.
        smoothed: the winner itself if it has ε > 0, else the best ε > 0; None without any.
        lowest_ece: what the lowest raw ECE would have chosen.
        lowest_ece_inverted: what the lowest ECE after the inverse would have chosen.
        rule: the rule in words.
        best_roc_auc: the highest mean ROC AUC among selectable settings.
        rows_judged: rows of valid; `frauds_judged` the frauds among them.
        losses: log loss of every row under every selectable setting.
    """

    rows: tuple[SweepRow, ...]
    selected: Setting
    simplest: Setting
    smallest_mean: Setting
    unsmoothed: Setting | None
    smoothed: Setting | None
    lowest_ece: Setting
    lowest_ece_inverted: Setting
    rule: str
    best_roc_auc: float
    rows_judged: int
    frauds_judged: int
    losses: RowLosses[Setting]

    def behind(self, setting: Setting) -> PairedDifference:
        """How far a selectable setting lies behind the smallest mean."""
        return self.losses.difference(setting, self.smallest_mean)


def rank_sweep(
    labels: ArrayLike,
    outcomes: Sequence[SettingOutcome],
    *,
    event_time: ArrayLike,
    merchant: ArrayLike | None = None,
    folds: int = 5,
    auc_tolerance: float = 0.01,
    bins: int = 15,
) -> SweepRanking:
    """Rank settings by mean log loss after a cross-fitted affine map, and select the simplest not proven worse.

    Settings are gone through from ε = 0 upwards, none before sqrt before balanced weights within an ε = 0 or any
    other. The first that the smallest mean does not beat is selected. To beat is to lead by more than Student's
    quantile for as many rivals times the standard error of the paired difference, days or merchants taken as a whole,
    whichever says less, and to lead in every repeat. With a single repeat two networks are compared as they are, which
    is what ships; what other initial weights would have made of the same settings several repeats put into the error.

    ECE never selects: a histogram with half the skill can have the lowest. It is shown what it would have chosen.

    Args:
        labels: 0 or 1 on valid [N].
        outcomes: every setting and repeat, margins and posterior [N].
        event_time: microseconds since the epoch [N]; cross-fitting leaves out one block of time after the other.
        merchant: merchant codes, < 0 for none [N]; None leaves time alone to make clusters.
        folds: number of blocks.
        auc_tolerance: how far below the mean ROC AUC of the simplest setting another may lie and still win.
        bins: of the calibration errors that are shown.

    Raises:
        InputError: no outcomes, arrays of different length, or valid lacks frauds or legitimate rows.
    """
    y = sample(labels, np.zeros(np.shape(labels))).labels
    if not outcomes or not 0.0 < y.sum() < y.size:
        raise InputError(
            f"ranking needs settings and both classes on valid, got {len(outcomes)} fits, "
            f"{int(y.sum())} frauds among {y.size} rows"
        )
    every = setting_losses(y, outcomes, event_time=event_time, merchant=merchant, folds=folds)
    grouped = _by_setting(outcomes)
    rows = side_by_side(lambda setting: _sweep_row(y, grouped[setting], every.by_setting[setting], bins=bins), grouped)
    shippable = [row.setting for row in rows if row.selectable] or list(grouped)
    compared = RowLosses({setting: every.by_setting[setting] for setting in shippable}, every.clusters)
    return _ranking(rows, y, compared, auc_tolerance=auc_tolerance, folds=folds)


def setting_losses(
    labels: ArrayLike,
    outcomes: Sequence[SettingOutcome],
    *,
    event_time: ArrayLike,
    merchant: ArrayLike | None = None,
    folds: int = 5,
) -> RowLosses[Setting]:
    """Log loss of every row under every setting and repeat after the cross-fitted affine map, and what hangs together.

    Args:
        labels: 0 or 1 on valid [N].
        outcomes: as `rank_sweep` takes them.
        event_time: microseconds since the epoch [N].
        merchant: merchant codes, < 0 for none [N].
        folds: blocks of time that are left out in turn.

    Raises:
        InputError: arrays of different length.
    """
    y, block = sample(labels, np.zeros(np.shape(labels))).labels, time_blocks(event_time, folds=folds)
    for outcome in outcomes:
        same_length(y.size, margins=outcome.margins, posterior=outcome.posterior)
    grouped = _by_setting(outcomes)
    losses = side_by_side(lambda group: _losses(y, group, block), grouped.values())
    return RowLosses(dict(zip(grouped, losses, strict=True)), _clusters(event_time, merchant))


def cross_fitted_affine(labels: ArrayLike, margins: ArrayLike, *, block: Integers) -> Floats:
    """P(fraud) from a · margin + b with a, b fitted by log loss on the other blocks [N].

    A ridge of 0.001 on the summed loss keeps separable blocks finite; where the other blocks hold one class only, the
    margin is taken as it is.

    Args:
        labels: 0 or 1 [N].
        margins: raw log odds, finite [N].
        block: the block of each row, as `time_blocks` gives it [N].

    Raises:
        InputError: a margin is not finite.
    """
    z = np.asarray(margins, dtype=np.float64)
    rule = "margins must be finite"
    raise_faults({rule: ~np.isfinite(z)}, {rule: z}, refusal=InputError)
    y = sample(labels, np.zeros(z.shape)).labels
    result = np.empty_like(z)
    for held in np.unique(block):
        out = block == held
        line = (0.0, 1.0)
        if 0.0 < y[~out].sum() < (~out).sum():
            fitted = logistic_line(y[~out], z[~out], np.ones(int((~out).sum())), ridge=RIDGE)
            line = fitted if np.isfinite(fitted).all() else line
        result[out] = expit(line[0] + line[1] * z[out])
    return result


def simplicity(setting: Setting) -> tuple[float, int, str, str]:
    """The simplest is the smallest: less smoothing, then lighter class weights; those of unknown names come last."""
    name = setting.class_weight
    place = WEIGHT_ORDER.index(name) if name in WEIGHT_ORDER else len(WEIGHT_ORDER)
    return setting.smoothing, place, name, setting.weighting


def time_blocks(event_time: ArrayLike, *, folds: int) -> Integers:
    """Block 0 … folds − 1 of each row, about equal in rows; rows of one time share a block, so order is no matter.

    >>> time_blocks([30, 10, 20, 40, 40], folds=2).tolist()
    [1, 0, 0, 1, 1]

    Args:
        event_time: microseconds since the epoch [N].
        folds: number of blocks.
    """
    times = np.asarray(event_time, dtype=np.int64)
    _, group, counts = np.unique(times, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2.0) / max(times.size, 1)
    result: Integers = np.minimum((middle * folds).astype(np.int64), folds - 1)[group]
    return result


def sweep_statistics(
    labels: ArrayLike, probabilities: ArrayLike, *, bins: int, weight: ArrayLike | None = None
) -> dict[str, float]:
    """The statistics of the sweep table for one vector of probabilities.

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        bins: of the calibration error, of equal width.
        weight: row weights, ≥ 0 [N]; None counts each row once.
    """
    order = thresholds(sample(labels, probabilities, weight=weight))
    values = (
        area_below(order),
        mean_precision(order),
        brier(labels, probabilities, weight=weight),
        expected_calibration_error(labels, probabilities, bins=bins, weight=weight),
        log_loss(labels, probabilities, weight=weight),
        precision_at(labels, probabilities, weight=weight),
        share_negatives_above(labels, probabilities, weight=weight),
    )
    return dict(zip(STATISTICS, values, strict=True))


def _by_setting(outcomes: Sequence[SettingOutcome]) -> dict[Setting, list[SettingOutcome]]:
    """The repeats of every setting, in the order in which they came."""
    grouped: dict[Setting, list[SettingOutcome]] = {}
    for outcome in outcomes:
        grouped.setdefault(outcome.setting, []).append(outcome)
    return grouped


def _losses(labels: Floats, outcomes: Sequence[SettingOutcome], block: Integers) -> Floats:
    """Log loss of each row after the cross-fitted affine map, a row a repeat [R, N]."""
    return np.stack([log_loss_rows(labels, cross_fitted_affine(labels, o.margins, block=block)) for o in outcomes])


def _clusters(event_time: ArrayLike, merchant: ArrayLike | None) -> dict[str, Integers]:
    """What hangs together: rows of a day, or of one of many blocks of time where there are few days, and of a merchant.

    Rows without a merchant are clusters of their own. A handful of merchants would tell nothing, and days do.
    """
    day = np.asarray(event_time, dtype=np.int64) // DAY
    blocks = time_blocks(event_time, folds=TIME_CLUSTERS)
    times = {"day": day} if np.unique(day).size >= FEWEST_DAYS else {"block of time": blocks}
    code = np.full(day.size, -1) if merchant is None else np.asarray(merchant, dtype=np.int64)
    if np.unique(code[code >= 0]).size < FEWEST_MERCHANTS:
        return times
    return times | {"merchant": np.where(code >= 0, code, -1 - np.arange(code.size))}


def _sweep_row(labels: Floats, outcomes: Sequence[SettingOutcome], losses: Floats, *, bins: int) -> SweepRow:
    affine = losses.mean(axis=1)
    return SweepRow(
        setting=outcomes[0].setting,
        repeats=len(outcomes),
        selectable=all(o.selectable for o in outcomes),
        finished=all(o.finished for o in outcomes),
        log_loss_affine=float(np.mean(affine)),
        log_loss_affine_spread=float(np.std(affine, ddof=1)) if len(affine) > 1 else float("nan"),
        train_accuracy=float(np.mean([o.train_accuracy for o in outcomes])),
        raw=_mean_statistics(labels, [expit(o.margins) for o in outcomes], bins=bins),
        inverted=_mean_statistics(labels, [o.posterior for o in outcomes], bins=bins),
    )


def _mean_statistics(labels: Floats, repeats: Sequence[Floats], *, bins: int) -> dict[str, float]:
    found = [sweep_statistics(labels, p, bins=bins) for p in repeats]
    return {name: float(np.mean([each[name] for each in found])) for name in STATISTICS}


def _ranking(
    rows: list[SweepRow], labels: Floats, losses: RowLosses[Setting], *, auc_tolerance: float, folds: int
) -> SweepRanking:
    shippable = [row for row in rows if row.setting in losses.by_setting]
    simplest = min(shippable, key=lambda row: simplicity(row.setting))
    least_auc = simplest.raw["roc_auc"] - auc_tolerance
    ranked = sorted(rows, key=lambda row: _place(row, least_auc=least_auc))
    smallest = ranked[0].setting
    behind = {row.setting: losses.difference(row.setting, smallest) for row in shippable}
    selected = _first_unbeaten([row for row in shippable if row.finished], behind, least_auc=least_auc)
    return SweepRanking(
        rows=tuple(replace(row, behind=behind.get(row.setting)) for row in ranked),
        selected=selected,
        simplest=simplest.setting,
        smallest_mean=smallest,
        unsmoothed=_unsmoothed_twin(rows, selected),
        smoothed=selected if selected.smoothing > 0 else _best_smoothed(ranked),
        lowest_ece=_lowest_ece(rows, {row.setting: row.raw["ece"] for row in rows}),
        lowest_ece_inverted=_lowest_ece(rows, {row.setting: row.inverted["ece"] for row in rows}),
        rule=_rule(simplest, folds=folds, auc_tolerance=auc_tolerance, clusters=" or ".join(losses.clusters)),
        best_roc_auc=max(row.raw["roc_auc"] for row in shippable),
        rows_judged=int(labels.size),
        frauds_judged=int(labels.sum()),
        losses=losses,
    )


def _first_unbeaten(
    rows: Sequence[SweepRow], behind: Mapping[Setting, PairedDifference], *, least_auc: float
) -> Setting:
    """The simplest that may win and is not proven worse; the smallest mean is not behind itself, so there is one."""
    allowed = [row.setting for row in rows if row.raw["roc_auc"] >= least_auc]
    return next(each for each in sorted(allowed, key=simplicity) if not behind[each].proven)


def _unsmoothed_twin(rows: Sequence[SweepRow], selected: Setting) -> Setting | None:
    twin = replace(selected, smoothing=0.0)
    return twin if any(row.setting == twin and row.finished for row in rows) else None


def _lowest_ece(rows: Sequence[SweepRow], ece: Mapping[Setting, float]) -> Setting:
    return min((row.setting for row in rows), key=lambda each: (ece[each], *_key(each)))


def _rule(simplest: SweepRow, *, folds: int, auc_tolerance: float, clusters: str) -> str:
    """The rule in words."""
    repeats = f" and in each of {simplest.repeats} repeats" if simplest.repeats > 1 else ""
    return (
        "the simplest setting (ε = 0 first, then no class weights) that is not proven worse than the smallest mean log "
        f"loss on valid after an affine map of the raw logit cross-fitted over {folds} blocks of time; proven is a "
        f"paired difference beyond Student's {1 - FALSE_ALARMS:.0%} limit for as many rivals, clusters by {clusters}"
        f"{repeats}; ROC AUC may lie at most {auc_tolerance:g} below that of {simplest.setting.text} "
        f"({simplest.raw['roc_auc']:.4f})"
    )


def _place(row: SweepRow, *, least_auc: float) -> tuple[bool, bool, bool, float, float, str, str]:
    """What settings are sorted by: those that may win first, then those that rank well enough, then log loss."""
    return (
        not row.selectable,
        not row.finished,
        row.raw["roc_auc"] < least_auc,
        row.log_loss_affine,
        *_key(row.setting),
    )


def _best_smoothed(ranked: list[SweepRow]) -> Setting | None:
    shippable = [row for row in ranked if row.selectable] or ranked
    return next((row.setting for row in shippable if row.setting.smoothing > 0 and row.finished), None)


def _key(setting: Setting) -> tuple[float, str, str]:
    """Breaks ties: less smoothing first, then by name."""
    return setting.smoothing, setting.class_weight, setting.weighting
