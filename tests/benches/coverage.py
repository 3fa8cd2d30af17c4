"""How often 95 % intervals hold the truth in made worlds of bursts: `python -m tests.benches.coverage --worlds 300`.

The truth of a statistic is that of the same fixed model over all worlds, known in closed form up to a large sample; for
observed/expected and ECE also what the recipe promises, 1 and 0. By card is what one-way draws of cards would have
said. Brackets are the 95 % Clopper–Pearson interval of the coverage.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from scipy.special import expit, logit

from evaluation.options import EvaluationConfig
from evaluation.report.candidates_section import headline_replicates
from evaluation.report.evidence import CalibRows
from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.dependence import Dependence
from evaluation.statistics.intervals import Interval, Replicates
from evaluation.statistics.logistic_line import logistic_line
from evaluation.statistics.ranking import average_precision
from evaluation.statistics.reliability import clopper_pearson
from evaluation.statistics.scores import brier_skill, log_loss, observed_expected
from tests.oracles.clustered_worlds import GRID, Fold, World, folds

STATISTICS: dict[str, Callable[..., float]] = {
    "observed_expected": observed_expected,
    "log_loss": log_loss,
    "brier_skill": brier_skill,
    "average_precision": average_precision,
}
BENT = {"bent level": (0.0, 1.3), "bent slope": (0.7, 1.0)}
Maps = dict[str, Callable[[Fold], np.ndarray]]


def coverage(world: World, *, worlds: int, resamples: int, seed: int, sizes: tuple[int, int]) -> dict[str, list[bool]]:
    """By question, whether each world's interval held the truth."""
    config = EvaluationConfig(resamples=resamples, cluster="auto")
    truth = _population(world)
    held: dict[str, list[bool]] = defaultdict(list)
    for number in range(worlds):
        rng = np.random.default_rng([seed, number])
        calib, test = folds(world, rng, sizes=sizes, days=(28, 33))
        maps = _maps(calib)
        drawn = headline_replicates(
            test.rows,
            {name: apply(test) for name, apply in maps.items()},
            config=config,
            rng=rng,
            calib=CalibRows(calib.rows, {name: apply(calib) for name, apply in maps.items()}),
        )
        _add(held, drawn, maps, truth)
        fixed = headline_replicates(test.rows, {"one": maps["one"](test)}, config=config, rng=rng)
        for way, found in (("by card", _by_card(fixed)), ("two-way", fixed)):
            interval, own = found.interval("one", "observed_expected"), _true_level(maps["one"], truth)
            held[f"O/E is 1, {way}, calibrator as it is"].append(_holds(interval, 1.0))
            held[f"observed_expected, {way}, calibrator as it is"].append(_holds(interval, own))
    return dict(held)


def _maps(calib: Fold) -> Maps:
    """Two models with lines fitted on calib, and the first bent in level and in slope."""
    y = calib.rows.labels
    one, other = (logistic_line(y, z, np.ones(y.size)) for z in (calib.seen, calib.blurred))
    maps: Maps = {
        "one": lambda fold: expit(one[0] + one[1] * fold.seen),
        "other": lambda fold: expit(other[0] + other[1] * fold.blurred),
    }
    middle = float(np.average(one[0] + one[1] * calib.seen, weights=y))
    maps["bent level"] = lambda fold: expit(one[0] + one[1] * fold.seen + np.log(1.3))
    maps["bent slope"] = lambda fold: expit(middle + 0.7 * (one[0] + one[1] * fold.seen - middle))
    return maps


def _population(world: World) -> tuple[Fold, np.ndarray, np.ndarray]:
    """A large sample of x as both outcomes, weighted by P(fraud | x)."""
    rng = np.random.default_rng(99)
    seen = rng.normal(0, 1.6, 100_000)
    blurred = seen + rng.normal(0, 0.8, seen.size)
    p = expit(np.interp(seen, GRID, logit(world.expected())))
    both = Fold(None, np.tile(seen, 2), np.tile(blurred, 2))  # type: ignore[arg-type]
    return both, np.repeat([1.0, 0.0], seen.size), np.concatenate([p, 1.0 - p])


def _true_level(apply: Callable[[Fold], np.ndarray], truth: tuple[Fold, np.ndarray, np.ndarray]) -> float:
    fold, y, weight = truth
    return observed_expected(y, apply(fold), weight=weight)


def _add(
    held: dict[str, list[bool]], drawn: Replicates, maps: Maps, truth: tuple[Fold, np.ndarray, np.ndarray]
) -> None:
    fold, y, weight = truth
    by_card = _by_card(drawn)
    p = {name: apply(fold) for name, apply in maps.items()}
    true = {(n, s): f(y, p[n], weight=weight) for s, f in STATISTICS.items() for n in ("one", "other")}
    for way, found in (("by card", by_card), ("two-way", drawn)):
        for statistic in STATISTICS:
            single = found.interval("one", statistic)
            held[f"{statistic}, {way}"].append(_holds(single, true["one", statistic]))
            paired = found.difference("one", "other", statistic)
            gap = true["one", statistic] - true["other", statistic]
            held[f"difference in {statistic}, {way}"].append(_holds(paired, gap))
        held[f"O/E is 1, {way} with the calibrator"].append(_holds(found.interval("one", "observed_expected"), 1.0))
    for name in ("one", *BENT):
        error = expected_calibration_error(y, p[name], weight=weight)
        held[f"ece_debiased, {name}, the model's own error"].append(_holds(drawn.interval(name, "ece_debiased"), error))
        held[f"ece, {name}, the model's own error"].append(_holds(drawn.interval(name, "ece"), error))
    held["ece_debiased, one, holds 0"].append(_holds(drawn.interval("one", "ece_debiased"), 0.0))
    held["ece, one, holds 0"].append(_holds(drawn.interval("one", "ece"), 0.0))
    for name in BENT:
        held[f"ece_debiased, {name}, excludes 0 (power)"].append(drawn.interval(name, "ece_debiased").low > 0)


def _by_card(drawn: Replicates) -> Replicates:
    alone = Dependence({"card": drawn.units.units["card"]}, {"card": drawn.clusters})
    noise = {name: {"card": found["card"]} for name, found in drawn.gap_noise.items()}
    return Replicates(drawn.values, {"card": drawn.by_unit["card"]}, drawn.confidence, alone, drawn.gaps, noise)


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, nargs=2, default=(18_000, 22_000))
    arguments = parser.parse_args()
    held = coverage(
        World(),
        worlds=arguments.worlds,
        resamples=arguments.resamples,
        seed=arguments.seed,
        sizes=tuple(arguments.rows),
    )
    for question, found in sorted(held.items()):
        low, high = clopper_pearson([sum(found)], [len(found)])
        print(f"{question:60s} {np.mean(found):.3f}  ({low[0]:.3f} to {high[0]:.3f})")


if __name__ == "__main__":
    main()
