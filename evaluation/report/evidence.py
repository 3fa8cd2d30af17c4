"""What the pipeline hands over to be judged: rows, probabilities, results of earlier stages, and how to judge them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from evaluation.errors import InputError
from evaluation.report.limit_section import KnownLimit
from evaluation.selection import SweepRanking
from evaluation.statistics.approval import PolicyRows
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats, Mask

Arm = tuple[float, str]
"""(smoothing, calibrator)."""


@dataclass(frozen=True)
class Note:
    """A remark for the reader: topic such as "data", "leak", "labels" or "time", and a sentence."""

    topic: str
    text: str


@dataclass(frozen=True)
class CalibRows:
    """Calib rows with cross-fitted probabilities: operating points are chosen here, never on test.

    Attributes:
        rows: those of known label.
        candidates: cross-fitted P(fraud) on them, by name [N].
        temperature: the same by (smoothing, calibrator) [N].
        served: P(fraud) of every row of calib, labelled or not, by the maps that serve, by name [M].
        mapped: the same of the labelled rows, in the order of `rows` [N].
    """

    rows: JudgedRows
    candidates: Mapping[str, Floats]
    temperature: Mapping[Arm, Floats] = field(default_factory=dict)
    served: Mapping[str, Floats] = field(default_factory=dict)
    mapped: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class ChampionScores:
    """A champion on the test rows [N] (NaN where it could not score), or why it could not be scored at all.

    `name` is its version, `role` what it is to the candidate: the champion, or the anchor.
    """

    name: str
    probabilities: Floats
    seen_until: int
    problem: str = ""
    role: str = "champion"

    @property
    def title(self) -> str:
        """What people call it, such as "champion 7"."""
        return f"{self.role} {self.name}"


@dataclass(frozen=True)
class Evidence:
    """All that a report is made of: plain arrays and results of this folder.

    Attributes:
        rows: the test fold's rows.
        candidates: final calibrated P(fraud) on the same rows, by name [N].
        ranking: what `rank_sweep` returned on valid.
        shipped: the candidate that would ship.
        baseline: the candidate that it must not fall below.
        before: P(fraud) before calibration, by name [N].
        calib: the calib rows, with cross-fitted probabilities; None leaves operating points out.
        temperature_test: P(fraud) by (smoothing, calibrator) [N].
        unsmoothed_valid: labels and raw P(fraud) of ε = 0 on valid, the evidence before any smoothing.
        champion: the model in use on the test rows, where there is one.
        anchor: the model that was in use a while ago, where it is another; "not worse than yesterday" night after night
            allows many small steps down, which a comparison with a fixed one shows.
        drift: what `drift_section` returned.
        limit: what only a simulator knows of the test rows; None for data of the real world.
        notes: remarks that only the pipeline knows, `run_description` what else it knows of the run, by name.
        policy: what an earlier policy did with all rows of the fold [N]; None where the data does not say.
        reuse_warnings: sentences on other models judged on these rows before.
        configuration: every key of the run by section.
    """

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
    anchor: ChampionScores | None = None
    drift: Mapping[str, Any] = field(default_factory=dict)
    limit: KnownLimit | None = None
    notes: tuple[Note, ...] = ()
    policy: PolicyRows | None = None
    reuse_warnings: tuple[str, ...] = ()
    run_description: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)


def evidence_of_known_rows(evidence: Evidence) -> tuple[Evidence, int]:
    """The evidence on rows of known label, and how many were left out.

    Raises:
        InputError: shipped or baseline candidate is missing, or no row has a known label.
    """
    missing = [name for name in (evidence.shipped, evidence.baseline) if name not in evidence.candidates]
    if missing:
        raise InputError(f"candidates must hold {', '.join(missing)}, got {sorted(evidence.candidates)}")
    known = np.isfinite(evidence.rows.labels)
    if not known.any():
        raise InputError(f"the test fold must hold rows of known label, got none among {known.size} rows")
    kept = replace(
        evidence,
        rows=evidence.rows.where(known),
        candidates={name: np.asarray(p, dtype=np.float64)[known] for name, p in evidence.candidates.items()},
        before={name: np.asarray(p, dtype=np.float64)[known] for name, p in evidence.before.items()},
        temperature_test={arm: np.asarray(p)[known] for arm, p in evidence.temperature_test.items()},
        champion=_on_rows(evidence.champion, known),
        anchor=_on_rows(evidence.anchor, known),
        limit=None if evidence.limit is None else replace(evidence.limit, truth=evidence.limit.truth[known]),
    )
    return kept, int((~known).sum())


def _on_rows(scores: ChampionScores | None, kept: Mask) -> ChampionScores | None:
    if scores is None or scores.problem:
        return scores
    return replace(scores, probabilities=scores.probabilities[kept])
