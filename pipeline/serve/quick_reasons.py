"""Reasons for who answers at once: what the score loses where one group of columns alone is as usual.

One graph call of a row a group, where Shapley values take one of 2^G. Where groups stand in for one another, each of
them loses less than its Shapley value says; `harbor explain` gives those, from the same groups, texts and references.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.reasons import Effects, Reason, Reasons
from pipeline.bundle.scorer import Scorer

SURE = 1e-15
"""Probabilities nearer to 0 or 1 have the log odds of this one."""
Texts = Mapping[str, NDArray[Any]]


class QuickReasons:
    """Reasons of a bundle against the medians of its references.

    Attributes:
        reasons: of the bundle.
    """

    def __init__(self, reasons: Reasons) -> None:
        self.reasons = reasons
        groups = {name: place for place, group in enumerate(reasons.groups) for name in group.columns}
        self._usual = reasons.medians
        self._number_groups = np.array([groups[name] for name in reasons.signature.numeric], dtype=np.intp)
        self._text_groups = {name: groups[name] for name in reasons.texts}
        self._kept = ~np.eye(len(reasons.groups) + 2, len(reasons.groups), dtype=np.bool_)
        self._kept[-1] = False  # rows: each group as usual, all as they are, all as usual

    def of(self, numbers: NDArray[np.float32], texts: Texts, scorer: Scorer, output: str) -> list[Reason]:
        """The reasons for a payment's score, the strongest first; groups that hardly raised it are none.

        Args:
            numbers: its numeric columns in the signature's order, NaN where missing [1, F].
            texts: its categorical ones, "" where missing [1, 1].
            scorer: of the bundle's graph, which is asked once.
            output: what of the graph is explained.

        Raises:
            InputError: the graph fails.
        """
        rows = np.where(self._kept[:, self._number_groups], numbers, self._usual.numbers)
        filled = {
            name: np.where(self._kept[:, self._text_groups[name]], texts[name][0, 0], usual[0])[:, None].astype(object)
            for name, usual in self._usual.texts.items()
        }
        found = scorer.matrix_outputs(rows, filled, (output,))[0][:, 0]
        p = np.clip(found, SURE, 1.0 - SURE)
        worth = np.log(p) - np.log1p(-p)
        effects = Effects(float(worth[-1]), float(worth[-2]), worth[-2] - worth[:-2], found[:-2])
        return [self.reasons.reason(place, effects, numbers, texts) for place in self.reasons.ranked(effects.effects)]
