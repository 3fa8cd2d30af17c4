"""The evidence before any smoothing: what the network without it says on valid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from evaluation.render.figures import unsmoothed_picture
from evaluation.report.reliability_tables import unsmoothed_section
from models.rows import Floats
from models.sweep import Sweep

NOT_FITTED = "ε = 0 without class weights was not fitted, because sweep.class_weight does not name none"


@dataclass(frozen=True)
class UnsmoothedEvidence:
    """Reliability, Brier score and ECE of ε = 0 without class weights on valid, and their picture as PNG."""

    section: Mapping[str, Any]
    png: bytes

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers that tracking shows."""
        return {f"unsmoothed_valid_{name}": self.section[name] for name in ("brier", "ece", "log_loss")}

    @property
    def line(self) -> str:
        """The same in words."""
        return (
            f"ε = 0 on valid, without class weights: Brier {self.section['brier']:.5f}, ECE {self.section['ece']:.5f}"
        )


def unsmoothed_evidence(sweep: Sweep, labels: Floats, *, bins: int) -> UnsmoothedEvidence | None:
    """What the guide asks for first; None where the sweep has no setting without smoothing and class weights.

    Args:
        sweep: of any settings: that of a recheck begins with the champion's class weights.
        labels: 0 or 1 of the rows of valid [N].
        bins: of the ECE.
    """
    fits = zip(sweep.settings, sweep.fits, strict=True)
    plain = next((fit for setting, fit in fits if setting.plain and setting.repeat == 0), None)
    if plain is None:
        return None
    section = unsmoothed_section(labels.astype(np.float64), expit(plain.valid_margins), bins=bins)
    return UnsmoothedEvidence(section, unsmoothed_picture(section).png)
