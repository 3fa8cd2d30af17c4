"""The report's `baseline_ahead`: every headline figure on which the baseline does better than what ships, and why."""

from typing import Any

import numpy as np

from evaluation.report.evidence import Evidence
from evaluation.report.interval_records import bounds_record
from evaluation.statistics.intervals import Replicates
from evaluation.statistics.sample import Floats

LOWER_IS_BETTER = ("brier", "log_loss", "share_negatives_above_095")
HIGHER_IS_BETTER = (
    "average_precision",
    "roc_auc",
    "brier_skill",
    "recall_at_budget",
    "value_recall_at_budget",
    "card_precision_at_100",
    "precision_at_half",
)


def baseline_ahead(drawn: Replicates, evidence: Evidence, *, budget: float) -> list[dict[str, Any]]:
    """Records of `statistic`, both values, the paired interval of shipped − baseline, whether it is `shown`, and `why`.

    Args:
        drawn: what `headline_replicates` drew.
        evidence: rows of known label; which candidate ships, which is the baseline.
        budget: share of rows of the headline alert budget.
    """
    shipped, baseline = evidence.shipped, evidence.baseline
    result = []
    for name in (*HIGHER_IS_BETTER, *LOWER_IS_BETTER):
        if shipped == baseline or name not in drawn.values[shipped]:
            continue
        own, other = drawn.values[shipped][name], drawn.values[baseline][name]
        sign = -1.0 if name in LOWER_IS_BETTER else 1.0
        if not sign * (own - other) < 0:
            continue
        found = drawn.difference(shipped, baseline, name)
        shown = found.high < 0 if sign > 0 else found.low > 0
        result.append(
            {
                "statistic": name,
                "shipped": own,
                "baseline": other,
                "difference": bounds_record(found),
                "shown": bool(shown),
                "why": _why(name, evidence, budget),
            }
        )
    return result


def _why(name: str, evidence: Evidence, budget: float) -> str:
    """For value found: on how large payments the alerts of each fall."""
    if name != "value_recall_at_budget":
        return ""
    amount = evidence.rows.amount
    own, other = (
        float(amount[_top(np.asarray(evidence.candidates[each], np.float64), budget)].mean())
        for each in (evidence.shipped, evidence.baseline)
    )
    if not other > own:
        return ""
    return (
        f"a budget takes rows by probability alone, and the baseline's alerts fall on larger payments: {other:,.0f} on "
        f"average against {own:,.0f}; an operating point that weighs the amount turns this round where it can"
    )


def _top(p: Floats, budget: float) -> Any:
    count = max(int(budget * p.size), 1)
    return np.argsort(-p, kind="stable")[:count]
