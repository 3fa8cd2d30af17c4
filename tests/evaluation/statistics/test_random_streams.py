import numpy as np
import pytest

from evaluation.statistics.random_streams import named_streams, stream_of


def draws(streams):
    return {name: rng.random() for name, rng in streams.items()}


def test_streams_of_different_purposes_differ_and_repeat():
    found = draws(named_streams(np.random.default_rng(1), ("a", "b")))
    assert found["a"] != found["b"]
    assert found == draws(named_streams(np.random.default_rng(1), ("a", "b")))


def test_one_purpose_more_moves_none_of_the_others():
    two = draws(named_streams(np.random.default_rng(1), ("a", "b")))
    three = draws(named_streams(np.random.default_rng(1), ("a", "b", "c")))
    assert {name: three[name] for name in two} == two


def test_a_stream_of_a_name_knows_neither_order_nor_what_was_drawn_before():
    first = stream_of(np.random.default_rng(1), "hybrid").random()
    used = np.random.default_rng(1)
    used.random(5)
    stream_of(used, "mlp")
    assert stream_of(used, "hybrid").random() == first
    assert stream_of(used, "hybride").random() != first


def test_a_generator_without_a_seed_sequence_has_no_children():
    legacy = np.random.Generator(np.random.RandomState(1)._bit_generator)
    with pytest.raises(ValueError, match="must be made from a SeedSequence, got"):
        stream_of(legacy, "hybrid")
