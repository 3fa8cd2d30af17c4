"""What a verdict rests on: the headline statistics under the same draws, and the comparisons with other models."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.gate import GateEvidence
from evaluation.options import EvaluationConfig
from evaluation.report.candidates_section import headline_replicates
from evaluation.report.champion_section import champion_section
from evaluation.report.evidence import Evidence
from evaluation.report.gate_section import gate_evidence
from evaluation.statistics.intervals import Replicates


@dataclass(frozen=True)
class Judgement:
    """The candidates' statistics with their draws, and what the gate looks at."""

    drawn: Replicates
    evidence: GateEvidence


def judgement(known: Evidence, *, config: EvaluationConfig, draw: Mapping[str, np.random.Generator]) -> Judgement:
    """Everything that decides, on rows of known label.

    Args:
        known: what `evidence_of_known_rows` returned.
        config: what is resampled, and how often.
        draw: the streams "headline", "champion" and "anchor".
    """
    drawn = headline_replicates(known.rows, known.candidates, config=config, rng=draw["headline"], calib=known.calib)
    champion = champion_section(known, known.champion, config=config, rng=draw["champion"])
    anchor = champion_section(known, known.anchor, config=config, rng=draw["anchor"])
    return Judgement(drawn, gate_evidence(drawn, known, champion=champion, anchor=anchor, bins=config.bins))
