"""Where blocks begin."""

import itertools

import pytest

from pipeline.stages.refit.prequential_pass import block_origins


@pytest.mark.parametrize("now", [1, 98, 99, 104, 105, 106])
def test_blocks_begin_at_multiples_of_their_length_before_now(now):
    origins = block_origins(now, block=7, blocks=3)
    assert all(origin % 7 == 0 for origin in origins)
    assert 0 < now - origins[-1] <= 7
    assert [b - a for a, b in itertools.pairwise(origins)] == [7, 7]


def test_from_night_to_night_at_most_one_origin_is_new():
    nights = [set(block_origins(now, block=7, blocks=4)) for now in range(1000, 1050)]
    assert max(len(new - old) for old, new in itertools.pairwise(nights)) == 1
