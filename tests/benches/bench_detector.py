"""The detector of change on simulated worlds: how soon it rings where fraud changes, how often where nothing does.

Every night knows the labels of that night alone. The champion is fixed: a booster of other seeds with a map fitted on
the world's first days. `--data N` takes N steady worlds and a quarter as many that change; about seven seconds each on
one core.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from evaluation.options import DriftConfig
from evaluation.statistics.champion_days import ChampionDays, WatchedRows, champion_days
from evaluation.statistics.change_detection import combined_evidence, detect_change, ringing_evidence
from evaluation.statistics.label_delay import fit_label_curves
from evaluation.statistics.sample import DAY
from features.simulate.episodes import SHIFT_DAY
from tests.benches.champion_worlds import MAP_DAYS, ChampionWorld, champion_world, fixed_booster

HEADING = f"{'':<60} {'share':>7} {'95 % interval':>17} {'bar':>8}"
STEADY_WORLDS = 100
NIGHTS = range(23, 183)
"""Days from the start of the world on which a night's run looks: 160 of them."""
SIGHT = {"three weeks": 21, "sixty days": 60}
"""Days that a night looks back, at most: as many as the pipeline does, or more."""
HONEST = 20
"""One honest row in so many tells how soon those are cleared."""
WITHIN = 10
"""Days from the change until which a ring is in time."""


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Both bars with their Monte-Carlo intervals, printed as they stand; nothing is timed."""
    steady = int(data) if data else STEADY_WORLDS
    booster = fixed_booster()
    changed = [first_rings(champion_world(booster, seed, scenario="drift")) for seed in range(1, steady // 4 + 1)]
    for name in SIGHT:
        _print_changed(name, [each[name] for each in changed])
    quiet = [first_rings(champion_world(booster, seed)) for seed in range(1, steady + 1)]
    for name in SIGHT:
        rings = sum(each[name] is not None for each in quiet)
        _print_share(f"steady worlds, {name}: series of {len(NIGHTS)} nights that ring", rings, len(quiet), "<= .05")
    return []


def first_rings(world: ChampionWorld) -> dict[str, int | None]:
    """The first night on which the detector rings, by how far a night looks back; None where it never does."""
    config = DriftConfig()
    limit = ringing_evidence(nights=config.detector_nights, false_alarms=config.detector_false_alarms)
    found: dict[str, int | None] = dict.fromkeys(SIGHT)
    for night, days in zip(NIGHTS, nightly_days(world), strict=True):
        for name, sight in SIGHT.items():
            parts = [days.frauds.last(sight), days.loss.last(sight)]
            changes = [detect_change(part, margin=config.detector_margin) for part in parts]
            if found[name] is None and combined_evidence(changes) >= limit:
                found[name] = night
    return found


def nightly_days(world: ChampionWorld, nights: Sequence[int] = NIGHTS) -> Iterator[ChampionDays]:
    """What each night knows of the champion's days after those of its map."""
    dated = (world.label == 1) | (np.arange(world.label.size) % HONEST == 0)
    label, happened, available = world.label[dated], world.event_time[dated], world.available_at[dated]
    for night in nights:
        as_of = night * DAY
        end = np.searchsorted(world.event_time, as_of)
        start = np.searchsorted(world.event_time, max(MAP_DAYS, night - max(SIGHT.values())) * DAY)
        watched = slice(int(start), int(end))
        delays = fit_label_curves(label, happened, available, deadline=as_of)
        known = np.where(world.available_at[watched] <= as_of, world.label[watched], np.nan)
        rows = WatchedRows(known, world.probability[watched], world.event_time[watched])
        yield champion_days(rows, delays, as_of=as_of)


def _print_changed(name: str, rings: Sequence[int | None]) -> None:
    late = sorted(day - SHIFT_DAY for day in rings if day is not None and day >= SHIFT_DAY)
    in_time = sum(days <= WITHIN for days in late)
    _print_share(f"changed worlds, {name}: rings within {WITHIN} days", in_time, len(rings), ">= .80")
    print(f"  days from the change to the ring: {late}", flush=True)


def _print_share(what: str, hits: int, tries: int, bar: str) -> None:
    interval = stats.binomtest(hits, tries).proportion_ci(method="exact")
    share = f"{hits}/{tries}"
    print(f"{what:<60} {share:>7} {interval.low:>8.3f} {interval.high:>8.3f} {bar:>8}", flush=True)
