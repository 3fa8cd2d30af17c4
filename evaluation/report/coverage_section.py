"""The report's `coverage`: what an earlier policy did with the judged fold, and how much of it the labels can speak of.

A model is judged where labels are, and a policy that blocks takes them away where scores are high. So what was
approved, challenged, blocked and labelled is told by band of the new score, with the weights that make up for it.
"""

from typing import Any

import numpy as np

from evaluation.report.evidence import Evidence
from evaluation.statistics.approval import PolicyRows, approval_weights
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats, Mask

PROBABILITY_EDGES = np.array([0.0, 0.001, 0.01, 0.1, 0.5, 1.0])
"""Bands of a score: where the rows are, and where the decisions are."""


def coverage_section(evidence: Evidence) -> dict[str, Any]:
    """Counts over the whole fold, the weights of its judged rows, and shares by band of the shipped candidate's score.

    Args:
        evidence: all rows of the fold, of known label or not, with what a policy did with them.
    """
    policy, known = evidence.policy, np.isfinite(evidence.rows.labels)
    assert policy is not None
    return policy_coverage(evidence.rows.where(known), evidence.candidates[evidence.shipped], known, policy)


def policy_coverage(judged: JudgedRows, probabilities: Floats, labelled: Mask, policy: PolicyRows) -> dict[str, Any]:
    """The section from its parts.

    Args:
        judged: the rows that are judged.
        probabilities: P(fraud) of every row [N].
        labelled: which rows are judged [N].
        policy: of every row [N].
    """
    weights = approval_weights(policy.approval_probability, cap=policy.cap)
    lost = policy.without_support
    return {
        "rows": int(labelled.size),
        "labelled": int(labelled.sum()),
        "approved": int(policy.approved.sum()),
        "challenged": int(policy.challenged.sum()),
        "blocked": int(policy.blocked.sum()),
        "without_support": int(lost.sum()),
        "promised_without_support": float(probabilities[lost].sum()),
        "weights": {
            "cap": policy.cap,
            "explored": int((labelled & (policy.approval_probability < 1)).sum()),
            "effective_rows": judged.effective_rows,
            "capped": int((labelled & weights.capped).sum()),
            "cut_share": weights.cut_share(labelled),
        },
        "by_probability": bands(probabilities, labelled, policy),
    }


def bands(probabilities: Floats, labelled: Mask, policy: PolicyRows) -> list[dict[str, Any]]:
    """Rows of each band of the score, and the shares of them that were approved, challenged, blocked and labelled."""
    edges, found = PROBABILITY_EDGES, []
    band = np.clip(np.searchsorted(edges, probabilities, side="right") - 1, 0, edges.size - 2)
    for place in range(edges.size - 1):
        inside = band == place
        count = int(inside.sum())
        parts = {"approved": policy.approved, "challenged": policy.challenged, "blocked": policy.blocked}
        shares = {name: _share(mask, inside) for name, mask in (parts | {"labelled": labelled}).items()}
        found.append({"from": edges[place], "to": edges[place + 1], "rows": count, **shares})
    return found


def coverage_warnings(coverage: dict[str, Any]) -> list[str]:
    """Sentences without a full stop on what nobody can judge, and on weights that say little."""
    result, weights = [], coverage["weights"]
    if coverage["without_support"]:
        result.append(
            f"{coverage['without_support']:,} of {coverage['blocked']:,} blocked rows had no known chance to be let "
            f"through and are judged by no number here; the model expects {coverage['promised_without_support']:,.0f} "
            "frauds among them"
        )
    if weights["cut_share"] > 0.05:
        result.append(
            f"the cap of {weights['cap']:g} takes {100 * weights['cut_share']:.0f} % of the weight of the judged rows: "
            "what the policy let through most rarely counts for too little"
        )
    return result


def _share(mask: Mask, inside: Mask) -> float | None:
    return float(mask[inside].mean()) if inside.any() else None
