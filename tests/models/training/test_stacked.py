"""Networks side by side, whatever the number of shards."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.losses import LossSettings, loss_table
from models.network import constant_arrays, initial_arrays, margins, network_architecture
from models.training.shard import StepSettings
from models.training.stacked import StackedNetworks, Workers
from models.training.training_batches import BatchMaker, fold_tensors
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

CPU = torch.device("cpu")
ROWS = made_rows(200, seed=1)
ARCHITECTURE = network_architecture(made_scaling(ROWS), cardinalities=CARDINALITIES)
STATES = [initial_arrays(ARCHITECTURE, rng=np.random.default_rng(seed)) for seed in range(3)]
ARRAYS = {name: np.stack([state[name] for state in STATES]) for name in STATES[0]}
PLAIN = StepSettings(64, weight_decay=0, dropout=0, clip=1, mixup=0, unknown_share=0, low_precision=False)
TABLE = loss_table([LossSettings(), LossSettings(0.1), LossSettings(ratio=9)], prevalence=0.1, device=CPU)
FOLD = fold_tensors(ROWS, ARCHITECTURE, device=CPU)


def stacked(pool, *, workers=1, settings=PLAIN, seed=0):
    batches = BatchMaker(ARCHITECTURE, settings, device=CPU, seed=seed)
    return StackedNetworks(ARRAYS, settings, table=TABLE, batches=batches, workers=Workers(pool, workers))


def learned(*, workers=1, settings=PLAIN, seed=0, rate=0.01):
    """The losses of one epoch, the weights after it and the margins they give."""
    with ThreadPoolExecutor(workers) as pool:
        networks = stacked(pool, workers=workers, settings=settings, seed=seed)
        losses = networks.learn(FOLD, [rate] * 4)
        return losses.numpy(), networks.arrays(), networks.margins(FOLD, batch_size=33).numpy()


def test_margins_are_those_of_each_network_alone():
    _, arrays, found = learned(rate=0.0)
    for setting, margin in enumerate(found):
        state = constant_arrays(ARCHITECTURE) | {name: array[setting] for name, array in arrays.items()}
        np.testing.assert_allclose(margin, margins(state, ROWS), atol=1e-5)


@pytest.mark.parametrize("workers", [2, 3])
def test_no_bit_depends_on_the_number_of_workers(workers):
    everything = replace(PLAIN, dropout=0.3, mixup=0.4, unknown_share=0.2)
    one, several = learned(settings=everything), learned(settings=everything, workers=workers)
    np.testing.assert_array_equal(one[0], several[0])
    for name, array in one[1].items():
        np.testing.assert_array_equal(array, several[1][name])


def test_a_setting_that_is_left_behind_changes_no_bit_of_the_others():
    everything = replace(PLAIN, dropout=0.3, unknown_share=0.2)
    with ThreadPoolExecutor(2) as pool:
        together, fewer = (stacked(pool, workers=2, settings=everything) for _ in range(2))
        for networks in (together, fewer):
            networks.learn(FOLD, [0.01] * 4)
        fewer.keep(np.array([True, False, True]))
        losses = [networks.learn(FOLD, [0.01] * 4).numpy() for networks in (together, fewer)]
        arrays = [networks.arrays() for networks in (together, fewer)]
    np.testing.assert_array_equal(losses[0][[0, 2]], losses[1])
    for name, array in arrays[0].items():
        np.testing.assert_array_equal(array[[0, 2]], arrays[1][name])


@pytest.mark.parametrize("name", ["dropout", "mixup", "unknown_share"])
def test_what_is_random_about_a_batch_follows_from_the_seed_alone(name):
    settings = replace(PLAIN, **{name: 0.3})
    first, again, other = (learned(settings=settings, seed=seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, learned()[0])


def test_a_codes_lookup_learns_nothing_of_a_batch_that_hides_all_codes():
    _, arrays, _ = learned(settings=replace(PLAIN, unknown_share=1.0))
    np.testing.assert_array_equal(arrays["lookup_0"][:, 1:], ARRAYS["lookup_0"][:, 1:])
    assert not np.array_equal(arrays["lookup_0"][:, 0], ARRAYS["lookup_0"][:, 0])
