"""The report's `freshness`: what the verdict rests on, what ships in its place, and what is known of that.

No number of the report was measured on a refit. So a reader is told what was: the recipe on the test fold, the same
recipe as it would have shipped at the start of each of the last blocks, and how far the refit agrees with the latter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.formatting import day_text, number
from evaluation.gate import Check
from evaluation.options import EvaluationConfig
from evaluation.report.candidates_section import FURTHER, HEADLINE, headline_replicates
from evaluation.report.interval_records import bounds_record, interval_record
from evaluation.report.json_values import json_values
from evaluation.report.population_section import base_rate_brier, population_record
from evaluation.statistics.agreement import Agreement
from evaluation.statistics.intervals import Replicates
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY, Floats, Integers

PROVED = {
    "average_precision": ("average precision", 3),
    "brier_skill": ("Brier skill", 3),
    "log_loss": ("log loss", 4),
    "observed_expected": ("observed/expected", 3),
}
"""Statistics of the blocks that are told in a sentence: their names there, and digits."""


@dataclass(frozen=True)
class ModelAge:
    """Until when a model was fitted, and all that it saw, both in microseconds since 1970."""

    fitted_until: int
    seen_until: int

    def record(self, now: int) -> dict[str, Any]:
        """The same with its age at a moment, for JSON."""
        return {
            "fitted_until": day_text(self.fitted_until),
            "seen_until": day_text(self.seen_until),
            "age_days": (now - self.fitted_until) / DAY,
        }


@dataclass(frozen=True)
class BlockRows:
    """The labelled rows of all blocks: their labels, P(fraud) by maps fitted on the others, and their block [N]."""

    rows: JudgedRows
    probabilities: Floats
    block: Integers


def prequential_section(
    found: BlockRows, drawn: Replicates, *, shipped: str, config: EvaluationConfig, seed: int
) -> dict[str, Any]:
    """What the recipe did as it would have shipped: all blocks together, and each block's level and slope.

    Args:
        found: the rows.
        drawn: the headline statistics on them.
        shipped: the candidate that ships.
        config: resamples of a block are those of a slice.
        seed: of the draws.
    """
    people = population_record(found.rows, fold="prequential")
    population = people | {"brier_of_base_rate": base_rate_brier(people["weighted_prevalence"])}
    metrics = {
        metric: interval_record(drawn.interval(shipped, metric), population)
        for metric in (*HEADLINE, *FURTHER)
        if metric in drawn.values[shipped]
    }
    few = config.model_copy(update={"resamples": config.slice_resamples})
    blocks = [_block(found, origin, shipped, few, seed) for origin in np.unique(found.block)]
    return {"population": population, "metrics": metrics, "blocks": blocks}


@dataclass(frozen=True)
class JudgedAge:
    """The judged model, the population of the test fold, and the moment of the run, microseconds since 1970."""

    age: ModelAge
    test: Mapping[str, Any]
    now: int


@dataclass(frozen=True)
class RefitAccount:
    """What there is to be told of a refit that was fitted and guarded.

    Attributes:
        age: of the refit.
        agreement: with the recipe of a block ago; None where it was not measured.
        prequential: what `prequential_section` returned.
        details: what only the pipeline knows: recipe, rows, maps, blocks, notes.
    """

    age: ModelAge
    agreement: Agreement | None
    prequential: Mapping[str, Any]
    details: Mapping[str, Any]


def freshness_section(judged: JudgedAge, checks: Sequence[Check], account: RefitAccount | None) -> dict[str, Any]:
    """The whole section, ready for JSON; the refit ships where it was fitted and no guard refused it.

    Args:
        judged: the judged model.
        checks: the guards' outcomes.
        account: None where nothing was fitted.
    """
    reasons = [check.text for check in checks if check.status == "refused"]
    found = account.agreement if account is not None else None
    section: dict[str, Any] = {
        "ships": "judged" if reasons or account is None else "refit",
        "reasons": reasons,
        "checks": [asdict(check) | {"passed": check.passed} for check in checks],
        "judged": judged.age.record(judged.now) | {"judged_from": judged.test["from"], "judged_to": judged.test["to"]},
        "refit": None if account is None else account.age.record(judged.now),
        "prequential": None if account is None else dict(account.prequential),
        "agreement": None if found is None else asdict(found),
        "notes": [],
        **(account.details if account is not None else {}),
    }
    section["lines"] = list(_lines(section))
    result: dict[str, Any] = json_values(section)
    return result


def _block(found: BlockRows, origin: int, shipped: str, config: EvaluationConfig, seed: int) -> dict[str, Any]:
    inside = found.block == origin
    rows, p = found.rows.where(inside), found.probabilities[inside]
    frauds = int(rows.labels.sum())
    record = {"from": day_text(int(origin)), "rows": int(rows.labels.size), "frauds": frauds}
    if frauds in (0, rows.labels.size):
        return record
    rng = np.random.default_rng([seed, 14, int(origin)])
    drawn = headline_replicates(rows, {shipped: p}, config=config, rng=rng)
    names = ("average_precision", "observed_expected", "calibration_slope")
    return record | {name: bounds_record(drawn.interval(shipped, name)) for name in names}


def _lines(section: Mapping[str, Any]) -> Iterator[str]:
    judged, refit = section["judged"], section["refit"]
    yield (
        f"The verdict is on this recipe fitted until {judged['fitted_until']}, and judged from "
        f"{judged['judged_from'][:10]} to {judged['judged_to'][:10]}."
    )
    if section["ships"] == "judged":
        yield (
            f"The judged model itself ships; its newest training row is {judged['age_days']:.0f} days old at shipping. "
            f"{_why(section['reasons'])}"
        )
    else:
        yield (
            f"What ships was fitted anew with the same settings until {refit['fitted_until']} and is "
            f"{refit['age_days']:.0f} days old at shipping (the judged one {judged['age_days']:.0f}). No number of "
            "this page was measured on it."
        )
    if section["prequential"] is not None:
        yield _evidence(section["prequential"])
    if section["ships"] == "refit":
        yield from _assumptions(section)


def _why(reasons: Sequence[str]) -> str:
    return "It was not fitted anew." if not reasons else f"It was not replaced by a refit: {'; '.join(reasons)}."


def _evidence(prequential: Mapping[str, Any]) -> str:
    people, metrics = prequential["population"], prequential["metrics"]
    told = ", ".join(
        f"{word} {number(metrics[name]['value'], digits)} ({number(metrics[name]['low'], digits)} to "
        f"{number(metrics[name]['high'], digits)})"
        for name, (word, digits) in PROVED.items()
    )
    return (
        f"As it would have shipped at the start of each of {len(prequential['blocks'])} blocks the recipe had {told}, "
        f"on {people['frauds']:,} frauds among {people['rows']:,} rows of {people['from'][:10]} to {people['to'][:10]}."
    )


def _assumptions(section: Mapping[str, Any]) -> Iterator[str]:
    maps = section["maps"]
    yield (
        f"Its maps, hybrid and thresholds come from {maps['frauds']:,} frauds of {maps['from']} to {maps['to']}, each "
        f"row standing for at most {maps['most']:g} of its class."
    )
    yield (
        "Assumed, not shown: that successive fits of one recipe at one lag share a map, and that within a class the "
        "delay of a label does not depend on the features."
    )
    yield (
        "The judged model travels with it as the output `judged`. It is brought back when the refit is shown to be "
        "worse on rows that neither had seen, by a confidence sequence on their log loss; that takes a week or two."
    )
