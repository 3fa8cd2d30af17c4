"""The estimate of a run, held against runs that were timed."""

import pytest

from pipeline.config import load_config
from pipeline.inspection.expected_cost import ExpectedCost, expected_cost


def cost(config, rows, train, test, *assignments):
    settings = load_config(config, assignments=assignments, environment={})
    return expected_cost(settings, rows=rows, train_rows=train, test_rows=test)


@pytest.mark.parametrize(
    ("config", "rows", "train", "test", "minutes", "memory"),
    [
        ("harbor.toml", 400_000, 135_000, 72_000, 5.0, 1.4),
        ("smoke.toml", 40_000, 13_300, 7_200, 0.6, 0.9),
    ],
)
def test_runs_that_were_timed_lie_inside_the_estimate(config, rows, train, test, minutes, memory):
    found = cost(config, rows, train, test)
    assert found.minutes[0] <= minutes <= found.minutes[1]
    assert found.memory == pytest.approx(memory, rel=0.15)


def test_more_settings_epochs_and_rows_take_longer():
    plain = cost("harbor.toml", 400_000, 135_000, 72_000).minutes
    fewer = cost("harbor.toml", 400_000, 135_000, 72_000, "sweep.smoothing=[0.0]").minutes
    longer = cost("harbor.toml", 400_000, 135_000, 72_000, "train.epochs=30").minutes
    assert fewer[1] < plain[1] < longer[1]


def test_the_line_says_that_it_is_an_estimate_and_never_less_than_a_minute():
    line = ExpectedCost((0.1, 0.4), 0.91).line
    assert line.startswith("about 1 minute and 0.9 GiB")
    assert line.endswith("(an estimate)")
