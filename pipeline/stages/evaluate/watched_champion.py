"""The champion on its own future, with the labels known so far: what the detector of change watches."""

import numpy as np

from evaluation.report.detector_section import WatchedChampion
from evaluation.report.drift_section import LabelHistory
from evaluation.statistics.champion_days import WatchedRows
from evaluation.statistics.label_delay import fit_label_curves
from pipeline.stages.evaluate.champion_rows import ChampionRows


def watched_champion(labels: LabelHistory, champion: ChampionRows | None) -> WatchedChampion | None:
    """The rows that the champion scored and had never seen; None without a champion that can score them.

    Args:
        labels: every transaction's label as known.
        champion: the model in use; its rows are in the same order.
    """
    if champion is None or champion.unseen is None:
        return None
    unseen = np.isfinite(champion.unseen)
    rows = WatchedRows(labels.label[unseen], champion.unseen[unseen], labels.event_time[unseen])
    delays = fit_label_curves(labels.label, labels.event_time, labels.available_at, deadline=labels.as_of)
    return WatchedChampion(champion.test.name, rows, delays, labels.as_of)
