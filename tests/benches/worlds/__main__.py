"""Are verdicts, intervals and weights right? `python -m tests.benches.worlds [--worlds 200] [--plant]`.

Worlds are simulated with known truth and judged by the real code, without a model being trained in any: two boosters
and a logistic regression were fitted on worlds of their own, and each world gives them its map. Two to four seconds of
one core a world, some twenty for all plants; five seconds once to make a world (kept in --folder).
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from scipy.stats import beta

from evaluation.report.evaluation_report import STREAMS
from evaluation.report.evidence import evidence_of_known_rows
from evaluation.report.gate_section import gate_section
from evaluation.report.judgement import judgement
from evaluation.statistics.random_streams import named_streams
from models.calibration import Calibrator, fit_calibrator
from tests.benches.worlds.drift import drift_rules
from tests.benches.worlds.plants import LEVELS, PLANTS, POWER, Bench
from tests.benches.worlds.setting import BASELINE, SHIPPED, Judged, configuration, judged_world
from tests.benches.worlds.truth import Reference, reference, truths
from tests.benches.worlds.world import CANDIDATE, REFERENCE, features_digest, read_world, worlds

CONFIGURATIONS = ("harbor", "retrain")
COVERED = (
    "observed_expected",
    "log_loss",
    "brier_skill",
    "average_precision",
    "roc_auc",
    "calibration_slope",
    "ece_debiased",
)


@dataclass(frozen=True)
class Honest:
    """What was found in one honest world.

    Attributes:
        held: by interval, whether it holds the truth.
        level: observed/expected on test.
        bias: log of the frauds that the map promises on test over those of a map of all rows of calib with all labels;
            `unweighted` the same where usable rows count once each.
        alarms: rules of drift that ring.
        refused: reasons without a champion; `beside` a champion that is its equal.
    """

    held: dict[str, bool] = field(default_factory=dict)
    level: float = float("nan")
    bias: float = float("nan")
    unweighted: float = float("nan")
    alarms: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def main(given: Sequence[str] | None = None) -> None:
    """Judge as many worlds as asked for; None reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=200, help="honest worlds to judge")
    parser.add_argument("--plant", action="store_true", help="plant faults too, and count how many are caught")
    parser.add_argument("--planted-worlds", type=int, default=100, help="worlds of each plant")
    parser.add_argument("--only", nargs="*", help="names of plants")
    parser.add_argument("--config", nargs="*", choices=CONFIGURATIONS, default=CONFIGURATIONS)
    parser.add_argument("--resamples", type=int, default=400, help="draws of each judgement")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path(".worlds"), help="where worlds are kept")
    asked = parser.parse_args(given)
    asked.folder /= features_digest()
    begun = time.perf_counter()
    most = max(asked.worlds, asked.planted_worlds if asked.plant else 0)
    every = (*REFERENCE, *range(1, most + 1))
    for _ in worlds(every, folder=asked.folder, processes=asked.processes):
        pass
    for name in asked.config:
        if asked.worlds:
            print_honest(name, asked)
        if asked.plant:
            print_planted(name, asked)
    print(f"\n{(time.perf_counter() - begun) / 60:.1f} minutes")


def print_honest(name: str, asked: argparse.Namespace) -> None:
    """Coverage of every interval, the calibrated level, and how often honest models are refused, by rule."""
    known = known_truth(asked.folder, name)
    judge = partial(honest_world, name=name, folder=asked.folder, resamples=asked.resamples)
    found = each_world(judge, range(1, asked.worlds + 1), asked.processes)
    frauds = int(known.labels.sum())
    print(f"\n{name}.toml: {len(found)} honest worlds; truth from {known.worlds} others, {frauds:,} frauds")
    print("  95 % intervals that hold the truth")
    for interval in found[0].held:
        print(f"    {interval:<32} {share([each.held[interval] for each in found])}")
    level = np.array([each.level for each in found])
    print(f"  observed/expected on test: mean {level.mean():.3f}, sd {level.std(ddof=1):.3f}")
    for title, values in (
        ("weighted", [each.bias for each in found]),
        ("once each", [each.unweighted for each in found]),
    ):
        print(f"  level against a calib with all labels, rows {title:<10} {mean_with_interval(values)}")
    for rule in ("columns", "score", "fraud rate", "champion's level", "detector"):
        print(f"  drift rings for nothing, {rule:<18} {share([rule in each.alarms for each in found])}")
    for title, reasons in (
        ("without a champion", [e.refused for e in found]),
        ("beside an equal", [e.beside for e in found]),
    ):
        print(f"  honest worlds refused, {title:<19} {share([bool(each) for each in reasons])}")
        for rule, count in Counter(rule for each in reasons for rule in each).most_common():
            print(f"    {rule:<32} {count}")


@cache
def known_truth(folder: Path, name: str) -> Reference:
    """The reference worlds under a configuration, once a process."""
    return reference((read_world(folder, seed) for seed in REFERENCE), name)


def honest_world(seed: int, *, name: str, folder: Path, resamples: int) -> Honest:
    """One honest world, judged without a champion and beside its equal."""
    bench = Bench(configuration(name), resamples)
    judged = judged_world(read_world(folder, seed), name)
    evidence, _ = evidence_of_known_rows(judged.with_champion())
    config = bench.evaluation(ranking=True)
    found = judgement(evidence, config=config, draw=named_streams(np.random.default_rng(seed), STREAMS))
    true = truths(judged, known_truth(folder, name), bins=config.bins)
    drawn, compared = found.drawn, found.evidence.champion
    assert compared is not None
    intervals = {each: drawn.interval(SHIPPED, each) for each in COVERED}
    for each in ("log_loss", "average_precision"):
        intervals[f"{each} − {BASELINE}"] = drawn.difference(SHIPPED, BASELINE, each)
    intervals["log_loss − champion"] = compared.log_loss
    return Honest(
        held={each: i.low <= true[each] <= i.high for each, i in intervals.items()},
        level=drawn.values[SHIPPED]["observed_expected"],
        bias=level_bias(judged, judged.models[CANDIDATE].map),
        unweighted=level_bias(judged, affine_map(judged, judged.calib)),
        alarms=frozenset(drift_rules(judged, name)),
        refused=refusals(gate_section(replace(found.evidence, champion=None), config=bench.config.gate)),
        beside=refusals(gate_section(found.evidence, config=bench.config.gate)),
    )


def level_bias(judged: Judged, fitted: Calibrator) -> float:
    """Log of what a map promises on test, over what the map of all rows of calib with all labels does."""
    z = judged.world.margins(CANDIDATE)[judged.test]
    whole = affine_map(judged, np.flatnonzero(judged.folds.rows("calib")))
    return float(np.log(fitted.apply(z).sum() / whole.apply(z).sum()))


def affine_map(judged: Judged, places: np.ndarray) -> Calibrator:
    """The candidate's map on these rows, each counted once."""
    labels, z = judged.world.label[places].astype(np.float64), judged.world.margins(CANDIDATE)[places]
    return fit_calibrator(labels, z, method="affine")


def mean_with_interval(values: Sequence[float]) -> str:
    """A mean of small shares with its 95 % interval."""
    half = 1.96 * float(np.std(values, ddof=1)) / np.sqrt(len(values))
    return f"{np.mean(values):+.2%} ± {half:.2%}"


def refusals(gate: dict) -> tuple[str, ...]:
    """Names of the rules that refuse."""
    return tuple(check["name"] for check in gate["checks"] if check["passed"] is False)


def print_planted(name: str, asked: argparse.Namespace) -> None:
    """How often each plant is caught, beside a champion and for faults of the level also without one."""
    print(f"\n{name}.toml: planted faults caught in {asked.planted_worlds} worlds each")
    wanted = tuple(each for each in (*PLANTS, *POWER) if not asked.only or each in asked.only)
    caught = partial(planted_world, plants=wanted, name=name, folder=asked.folder, resamples=asked.resamples)
    found = each_world(caught, range(1, asked.planted_worlds + 1), asked.processes)
    for plant in wanted:
        line = share([each[plant][0] for each in found])
        alone = f"   alone {share([each[plant][1] for each in found])}" if plant in LEVELS else ""
        print(f"    {plant:<26} {line}{alone}{'   (no bar)' if plant in POWER else ''}", flush=True)


def planted_world(
    seed: int, *, plants: Sequence[str], name: str, folder: Path, resamples: int
) -> dict[str, tuple[bool, bool]]:
    """Whether each plant is caught beside a champion, and without one."""
    bench = Bench(configuration(name), resamples)
    judged = judged_world(read_world(folder, seed), name)
    alone = judged.without_champion()
    every = {**PLANTS, **POWER}
    return {plant: (every[plant](judged, bench), plant in LEVELS and every[plant](alone, bench)) for plant in plants}


def each_world(judge: Callable, seeds: Sequence[int], processes: int) -> list:
    """What `judge` finds in each world, worlds side by side."""
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(judge, seeds, chunksize=4))


def share(found: Sequence[bool]) -> str:
    """How many of them, with the 95 % interval of the share (Clopper and Pearson, 1934)."""
    hits, tries = sum(found), len(found)
    low = beta.ppf(0.025, hits, tries - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, tries - hits) if hits < tries else 1.0
    return f"{hits:>4} of {tries}  {hits / tries:6.1%}  ({low:.1%} to {high:.1%})"


if __name__ == "__main__":
    main()
