"""Statistics of probabilities by their definitions, one row or one pair at a time."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd


def pairwise_auc(labels, probabilities):
    """Share of (fraud, legitimate) pairs in the right order, ties half."""
    frauds = [p for y, p in zip(labels, probabilities, strict=True) if y == 1]
    others = [p for y, p in zip(labels, probabilities, strict=True) if y == 0]
    return sum((a > b) + 0.5 * (a == b) for a in frauds for b in others) / (len(frauds) * len(others))


def binned_error(labels, probabilities, edges):
    """ECE over half-open bins [edge, next edge), the last one closed."""
    total = 0.0
    for low, high in pairwise(edges):
        rows = [
            (y, p)
            for y, p in zip(labels, probabilities, strict=True)
            if low <= p < high or (high == edges[-1] and p == high)
        ]
        total += abs(sum(y - p for y, p in rows))
    return total / len(labels)


def budget_recall(labels, probabilities, budget, rng, *, tries=4000):
    """Mean share of frauds among the first budget · N rows over random orders of ties; N · budget must be whole."""
    n = round(len(labels) * budget)
    y, p = np.asarray(labels), np.asarray(probabilities)
    caught = [y[np.lexsort((rng.random(y.size), -p))][:n].sum() for _ in range(tries)]
    return float(np.mean(caught) / y.sum())


def handbook_card_precision(labels, probabilities, card, day, top):
    """The Handbook's own pandas code for card precision top-k, per day (Le Borgne et al., 2022, chapter 4.4)."""
    frame = pd.DataFrame({"label": labels, "p": probabilities, "card": card, "day": day})
    detected, precision = [], []
    for each in sorted(frame["day"].unique()):
        today = frame[frame["day"] == each]
        today = today[~today["card"].isin(detected)]
        cards = today.groupby("card")[["label", "p"]].max().sort_values("p", ascending=False, kind="stable")
        hits = cards.head(top)
        hits = hits[hits["label"] == 1].index.tolist()
        precision.append(len(hits) / top)
        detected += hits
    return precision


def kernel_error(labels, probabilities, width, *, grid=2000, images=3):
    """∫ |mean of reflected Gaussian kernels · (y − p)| over [0, 1], by the midpoint rule."""
    t = (np.arange(grid) + 0.5) / grid
    smoothed = np.zeros(grid)
    for y, p in zip(labels, probabilities, strict=True):
        for k in range(-images, images + 1):
            for centre in (2 * k + p, 2 * k - p):
                smoothed += (y - p) * np.exp(-0.5 * ((t - centre) / width) ** 2) / (width * math.sqrt(2 * math.pi))
    return float(np.abs(smoothed).mean() / len(labels))


def pool_adjacent_violators(values, weights):
    """Isotonic regression by merging neighbours until none decreases."""
    blocks = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            v, w, n = blocks.pop()
            u, x, m = blocks.pop()
            blocks.append([(u * x + v * w) / (x + w), x + w, m + n])
    return [value for value, _, n in blocks for _ in range(n)]


def repeated_rows(clusters, counts):
    """Row numbers in which each cluster's rows appear as often as its count says."""
    return [row for row, cluster in enumerate(clusters) for _ in range(int(counts[cluster]))]


def recall_at_budget(labels, probabilities, *, budget, amount=None):
    """Share of the frauds (or of their amount) in the top budget · N rows, rows tied at the border in proportion."""
    y, p = np.asarray(labels, dtype=float), np.asarray(probabilities, dtype=float)
    value = y if amount is None else y * np.asarray(amount, dtype=float)
    room, found = budget * y.size, 0.0
    for probability in sorted(set(p.tolist()), reverse=True):
        tied = p == probability
        found += value[tied].sum() * min(max(room / tied.sum(), 0.0), 1.0)
        room -= tied.sum()
    return float(found / value.sum())


def headline_numbers(report):
    """The finite headline numbers of a report under flat names such as "hybrid.roc_auc" and "hybrid.roc_auc.low"."""
    flat = {f"test.{key}": report["population"][key] for key in ("rows", "frauds", "prevalence")}
    for name, statistics in report["candidates"].items():
        for metric, record in statistics.items():
            flat |= {f"{name}.{metric}": record} if metric == "ece_null_95" else with_bounds(f"{name}.{metric}", record)
    for record in report["differences"]:
        flat |= with_bounds(f"{record['candidate']}-{record['other']}.{record['statistic']}", record)
    for name, contrast in zip(("both-smoothing", "both-scaling"), report["temperature"]["contrasts"], strict=False):
        flat |= with_bounds(f"temperature.{name}.log_loss", contrast["log_loss"])
    flat |= {f"gate.{key}": value for key, value in report["gate"]["figures"].items()}
    smoothing = report["smoothing"]
    flat["smoothing.best_roc_auc"] = smoothing["best_roc_auc"]
    simplest = next(
        row for row in smoothing["sweep"] if all(row[key] == each for key, each in smoothing["simplest"].items())
    )
    flat["smoothing.simplest.roc_auc"] = simplest["raw"]["roc_auc"]
    for name in ("selected_behind", "simplest_behind"):
        flat |= {f"smoothing.{name}.{key}": smoothing[name][key] for key in ("value", "error", "limit")}
    return {key: float(value) for key, value in flat.items() if value is not None}


def with_bounds(name, record):
    return {name: record["value"], f"{name}.low": record["low"], f"{name}.high": record["high"]}
