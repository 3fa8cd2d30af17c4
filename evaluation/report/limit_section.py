"""The report's `limit`: how far the shipped model is from what can be known, where the world is simulated.

Two limits. A simulator knows what no bank does, so the true probabilities are out of reach for everybody; what history
can tell lies below them, and a model of many more rows and no label noise is a lower bound of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.ranking import average_precision, roc_auc
from evaluation.statistics.sample import Floats
from evaluation.statistics.scores import brier_skill, log_loss

STATISTICS = {
    "average_precision": average_precision,
    "roc_auc": roc_auc,
    "brier_skill": brier_skill,
    "log_loss": log_loss,
}


@dataclass(frozen=True)
class KnownLimit:
    """What only a simulator knows.

    Attributes:
        truth: P(label = 1) of the judged rows, given everything [N].
        history: statistics of a model that learned from the truth itself on far more rows, by name, with the sentence
            that says which; empty where nobody measured it.
    """

    truth: Floats
    history: Mapping[str, Any]


def limit_section(
    rows: JudgedRows, limit: KnownLimit, candidates: Mapping[str, Mapping[str, Any]], *, shipped: str
) -> dict[str, Any]:
    """Statistics of the truth on the judged rows beside those of the shipped candidate.

    Args:
        rows: the judged rows, all of known label [N].
        limit: the truth on the same rows, and what history can tell.
        candidates: the report's `candidates`.
        shipped: which of them would ship.
    """
    truth = {name: of(rows.labels, limit.truth, weight=rows.weight) for name, of in STATISTICS.items()}
    own = {name: candidates[shipped][name]["value"] for name in STATISTICS}
    found = {"truth": truth, "history": dict(limit.history), "shipped": own}
    return found | {"text": " ".join(_sentences(found))}


def _sentences(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    own, truth, history = (_scores(found[name]) for name in ("shipped", "truth", "history"))
    result = [f"{own}. The true probabilities of this simulated world have {truth}: they know what no history tells."]
    if found["history"]:
        result.append(f"{found['history']['text']} has {history}, a lower bound of what history can tell.")
    return result


def _scores(values: Mapping[str, Any]) -> str:
    return " and ".join(
        f"{title} {_number(values.get(name))}"
        for name, title in (("average_precision", "average precision"), ("brier_skill", "Brier skill"))
    )


def _number(value: float | None) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}"
