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


@dataclass(frozen=True)
class UnsmoothedEvidence:
    """Reliability, Brier score and ECE of ε = 0 on valid, and their picture as PNG."""

    section: Mapping[str, Any]
    png: bytes

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers that tracking shows."""
        return {f"unsmoothed_valid_{name}": self.section[name] for name in ("brier", "ece", "log_loss")}

    @property
    def line(self) -> str:
        """The same in words."""
        return f"ε = 0 on valid, before the sweep: Brier {self.section['brier']:.5f}, ECE {self.section['ece']:.5f}"


def unsmoothed_evidence(sweep: Sweep, labels: Floats, *, bins: int) -> UnsmoothedEvidence:
    """What the guide asks for first.

    Args:
        sweep: its first setting has ε = 0.
        labels: 0 or 1 of the rows of valid [N].
        bins: of the ECE.
    """
    if sweep.settings[0].loss.epsilon > 0:
        raise ValueError(f"the first setting must have ε = 0, got {sweep.settings[0].loss.epsilon:g}")
    section = unsmoothed_section(labels.astype(np.float64), expit(sweep.fits[0].valid_margins), bins=bins)
    return UnsmoothedEvidence(section, unsmoothed_picture(section).png)
