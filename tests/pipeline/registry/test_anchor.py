"""Which version is the fixed point of comparisons: the champion of some days ago."""

import pytest

from features.times import DAY
from pipeline.registry.anchor import anchor_tenure
from pipeline.registry.ledger import Promotion


def promotions(*moves):
    """Promotions at days, each in place of the one before it."""
    before, lines = None, []
    for sequence, (day, version) in enumerate(moves, start=1):
        line = Promotion(
            sequence, day * DAY, "promote", "harbor-fraud", version, f"manifest {version}", before, version, "job"
        )
        lines.append(line)
        before = version
    return lines


@pytest.mark.parametrize(("day", "version"), [(0, "1"), (10, "1"), (19, "1"), (20, "2"), (45, "3"), (99, "3")])
def test_the_anchor_was_in_production_then_or_is_the_first_since(day, version):
    found = anchor_tenure(promotions((10, "1"), (20, "2"), (40, "3")), moment=day * DAY)
    assert (found.version, found.manifest) == (version, f"manifest {version}")


def test_a_version_that_was_brought_back_is_the_anchor_of_the_time_it_was_back():
    lines = promotions((10, "1"), (20, "2"), (30, "1"))
    assert [anchor_tenure(lines, moment=day * DAY).version for day in (15, 25, 35)] == ["1", "2", "1"]


def test_a_registry_without_promotions_has_none():
    assert anchor_tenure([], moment=DAY) is None
