"""The delayed fraud rate against the truth on steady dates: python -m tests.benches.steady_rates.

In each of several simulated worlds without drift the last week's fraud rate is told at many dates from what was known
then, and compared with what it turned out to be: the ratio of the two, whether the interval held the truth, and whether
the rate would have rung the alarm against the two months before.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from evaluation.options import DriftConfig
from evaluation.statistics.label_delay import delayed_prevalence
from features.simulate.simulated import simulate_transactions
from features.times import DAY

FIRST_SEED = 100


@dataclass(frozen=True)
class SteadyDate:
    """One date: corrected rate over true rate, whether the interval held the truth, and whether it would ring."""

    ratio: float
    held: bool
    rings: bool


def steady_dates(*, worlds: int, dates: int, rows: int) -> Iterator[SteadyDate]:
    """Every date of every world, days 80 to 180, at varying hours."""
    limit = DriftConfig().prevalence_limit
    for seed in range(FIRST_SEED, FIRST_SEED + worlds):
        table = simulate_transactions(rows, seed=seed).transactions
        time, available = (table[name].cast(pa.int64()).to_numpy() for name in ("event_time", "label_available_at"))
        label = table["label"].to_numpy().astype(float)
        for day in np.linspace(80, 180, dates).astype(int):
            as_of = int(time.min()) + int(day) * DAY + int(day) * 7919 % 24 * DAY // 24
            read, recent = time <= as_of, (time <= as_of) & (time > as_of - 7 * DAY)
            seen = np.where(available[read] <= as_of, label[read], np.nan)
            found = delayed_prevalence(seen, time[read], available[read], as_of=as_of, start=as_of - 7 * DAY)
            truth, before = label[recent].mean(), label[read & ~recent & (time > as_of - 68 * DAY)].mean()
            yield SteadyDate(
                ratio=found.corrected / truth,
                held=found.low <= truth <= found.high,
                rings=found.low > limit * before or found.high < before / limit,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=8)
    parser.add_argument("--dates", type=int, default=20)
    parser.add_argument("--rows", type=int, default=400_000)
    arguments = parser.parse_args()
    found = list(steady_dates(worlds=arguments.worlds, dates=arguments.dates, rows=arguments.rows))
    ratio = np.array([date.ratio for date in found])
    print(f"{len(found)} dates: corrected / true {ratio.min():.3f} to {ratio.max():.3f}, median {np.median(ratio):.3f}")
    print(f"within .85 to 1.15 {np.mean(np.abs(ratio - 1) <= 0.15):.1%}")
    print(f"interval held the truth {np.mean([date.held for date in found]):.1%}")
    print(f"would have rung {np.mean([date.rings for date in found]):.1%}")


if __name__ == "__main__":
    main()
