"""Two-way bootstrap of every headline statistic for five candidates, calibrators redrawn, against metrics in a loop."""

import time

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from evaluation.options import BootstrapSettings
from evaluation.statistics.alerts import CardTimes
from evaluation.statistics.calibrator_noise import CalibratorRows
from evaluation.statistics.dependence import dependence
from evaluation.statistics.intervals import RowDetails, paired_bootstrap
from evaluation.statistics.populations import JudgedRows

ROWS, CARDS, MERCHANTS, RESAMPLES, CANDIDATES, PEER_RESAMPLES = 316_000, 5_000, 3_000, 1_000, 5, 2


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Seconds for all resamples; the peer runs a few and is scaled up, with four of the fifteen statistics."""
    rng = np.random.default_rng(3)
    card = rng.integers(0, CARDS, ROWS)
    eta = 1 / (1 + np.exp(6.5 - rng.normal(0, 1.8, ROWS) - rng.normal(0, 0.8, CARDS)[card]))
    labels = (rng.random(ROWS) < eta).astype(np.float64)
    candidates = {f"c{i}": np.clip(eta * np.exp(rng.normal(0, 0.2 + 0.1 * i, ROWS)), 0, 1) for i in range(CANDIDATES)}
    event_time = np.sort(rng.integers(0, 33 * 86_400_000_000, ROWS))
    amount = np.exp(rng.normal(3, 1, ROWS))
    rows = JudgedRows(labels, event_time, amount, card, merchant=rng.integers(0, MERCHANTS, ROWS))
    start = time.perf_counter()
    units = dependence(rows, by="auto", fewest=30)
    paired_bootstrap(
        labels,
        candidates,
        clusters=units,
        rng=np.random.default_rng(1),
        settings=BootstrapSettings(resamples=RESAMPLES),
        details=RowDetails(amount, CardTimes(card, event_time)),
        calibrators=CalibratorRows(labels, candidates, np.ones(ROWS), units),
    )
    ours = time.perf_counter() - start
    return [("bootstrap 316k x 1000 x 5", ours, _peer(labels, candidates, card) * RESAMPLES / PEER_RESAMPLES)]


def _peer(labels: np.ndarray, candidates: dict[str, np.ndarray], card: np.ndarray) -> float:
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    for _ in range(PEER_RESAMPLES):
        weight = np.bincount(rng.integers(0, CARDS, CARDS), minlength=CARDS)[card].astype(np.float64)
        for p in candidates.values():
            roc_auc_score(labels, p, sample_weight=weight)
            average_precision_score(labels, p, sample_weight=weight)
            log_loss(labels, p, sample_weight=weight)
            brier_score_loss(labels, p, sample_weight=weight)
    return time.perf_counter() - start
