"""The rows on which the champion's promises are watched."""

import numpy as np

from evaluation.report.drift_section import LabelHistory
from evaluation.report.evidence import ChampionScores
from pipeline.stages.evaluate.champion_rows import ChampionRows
from pipeline.stages.evaluate.watched_champion import watched_champion

LABELS = LabelHistory(
    label=np.array([1.0, 0.0, np.nan, 1.0]),
    event_time=np.array([1, 2, 3, 4]),
    available_at=np.array([5, 5, 0, 6]),
    as_of=9,
    recent_from=2,
    reference=0.1,
)


def champion(unseen):
    return ChampionRows(ChampionScores("7", np.empty(0), 2), np.empty(0), unseen)


def test_rows_are_those_that_the_champion_never_saw_with_the_labels_known():
    found = watched_champion(LABELS, champion(np.array([np.nan, np.nan, 0.2, 0.3])))
    assert (found.name, found.as_of) == ("7", 9)
    assert found.rows.event_time.tolist() == [3, 4]
    assert found.rows.probabilities.tolist() == [0.2, 0.3]
    np.testing.assert_array_equal(found.rows.labels, [np.nan, 1.0])


def test_no_champion_and_one_that_cannot_score_are_not_watched():
    assert watched_champion(LABELS, None) is None
    assert watched_champion(LABELS, champion(None)) is None
