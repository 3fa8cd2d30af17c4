"""What the booster gains from each form of the shared encoder, and what an id that knows nothing costs it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation.options import BootstrapSettings
from evaluation.statistics.dependence import Dependence
from evaluation.statistics.intervals import Replicates, paired_bootstrap
from evaluation.statistics.sample import Floats

STATISTICS = ("average_precision", "brier_skill", "log_loss")
PLAIN = "none"
"""The form that others are compared with: a booster that sees nothing of the encoder."""


@dataclass(frozen=True)
class LeakArm:
    """One form on one case of the data.

    Attributes:
        case: what was done to the data, such as "as it is" or "useless id".
        form: what the booster saw of the encoder.
        probabilities: P(fraud) [N] by candidate, such as "xgboost" and "hybrid"; the head, which is the same for all
            forms of a case, beside one of them.
    """

    case: str
    form: str
    probabilities: Mapping[str, Floats]


def leak_section(
    labels: ArrayLike,
    arms: Sequence[LeakArm],
    *,
    clusters: ArrayLike | Dependence,
    rng: np.random.Generator,
    settings: BootstrapSettings,
) -> list[dict[str, Any]]:
    """A record per arm and candidate: statistics, the gain over no encoder, and the cost of the case, with intervals.

    `gain` is the average precision above the same candidate's with form "none" in the same case; `cost` is what it lost
    against the same form in the first case.

    Args:
        labels: 0 or 1 [N].
        arms: all on the same rows; the case of the first is the reference.
        clusters: units that move together, or an integer code per row [N].
        rng: source of the draws.
        settings: number of resamples.

    Raises:
        ValueError: two arms share a case and a form, or a case lacks the form "none".
    """
    _refuse_gaps(arms)
    named = {_key(arm.case, arm.form, name): p for arm in arms for name, p in arm.probabilities.items()}
    drawn = paired_bootstrap(labels, named, clusters=clusters, rng=rng, settings=settings)
    first = arms[0].case if arms else ""
    return [_record(drawn, arm, name, first=first) for arm in arms for name in arm.probabilities]


def leak_lines(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table of `leak_section` in words, a line a record."""
    for each in records:
        line = f"{each['case']} · {each['form']} · {each['candidate']}: AP {each['average_precision']['value']:.4f}, "
        line += f"Brier skill {each['brier_skill']['value']:.4f}, log loss {each['log_loss']['value']:.5f}"
        for name, word in (("gain", "above none"), ("cost", "lost to the id")):
            if each[name] is not None:
                line += f"; {word} {each[name]['value']:+.4f} ({each[name]['low']:+.4f} to {each[name]['high']:+.4f})"
        yield line


def _refuse_gaps(arms: Sequence[LeakArm]) -> None:
    keys = [(arm.case, arm.form) for arm in arms]
    without_plain = [case for case, _ in keys if (case, PLAIN) not in keys]
    if without_plain or len(set(keys)) < len(keys):
        raise ValueError(f"every case needs the form {PLAIN!r} and each form once, got {keys}")


def _record(drawn: Replicates, arm: LeakArm, name: str, *, first: str) -> dict[str, Any]:
    own = _key(arm.case, arm.form, name)
    gain = _difference(drawn, own, _key(arm.case, PLAIN, name)) if arm.form != PLAIN else None
    cost = _difference(drawn, _key(first, arm.form, name), own) if arm.case != first else None
    statistics = {statistic: asdict(drawn.interval(own, statistic)) for statistic in STATISTICS}
    return {"case": arm.case, "form": arm.form, "candidate": name, **statistics, "gain": gain, "cost": cost}


def _difference(drawn: Replicates, one: str, other: str) -> dict[str, Any] | None:
    """One average precision minus another's; None where the first case or the form "none" lacks the candidate."""
    if not {one, other} <= set(drawn.values):
        return None
    return asdict(drawn.difference(one, other, "average_precision"))


def _key(case: str, form: str, candidate: str) -> str:
    return f"{case} | {form} | {candidate}"
