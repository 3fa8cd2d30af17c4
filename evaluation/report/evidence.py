"""What the pipeline hands over to be judged: rows, probabilities, results of earlier stages, and how to judge them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from evaluation.errors import InputError
from evaluation.selection import SweepRanking
from evaluation.statistics.intervals import BootstrapSettings
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats

Arm = tuple[float, str]
"""(smoothing, calibrator)."""


class EvaluationConfig(BaseModel):
    """How the test fold is judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resamples: int = Field(1000, ge=100, description="bootstrap resamples behind every interval of the test fold")
    slice_resamples: int = Field(200, ge=100, description="bootstrap resamples behind the intervals of slices")
    cluster: str = Field("card", pattern="^(card|day|row)$", description="what is drawn as a whole: card, day or row")
    budget: float = Field(0.01, gt=0, le=1, description="share of rows the headline alert budget flags")
    budgets: tuple[float, ...] = Field((0.001, 0.005, 0.01, 0.05), description="alert budgets judged as populations")
    borderline: tuple[float, float] = Field((0.2, 0.8), description="probabilities that count as undecided")
    bins: int = Field(15, ge=2, description="bins of the calibration errors and reliability tables")
    alert_cost: float = Field(5.0, ge=0, description="cost of one alert in the currency of the amounts")
    groups: int = Field(12, ge=1, description="largest values of each grouping that get a slice")
    min_slice_frauds: int = Field(
        20, ge=1, description="frauds a slice needs before its numbers are shown with intervals"
    )
    reference_prevalence: float | None = Field(
        None, gt=0, lt=1, description="also show every candidate re-weighted to this prevalence"
    )

    def bootstrap(self, resamples: int | None = None) -> BootstrapSettings:
        """What a bootstrap of the headline needs, with `resamples` or another number of them."""
        return BootstrapSettings(
            resamples=self.resamples if resamples is None else resamples, budget=self.budget, bins=self.bins
        )


@dataclass(frozen=True)
class Note:
    """A remark for the reader: topic such as "data", "leak", "labels" or "time", and a sentence."""

    topic: str
    text: str


@dataclass(frozen=True)
class CalibRows:
    """Calib rows with cross-fitted probabilities: operating points are chosen here, never on test."""

    rows: JudgedRows
    candidates: Mapping[str, Floats]
    temperature: Mapping[Arm, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class ChampionScores:
    """The champion on the test rows [N] (NaN where it could not score), or why it could not be scored at all."""

    name: str
    probabilities: Floats
    seen_until: int
    problem: str = ""


@dataclass(frozen=True)
class Evidence:
    """All that a report is made of; see the module's first lines."""

    rows: JudgedRows
    candidates: Mapping[str, Floats]
    ranking: SweepRanking
    shipped: str = "hybrid"
    baseline: str = "logistic"
    before: Mapping[str, Floats] = field(default_factory=dict)
    calib: CalibRows | None = None
    temperature_test: Mapping[Arm, Floats] = field(default_factory=dict)
    unsmoothed_valid: tuple[Floats, Floats] | None = None
    champion: ChampionScores | None = None
    drift: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    looks: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)


def evidence_of_known_rows(evidence: Evidence) -> tuple[Evidence, int]:
    """The evidence on rows of known label, and how many were left out."""
    missing = [name for name in (evidence.shipped, evidence.baseline) if name not in evidence.candidates]
    if missing:
        raise ValueError(f"candidates must hold {', '.join(missing)}, got {sorted(evidence.candidates)}")
    known = np.isfinite(evidence.rows.labels)
    if not known.any():
        raise InputError(f"the test fold must hold rows of known label, got none among {known.size} rows")
    champion = evidence.champion
    if champion is not None and not champion.problem:
        champion = replace(champion, probabilities=champion.probabilities[known])
    kept = replace(
        evidence,
        rows=evidence.rows.where(known),
        candidates={name: np.asarray(p, dtype=np.float64)[known] for name, p in evidence.candidates.items()},
        before={name: np.asarray(p, dtype=np.float64)[known] for name, p in evidence.before.items()},
        temperature_test={arm: np.asarray(p)[known] for arm, p in evidence.temperature_test.items()},
        champion=champion,
    )
    return kept, int((~known).sum())
