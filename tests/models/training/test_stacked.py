"""Networks side by side, whatever the number of shards."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.losses import LossSettings, loss_table
from models.network import constant_arrays, initial_arrays, margins, network_architecture
from models.training.shard import StepSettings
from models.training.stacked import StackedNetworks, fold_tensors
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

CPU = torch.device("cpu")
ROWS = made_rows(200, seed=1)
ARCHITECTURE = network_architecture(made_scaling(ROWS), cardinalities=CARDINALITIES)
STATES = [initial_arrays(ARCHITECTURE, rng=np.random.default_rng(seed)) for seed in range(3)]
ARRAYS = {name: np.stack([state[name] for state in STATES]) for name in STATES[0]}
PLAIN = StepSettings(64, weight_decay=0, dropout=0, clip=1, mixup=0, unknown_share=0, low_precision=False)
TABLE = loss_table([LossSettings(), LossSettings(0.1), LossSettings(ratio=9)], prevalence=0.1, device=CPU)
FOLD = fold_tensors(ROWS, ARCHITECTURE, device=CPU)


def stepped(*, shards=1, settings=PLAIN, seed=0, rate=0.01):
    """The weights after one step on the first 64 rows, and its losses."""
    with ThreadPoolExecutor(shards) as pool:
        networks = StackedNetworks(ARRAYS, ARCHITECTURE, settings, device=CPU, seed=seed, pool=pool, shards=shards)
        losses = networks.step(FOLD, torch.arange(64), table=TABLE, learning_rate=rate)
        return losses.numpy(), networks.arrays(), networks.margins(FOLD, batch_size=33).numpy()


def test_margins_are_those_of_each_network_alone():
    _, arrays, found = stepped(rate=0.0)
    for setting, margin in enumerate(found):
        state = constant_arrays(ARCHITECTURE) | {name: array[setting] for name, array in arrays.items()}
        np.testing.assert_allclose(margin, margins(state, ROWS), atol=1e-5)


@pytest.mark.parametrize("shards", [2, 3])
def test_no_bit_depends_on_the_number_of_shards(shards):
    everything = replace(PLAIN, dropout=0.3, mixup=0.4, unknown_share=0.2)
    one, several = stepped(settings=everything), stepped(settings=everything, shards=shards)
    np.testing.assert_array_equal(one[0], several[0])
    for name, array in one[1].items():
        np.testing.assert_array_equal(array, several[1][name])


@pytest.mark.parametrize("name", ["dropout", "mixup", "unknown_share"])
def test_what_is_random_about_a_batch_follows_from_the_seed_alone(name):
    settings = replace(PLAIN, **{name: 0.3})
    first, again, other = (stepped(settings=settings, seed=seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, stepped()[0])


def test_a_row_of_weight_three_is_mixed_as_that_row_three_times():
    # the loss of a mixed batch is the mixed loss of its labels, row weights included
    rows = replace(ROWS, weight=np.where(ROWS.label == 1, 3, 1).astype(np.float32))
    fold = fold_tensors(rows, ARCHITECTURE, device=CPU)
    with ThreadPoolExecutor(1) as pool:
        mixing = replace(PLAIN, mixup=0.4)
        networks = StackedNetworks(ARRAYS, ARCHITECTURE, mixing, device=CPU, seed=0, pool=pool, shards=1)
        batch = networks._batch(fold, torch.arange(64))
    total_BK = fold.target_NK[:64] * fold.weight_N[:64, None]
    torch.testing.assert_close(batch.target_BK * batch.weight_B[:, None], batch.mixing.mixed(total_BK))
    assert float(batch.target_BK.sum(1).sub(1).abs().max()) < 1e-6


def test_a_codes_lookup_learns_nothing_of_a_batch_that_hides_all_codes():
    _, arrays, _ = stepped(settings=replace(PLAIN, unknown_share=1.0))
    np.testing.assert_array_equal(arrays["lookup_0"][:, 1:], ARRAYS["lookup_0"][:, 1:])
    assert not np.array_equal(arrays["lookup_0"][:, 0], ARRAYS["lookup_0"][:, 0])


def test_a_teachers_labels_are_the_targets_and_the_labels_stay():
    soft = np.linspace(0, 1, 200)
    fold = fold_tensors(ROWS, ARCHITECTURE, device=CPU, soft_labels=soft)
    np.testing.assert_allclose(fold.target_NK[:, 1], soft, atol=1e-7)
    np.testing.assert_array_equal(fold.label_N, ROWS.label == 1)


def test_soft_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"one value a training row \(200\), got 3"):
        fold_tensors(ROWS, ARCHITECTURE, device=CPU, soft_labels=np.zeros(3))
