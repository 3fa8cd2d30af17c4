import numpy as np
import pytest

from evaluation.options import BootstrapSettings
from evaluation.statistics import intervals
from evaluation.statistics.alerts import CardTimes, card_precision, precision_at, share_negatives_above
from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.dependence import dependence
from evaluation.statistics.intervals import Interval, RowDetails, count_blocks, paired_bootstrap
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.ranking import average_precision, roc_auc
from evaluation.statistics.sample import DAY
from evaluation.statistics.scores import brier, brier_skill, calibration_line, log_loss, observed_expected
from tests.oracles.evaluation import recall_at_budget, repeated_rows

NAIVE = {
    "roc_auc": roc_auc,
    "average_precision": average_precision,
    "brier": brier,
    "brier_skill": brier_skill,
    "log_loss": log_loss,
    "observed_expected": observed_expected,
    "precision_at_half": precision_at,
    "share_negatives_above_095": share_negatives_above,
    "ece": expected_calibration_error,
    "recall_at_budget": lambda y, p: recall_at_budget(y, p, budget=0.1),
}


def fold(seed: int, rows: int = 500, cards: int = 60, *, decimals: int = 2):
    rng = np.random.default_rng(seed)
    card = rng.integers(0, cards, rows)
    eta = 1 / (1 + np.exp(2.2 - rng.normal(0, 1.3, rows) - rng.normal(0, 1.2, cards)[card]))
    y = (rng.random(rows) < eta).astype(float)
    first = np.clip(np.round(eta, decimals), 0, 1)
    return y, first, np.clip(np.round(eta + rng.normal(0, 0.1, rows), decimals), 0, 1), card


def settings(resamples: int = 40) -> BootstrapSettings:
    return BootstrapSettings(resamples=resamples, budget=0.1)


def drawn_counts(clusters: int, resamples: int, seed: int) -> np.ndarray:
    return np.concatenate(
        [c.T for c in count_blocks(clusters, rng=np.random.default_rng(seed), resamples=resamples, block=7)]
    )


@pytest.mark.parametrize("name", sorted(NAIVE))
def test_every_resample_equals_the_statistic_of_the_repeated_rows(name):
    y, p, _, card = fold(1)
    result = paired_bootstrap(y, {"a": p}, clusters=card, rng=np.random.default_rng(5), settings=settings())
    codes = np.unique(card, return_inverse=True)[1]
    for draw, counts in enumerate(drawn_counts(codes.max() + 1, 40, 5)):
        rows = repeated_rows(codes, counts)
        value = NAIVE[name](y[rows], p[rows])
        assert result.resampled["a"][name][draw] == pytest.approx(value, nan_ok=True), draw


@pytest.mark.parametrize("name", sorted(NAIVE))
def test_values_on_the_rows_themselves_equal_the_metrics(name):
    y, p, _, card = fold(2)
    result = paired_bootstrap(y, {"a": p}, clusters=card, rng=np.random.default_rng(5), settings=settings(2))
    assert result.values["a"][name] == pytest.approx(NAIVE[name](y, p))


def test_value_recall_equals_the_metric_with_amounts():
    y, p, _, card = fold(2)
    amount = np.random.default_rng(1).exponential(50, y.size)
    result = paired_bootstrap(
        y, {"a": p}, clusters=card, rng=np.random.default_rng(5), settings=settings(2), details=RowDetails(amount)
    )
    expected = recall_at_budget(y, p, budget=0.1, amount=amount)
    assert result.values["a"]["value_recall_at_budget"] == pytest.approx(expected)


def test_the_one_step_calibration_line_follows_the_refitted_one():
    y, p, _, card = fold(3, 6000, 400, decimals=6)
    result = paired_bootstrap(y, {"a": p}, clusters=card, rng=np.random.default_rng(5), settings=settings(60))
    codes = np.unique(card, return_inverse=True)[1]
    refitted = [calibration_line(y, p, weight=counts[codes]).slope for counts in drawn_counts(codes.max() + 1, 60, 5)]
    ours = result.resampled["a"]["calibration_slope"]
    assert np.corrcoef(ours, refitted)[0, 1] > 0.99
    assert ours.std() == pytest.approx(np.std(refitted), rel=0.1)
    assert result.values["a"]["calibration_slope"] == pytest.approx(calibration_line(y, p).slope)


def test_blocks_bound_memory_and_never_change_a_result(monkeypatch):
    y, p, _, card = fold(4)
    one = paired_bootstrap(y, {"a": p}, clusters=card, rng=np.random.default_rng(5), settings=settings())
    monkeypatch.setattr(intervals, "BLOCK_FLOATS", 1500)
    other = paired_bootstrap(y, {"a": p}, clusters=card, rng=np.random.default_rng(5), settings=settings())
    for name, draws in one.resampled["a"].items():
        assert other.resampled["a"][name] == pytest.approx(draws, nan_ok=True), name


def test_another_candidate_changes_no_interval_of_the_first():
    y, p, q, card = fold(5)
    alone = paired_bootstrap(y, {"a": p}, clusters=card, rng=np.random.default_rng(5), settings=settings())
    beside = paired_bootstrap(y, {"b": q, "a": p}, clusters=card, rng=np.random.default_rng(5), settings=settings())
    assert alone.interval("a", "brier") == beside.interval("a", "brier")


def test_a_difference_is_tighter_than_its_levels():
    y, p, q, card = fold(6, 4000, 300)
    drawn = paired_bootstrap(y, {"a": p, "b": q}, clusters=card, rng=np.random.default_rng(5), settings=settings(300))
    level, difference = drawn.interval("a", "brier"), drawn.difference("a", "b", "brier")
    assert difference.high - difference.low < 0.7 * (level.high - level.low)
    assert difference.high < 0


def test_a_candidate_does_not_differ_from_itself():
    y, p, _, card = fold(6)
    drawn = paired_bootstrap(y, {"a": p, "b": p}, clusters=card, rng=np.random.default_rng(5), settings=settings())
    d = drawn.difference("a", "b", "roc_auc")
    assert (d.value, d.low, d.high) == (0.0, 0.0, 0.0)


def test_clusters_widen_intervals_where_fraud_sticks_to_cards():
    rng = np.random.default_rng(7)
    card = np.repeat(np.arange(100), 20)
    y = np.repeat((rng.random(100) < 0.2).astype(float), 20)
    p = np.full(2000, y.mean())
    by_card, by_row = (
        paired_bootstrap(y, {"a": p}, clusters=c, rng=np.random.default_rng(5), settings=settings(300)).interval(
            "a", "observed_expected"
        )
        for c in (card, np.arange(2000))
    )
    assert by_card.high - by_card.low > 3 * (by_row.high - by_row.low)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        p = rng.random(1200) ** 3
        y = (rng.random(1200) < p).astype(float)
        drawn = paired_bootstrap(
            y, {"a": p}, clusters=np.arange(1200), rng=rng, settings=BootstrapSettings(resamples=200, ranking=False)
        )
        interval = drawn.interval("a", "observed_expected")
        covered += interval.low <= 1.0 <= interval.high
    assert 0.88 <= covered / 120 <= 1.0


def test_the_interval_of_a_calibration_error_holds_its_value():
    y, p, _, card = fold(8, 3000)
    drawn = paired_bootstrap(y, {"a": p}, clusters=card, rng=np.random.default_rng(5), settings=settings(200))
    interval = drawn.interval("a", "ece")
    assert 0 <= interval.low <= interval.value <= interval.high


def test_card_precision_is_a_mean_over_drawn_days():
    y, p, _, card = fold(9)
    cards = CardTimes(card, np.random.default_rng(1).integers(0, 10 * DAY, y.size))
    drawn = paired_bootstrap(
        y,
        {"a": p},
        clusters=card,
        rng=np.random.default_rng(5),
        settings=settings(200),
        details=RowDetails(cards=cards),
    )
    daily = card_precision(y, p, cards=cards)
    assert drawn.values["a"]["card_precision_at_100"] == pytest.approx(daily.mean)
    assert drawn.resampled["a"]["card_precision_at_100"].std() == pytest.approx(
        daily.precision.std() / np.sqrt(10), rel=0.2
    )


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_gives_nan_with_a_reason_and_never_a_crash(label):
    y = np.full(30, label)
    drawn = paired_bootstrap(
        y, {"a": np.linspace(0, 1, 30)}, clusters=np.arange(30), rng=np.random.default_rng(1), settings=settings()
    )
    interval = drawn.interval("a", "roc_auc")
    assert np.isnan([interval.value, interval.low, interval.high]).all()
    assert interval.reason == "undefined in 40 of 40 resamples"
    assert np.isfinite(drawn.interval("a", "brier").low)


def test_no_rows_give_nan_everywhere():
    drawn = paired_bootstrap([], {"a": []}, clusters=[], rng=np.random.default_rng(1), settings=settings())
    assert all(np.isnan(value) for value in drawn.values["a"].values())
    assert np.isnan(drawn.interval("a", "brier").low)


def test_weights_count_rows_as_often_in_every_statistic():
    y, p, _, card = fold(10)
    weight = 1.0 + (card % 3)
    rows = np.repeat(np.arange(y.size), weight.astype(int))
    weighted = paired_bootstrap(
        y,
        {"a": p},
        clusters=card,
        rng=np.random.default_rng(5),
        settings=settings(60),
        details=RowDetails(weight=weight),
    )
    repeated = paired_bootstrap(
        y[rows], {"a": p[rows]}, clusters=card[rows], rng=np.random.default_rng(5), settings=settings(60)
    )
    for name, value in repeated.values["a"].items():
        assert weighted.values["a"][name] == pytest.approx(value, nan_ok=True), name
        assert weighted.interval("a", name).high == pytest.approx(repeated.interval("a", name).high, nan_ok=True), name


def crossed_worlds(worlds: int) -> list[tuple[Interval, Interval]]:
    """Observed/expected of an honest model under one-way cards and under both, where merchants have bursts."""
    result = []
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        card, merchant = rng.integers(0, 300, 2_500), rng.integers(0, 60, 2_500)
        eta = 0.1 * np.exp(rng.normal(-0.02, 0.2, 300)[card] + rng.normal(-0.125, 0.5, 60)[merchant])
        y = (rng.random(card.size) < eta).astype(float)
        rows = JudgedRows(y, np.zeros(card.size, dtype=np.int64), np.ones(card.size), card, merchant=merchant)
        drawn = [
            paired_bootstrap(
                y,
                {"a": np.full(y.size, 0.1)},
                clusters=dependence(rows, by=by, fewest=30),
                rng=rng,
                settings=BootstrapSettings(resamples=100, ranking=False),
            )
            for by in ("card", "auto")
        ]
        result.append(tuple(each.interval("a", "observed_expected") for each in drawn))
    return result


def test_intervals_by_cards_and_merchants_hold_what_cards_alone_miss():
    found = crossed_worlds(40)
    by_card, both = (np.mean([pair[way].low <= 1.0 <= pair[way].high for pair in found]) for way in (0, 1))
    assert both >= 0.88
    assert by_card < both - 0.05


def test_a_difference_is_widened_by_the_merchants_it_depends_on():
    rng = np.random.default_rng(2)
    card, merchant = rng.integers(0, 500, 6_000), rng.integers(0, 60, 6_000)
    tilt = rng.normal(0, 0.5, 60)[merchant]
    p = np.clip(0.2 + 0.1 * rng.normal(size=6_000), 0.01, 0.9)
    y = (rng.random(6_000) < np.clip(p * np.exp(tilt), 0, 1)).astype(float)
    rows = JudgedRows(y, np.zeros(6_000, dtype=np.int64), np.ones(6_000), card, merchant=merchant)
    both = {"a": p, "b": np.clip(p * 1.2, 0, 1)}
    by_card, two_way = (
        paired_bootstrap(
            y, both, clusters=dependence(rows, by=by, fewest=30), rng=rng, settings=settings(300)
        ).difference("a", "b", "log_loss")
        for by in ("card", "auto")
    )
    assert two_way.high - two_way.low > 1.5 * (by_card.high - by_card.low)
