"""Which rules of drift ring in a world that stands still, beside a champion that is the candidate's equal."""

import numpy as np

from evaluation.report.detector_section import WatchedChampion, detector_section
from evaluation.report.drift_section import ColumnPopulation, DriftEvidence, LabelHistory, drift_section
from evaluation.report.recheck_section import calibration_check, recheck_section
from evaluation.statistics.champion_days import WatchedRows
from evaluation.statistics.label_delay import fit_label_curves
from evaluation.statistics.sample import Floats
from tests.benches.worlds.setting import Judged, as_of, configuration
from tests.benches.worlds.world import CANDIDATE, CHAMPION

RULES = {
    "population stability": "columns",
    "the score itself": "score",
    "the fraud rate": "fraud rate",
    "the model in use is no longer": "champion's level",
}
"""How an alarm begins, and which rule it is of; the others are the detector's."""


def drift_rules(judged: Judged, name: str) -> set[str]:
    """The rules that ring: columns (amount and merchant category), score, fraud rate, champion's level, detector."""
    world, config = judged.world, configuration(name)
    place = np.arange(world.time.size)
    newest = place > judged.test[-1] if as_of(name) is not None else np.isin(place, judged.test)
    train = judged.folds.rows("train")
    p = {each: judged.models[each].map.apply(world.margins(each)) for each in (CANDIDATE, CHAMPION)}
    labels = _history(judged, name, recent_from=int(world.time[newest].min()) - 1, train=train)
    champion = WatchedRows(labels.label[_unseen(judged)], p[CHAMPION][_unseen(judged)], world.time[_unseen(judged)])
    delays = fit_label_curves(labels.label, labels.event_time, labels.available_at, deadline=labels.as_of)
    level = calibration_check(
        labels.label[judged.test],
        p[CHAMPION][judged.test],
        event_time=world.time[judged.test],
        band=config.gate.band,
        weight=judged.evidence.rows.weight,
    )
    watched = WatchedChampion("1", champion, delays, labels.as_of)
    found = drift_section(
        DriftEvidence(
            reference=_population(judged, train, p[CANDIDATE][judged.calib]),
            recent=_population(judged, newest, p[CANDIDATE][newest]),
            labels=labels,
            recheck=recheck_section(None, level),
            detector=detector_section(watched, config=config.drift),
        ),
        config=config.drift,
    )
    return {_rule(alarm) for alarm in found["alarms"]}


def _rule(alarm: str) -> str:
    return next((rule for start, rule in RULES.items() if alarm.startswith(start)), "detector")


def _unseen(judged: Judged) -> np.ndarray:
    mask: np.ndarray = judged.world.time > judged.calib_end
    return mask


def _history(judged: Judged, name: str, *, recent_from: int, train: np.ndarray) -> LabelHistory:
    world, moment = judged.world, as_of(name)
    known = np.ones(world.time.size, np.bool_) if moment is None else world.available <= moment
    return LabelHistory(
        label=np.where(known, world.label, np.nan),
        event_time=world.time,
        available_at=world.available,
        as_of=moment,
        recent_from=recent_from,
        reference=float(world.label[train].mean()),
    )


def _population(judged: Judged, rows: np.ndarray, probabilities: Floats) -> ColumnPopulation:
    world = judged.world
    categories = {"merchant_category": world.category[rows].astype(np.int64) + 1}
    return ColumnPopulation("rows", {"amount": world.amount[rows]}, categories, probabilities)
