"""For how many rows a row stands that a policy let through, and what the policy left of every fold.

Late labels and blocked rows are two reasons for a label to be missing, and a row that stayed makes up for both: its
weights multiply. Valid, calib and test must speak of every row that the model will meet. What train learns from is a
matter of its own: weights of ten or more cost a fit more than they repair, so there they are capped at another number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.statistics.approval import ApprovalWeights, approval_weights
from features.split import FOLDS, LabelsConfig
from pipeline.stages.artifacts.features_report import FoldPolicy
from pipeline.stages.features.label_weights import LabelWeights


@dataclass(frozen=True)
class Policy:
    """What was done with N rows: blocked or not, and the probability of being let through, NaN where not known."""

    blocked: np.ndarray
    approval_probability: np.ndarray


def policy_of(transactions: pa.Table) -> Policy | None:
    """What the transactions say of a policy; None where they say nothing."""
    rows, names = transactions.num_rows, transactions.column_names
    if "action" not in names and "approval_probability" not in names:
        return None
    blocked = np.zeros(rows, np.bool_)
    if "action" in names:
        blocked = pc.fill_null(pc.equal(transactions["action"], "blocked"), False).to_numpy()
    probability = np.full(rows, np.nan)
    if "approval_probability" in names:
        probability = pc.fill_null(transactions["approval_probability"], np.nan).to_numpy()
    return Policy(blocked, probability)


def weighed_for_policy(
    weights: LabelWeights, policy: Policy, config: LabelsConfig
) -> tuple[LabelWeights, dict[str, FoldPolicy]]:
    """The weights of usable rows times those of their approval, and by fold what the policy did there.

    Args:
        weights: of late labels.
        policy: of the same rows.
        config: the caps.
    """
    folds, factor, found = weights.folds, np.ones(len(weights.weight)), {}
    for name in FOLDS:
        rows = folds.rows(name)
        used = rows & folds.usable
        cap = config.training_approval_cap if name == "train" else config.approval_cap
        approval = approval_weights(policy.approval_probability, cap=cap)
        mean = approval.weight[used].mean() if name == "train" else 1.0
        factor[used] = approval.weight[used] / mean
        found[name] = _fold_policy(policy, approval, rows, used)
    return replace(weights, weight=(weights.weight * factor).astype(np.float32)), found


def policy_warnings(policies: Mapping[str, FoldPolicy]) -> Iterator[str]:
    """That rows of test had no chance to be let through, or that a cap took much of the weight there."""
    test = policies.get("test")
    if test is None:
        return
    if test.without_support:
        yield (
            f"{test.without_support:,} of the {test.blocked:,} blocked rows of test had no known chance to be let "
            "through (approval_probability is blank or 0): nobody can judge what is said of such rows"
        )
    if test.cut_share > 0.05:
        yield (
            f"labels.approval_cap took {test.cut_share:.0%} of the weight of test's rows: what was let through with a "
            "smaller probability counts for too little"
        )


def _fold_policy(policy: Policy, approval: ApprovalWeights, rows: np.ndarray, used: np.ndarray) -> FoldPolicy:
    blocked, p = policy.blocked & rows, policy.approval_probability
    with_support = ~np.isnan(p) & (p > 0)
    return FoldPolicy(
        blocked=int(blocked.sum()),
        without_support=int((blocked & ~with_support).sum()),
        explored=int((used & with_support & (p < 1)).sum()),
        capped=int((used & approval.capped).sum()),
        cut_share=approval.cut_share(used),
    )
