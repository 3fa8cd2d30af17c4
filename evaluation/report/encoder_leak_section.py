"""What the booster gains from each form of the shared encoder, and what an id that knows nothing costs it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation.statistics.intervals import BootstrapSettings, Interval, paired_bootstrap
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
    clusters: ArrayLike,
    rng: np.random.Generator,
    settings: BootstrapSettings,
) -> list[dict[str, Any]]:
    """A record per arm and candidate: statistics, the gain over no encoder, and the cost of the case, with intervals.

    `gain` is the average precision above the same candidate's with form "none" in the same case; `cost` is what it lost
    against the same form in the first case.

    Args:
        labels: 0 or 1 [N].
        arms: all on the same rows; the case of the first is the reference.
        clusters: integer code per row [N].
        rng: source of the draws.
        settings: number of resamples.

    Raises:
        ValueError: two arms share a case and a form, or a case lacks the form "none".
    """
    keys = [(arm.case, arm.form) for arm in arms]
    cases = list(dict.fromkeys(arm.case for arm in arms))
    missing = [case for case in cases if (case, PLAIN) not in keys]
    if missing or len(set(keys)) < len(keys):
        raise ValueError(f"every case needs the form {PLAIN!r} and each form once, got {keys}")
    named = {_key(arm.case, arm.form, name): p for arm in arms for name, p in arm.probabilities.items()}
    drawn = paired_bootstrap(labels, named, clusters=clusters, rng=rng, settings=settings)

    def difference(one: str, other: str) -> Interval | None:
        return drawn.difference(one, other, "average_precision") if other in named else None

    records = []
    for arm in arms:
        for name in arm.probabilities:
            own = _key(arm.case, arm.form, name)
            gain = difference(own, _key(arm.case, PLAIN, name)) if arm.form != PLAIN else None
            cost = difference(_key(cases[0], arm.form, name), own) if arm.case != cases[0] else None
            records.append(
                {
                    "case": arm.case,
                    "form": arm.form,
                    "candidate": name,
                    **{statistic: asdict(drawn.interval(own, statistic)) for statistic in STATISTICS},
                    "gain": None if gain is None else asdict(gain),
                    "cost": None if cost is None else asdict(cost),
                }
            )
    return records


def leak_lines(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table of `leak_section` in words, a line a record."""
    for each in records:
        said = f"{each['case']} · {each['form']} · {each['candidate']}: AP {each['average_precision']['value']:.4f}, "
        said += f"Brier skill {each['brier_skill']['value']:.4f}, log loss {each['log_loss']['value']:.5f}"
        for name, word in (("gain", "above none"), ("cost", "lost to the id")):
            if each[name] is not None:
                said += f"; {word} {each[name]['value']:+.4f} ({each[name]['low']:+.4f} to {each[name]['high']:+.4f})"
        yield said


def _key(case: str, form: str, candidate: str) -> str:
    return f"{case} | {form} | {candidate}"
