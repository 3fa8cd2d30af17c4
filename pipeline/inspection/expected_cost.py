"""What a run is likely to take, from its rows and settings: an estimate, and said to be one.

The constants are of two threads on the machine of evaluation/LOG.md: `make run` (400,000 rows), a night of the Handbook
(1.67 M rows) and the smallest configuration (40,000 rows).
"""

from dataclasses import dataclass

from pipeline.config import Config

START_SECONDS = 25.0
"""Loading libraries, pages, the bundle: whatever the rows."""
ROW_SECONDS = 3e-5
"""Reading a row and its windows."""
STEP_SECONDS = 3.4e-6
"""One training row in one epoch of one setting."""
ROUND_SECONDS = 4e-8
"""One training row in one round of the booster; patience stops most fits before their last."""
RESAMPLE_SECONDS = 6e-7
"""One row of test in one resample."""
BASE_GIB, ROW_GIB = 0.9, 1.15e-6
THREADS = 2
"""Of the machine that the constants are of; more are not counted on to help in proportion."""
LOWEST, HIGHEST = 0.6, 1.8
"""Factors between which a run usually is."""


@dataclass(frozen=True)
class ExpectedCost:
    """Minutes, from and to, and GiB of memory."""

    minutes: tuple[float, float]
    memory: float

    @property
    def line(self) -> str:
        """The estimate in words.

        >>> ExpectedCost((2.4, 7.3), 1.4).line
        'about 2 to 7 minutes and 1.4 GiB of memory on 2 processor threads, as rows and settings go (an estimate)'
        """
        low, high = (max(1, round(each)) for each in self.minutes)
        time = f"{low} to {high} minutes" if low < high else f"{low} minute{'s' * (low > 1)}"
        return (
            f"about {time} and {self.memory:.1f} GiB of memory on {THREADS} processor threads, as rows and settings go "
            "(an estimate)"
        )


def expected_cost(config: Config, *, rows: int, train_rows: int, test_rows: int) -> ExpectedCost:
    """The cost of all stages.

    Args:
        config: of the run.
        rows: transactions.
        train_rows: of them in train.
        test_rows: of them in test.
    """
    grid = len({0.0, *config.sweep.smoothing}) * len(config.sweep.class_weight) * config.sweep.repeats
    refits = config.refit.blocks + 1 if config.refit.enabled else 0
    steps = train_rows * config.train.epochs * (grid + len(config.sweep.smoothing) + refits)
    rounds = train_rows * config.boosting.rounds * (2 + refits)
    seconds = (
        START_SECONDS
        + ROW_SECONDS * rows
        + STEP_SECONDS * steps
        + ROUND_SECONDS * rounds
        + RESAMPLE_SECONDS * test_rows * config.evaluation.resamples
    )
    return ExpectedCost((seconds * LOWEST / 60, seconds * HIGHEST / 60), BASE_GIB + ROW_GIB * rows)
