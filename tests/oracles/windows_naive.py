"""Every feature by a double loop over plain rows, in exact fractions, read off the specification alone."""

import math
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def naive_features(rows, spec):
    """Values per column; None where missing. `rows` are dicts with times in microseconds."""
    known = [[as_known(other, row["event_time"]) for other in rows] for row in rows]
    return {
        column.name: [
            naive_value(rows_then, row, seen_to(column, spec.horizon), spec.amount_scale)
            for row, rows_then in zip(rows, known, strict=True)
        ]
        for column in spec.columns
    }


def seen_to(column, horizon):
    """A column of all the past, where there is a horizon, is one of a window of that length."""
    return column if column.window else column.model_copy(update={"window": horizon})


def as_known(row, now):
    """The row with the label that it had just before a moment, where an earlier one than its newest still stood."""
    for earlier in row.get("earlier_labels") or ():
        if earlier["available_at"] < now <= earlier["until"]:
            return row | {"label": earlier["label"], "label_available_at": earlier["available_at"]}
    return row


def naive_value(rows, row, column, scale):
    if not column.entity:
        return row_value(row, column)
    if any(row[name] is None for name in column.entity):
        return None
    inside = [
        other
        for other in rows
        if all(other[name] == row[name] for name in column.entity) and stands_inside(other, row, column)
    ]
    if column.needs == "all":
        tapped, cards = compromised_ids(rows, inside, row, column)
        share = len(tapped) / len(cards) if cards else None
        return share if column.aggregate.endswith("_share") else len(tapped)
    return aggregate_of(column.aggregate)(inside, row, column, scale)


def compromised_ids(rows, inside, row, column):
    """The window's ids of which a later fraud at another place was known, and all its ids."""
    ids = {visit[column.of] for visit in inside} - {None}
    tapped = {
        visit[column.of]
        for visit in inside
        for fraud in rows
        if fraud[column.of] == visit[column.of]
        and fraud["label"] == 1
        and fraud["event_time"] > visit["event_time"]
        and None not in {fraud[name] for name in column.entity}
        and any(fraud[name] != row[name] for name in column.entity)
        and fraud["label_available_at"] is not None
        and fraud["label_available_at"] < row["event_time"]
    }
    return tapped & ids, ids


def aggregate_of(name):
    """By its name; where that carries numbers, by what stands around them; any other name counts an entity's ids."""
    if name in AGGREGATES:
        return AGGREGATES[name]
    for pattern, made in WITH_NUMBERS.items():
        if found := re.fullmatch(pattern, name):
            return made(*map(int, found.groups()))
    return distinct_ids


def stands_inside(other, row, column):
    now, moment = row["event_time"], other[column.clock]
    if moment is None or (column.of == "label" and other["label"] is None):
        return False
    if column.window is None:
        return moment < now
    if column.closed == "right":
        return now - column.window < moment <= now
    return now - column.window <= moment < now


def row_value(row, column):
    moment = EPOCH + timedelta(microseconds=row["event_time"])
    calendar = {
        "hour": moment.hour,
        "weekday": moment.weekday(),
        "night": int(moment.hour <= 6),
        "weekend": int(moment.weekday() >= 5),
    }
    return calendar[column.aggregate] if column.aggregate in calendar else row[column.of]


def count(inside, row, column, scale):
    return len(inside)


def amount_sum(inside, row, column, scale):
    return float(Fraction(sum(other["amount_minor"] for other in inside), scale))


def mean(inside):
    return Fraction(sum(other["amount_minor"] for other in inside), len(inside)) if inside else None


def amount_mean(inside, row, column, scale):
    return float(mean(inside) / scale) if inside else None


def amount_max(inside, row, column, scale):
    return max(other["amount_minor"] for other in inside) / scale if inside else None


def amount_min(inside, row, column, scale):
    return min(other["amount_minor"] for other in inside) / scale if inside else None


def deviation(inside):
    if len(inside) < 2:
        return None
    middle = mean(inside)
    return math.sqrt(sum((other["amount_minor"] - middle) ** 2 for other in inside) / (len(inside) - 1))


def amount_std(inside, row, column, scale):
    return deviation(inside) / scale if len(inside) > 1 else None


def amount_zscore(inside, row, column, scale):
    spread = deviation(inside)
    return float(row["amount_minor"] - mean(inside)) / spread if spread else None


def amount_ratio(inside, row, column, scale):
    return float(row["amount_minor"] / mean(inside)) if inside and mean(inside) else None


def seconds_since_last(inside, row, column, scale):
    return (row["event_time"] - max(other["event_time"] for other in inside)) / 1e6 if inside else None


def first_seen(inside, row, column, scale):
    return int(not inside)


def fraud_count(inside, row, column, scale):
    return sum(other["label"] for other in inside)


def fraud_rate(inside, row, column, scale):
    return sum(other["label"] for other in inside) / len(inside) if inside else None


def known_in_order(inside):
    """(label_available_at, label) as they became known; frauds last among those of one moment."""
    return sorted((other["label_available_at"], other["label"]) for other in inside)


def last_label(inside, row, column, scale):
    return known_in_order(inside)[-1][1] if inside else None


def seconds_since_last_fraud(inside, row, column, scale):
    frauds = [moment for moment, label in known_in_order(inside) if label == 1]
    return (row["event_time"] - frauds[-1]) / 1e6 if frauds else None


def fraud_run(inside):
    """When each of the frauds behind the last legitimate label became known."""
    run = []
    for moment, label in known_in_order(inside):
        run = [*run, moment] if label == 1 else []
    return run


def fraud_run_length(inside, row, column, scale):
    return len(fraud_run(inside))


def fraud_run_seconds(inside, row, column, scale):
    run = fraud_run(inside)
    return (row["event_time"] - run[0]) / 1e6 if run else None


def shrunken_fraud_rate(labels, basis_points):
    def rate(inside, row, column, scale):
        frauds = sum(other["label"] for other in inside)
        return float((frauds + labels * Fraction(basis_points, 10_000)) / (len(inside) + labels))

    return rate


def at_moment(inside, k):
    """The rows of the k-th last time at which there are any."""
    moments = sorted({other["event_time"] for other in inside})
    return [other for other in inside if len(moments) >= k and other["event_time"] == moments[-k]]


def previous_amount_ratio(k):
    def ratio(inside, row, column, scale):
        largest = max((other["amount_minor"] for other in at_moment(inside, k)), default=0)
        return row["amount_minor"] / largest if largest else None

    return ratio


def previous_seconds(k):
    def seconds(inside, row, column, scale):
        then = at_moment(inside, k)
        return (row["event_time"] - then[0]["event_time"]) / 1e6 if then else None

    return seconds


def previous_same(k):
    def same(inside, row, column, scale):
        then = at_moment(inside, k)
        if not then or row[column.of] is None:
            return None
        return int(any(other[column.of] == row[column.of] for other in then))

    return same


def distinct_ids(inside, row, column, scale):
    return len({other[column.of] for other in inside} - {None})


AGGREGATES = {
    "count": count,
    "amount_sum": amount_sum,
    "amount_mean": amount_mean,
    "amount_max": amount_max,
    "amount_min": amount_min,
    "amount_std": amount_std,
    "amount_zscore": amount_zscore,
    "amount_ratio": amount_ratio,
    "seconds_since_last": seconds_since_last,
    "first_seen": first_seen,
    "label_count": count,
    "fraud_count": fraud_count,
    "fraud_rate": fraud_rate,
    "last_label": last_label,
    "seconds_since_last_fraud": seconds_since_last_fraud,
    "fraud_run_length": fraud_run_length,
    "fraud_run_seconds": fraud_run_seconds,
}
WITH_NUMBERS = {
    r"fraud_rate_(\d+)_at_(\d+)bp": shrunken_fraud_rate,
    r"previous_(\d)_amount_ratio": previous_amount_ratio,
    r"previous_(\d)_seconds": previous_seconds,
    r"previous_(\d)_same_.+": previous_same,
}
