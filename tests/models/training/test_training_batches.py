"""Batches: what is random about them, and how several readers share them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.network import network_architecture
from models.training.shard import StepSettings
from models.training.training_batches import BatchMaker, SharedBatches, fold_tensors
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

CPU = torch.device("cpu")
ROWS = made_rows(200, seed=1)
ARCHITECTURE = network_architecture(made_scaling(ROWS), cardinalities=CARDINALITIES)
PLAIN = StepSettings(
    64, weight_decay=0, dropout=0, clip=1, mixup=0, unknown_share=0, low_precision=False, legitimate_share=1.0
)


def test_a_row_of_weight_three_is_mixed_as_that_row_three_times():
    # the loss of a mixed batch is the mixed loss of its labels, row weights included
    rows = replace(ROWS, weight=np.where(ROWS.label == 1, 3, 1).astype(np.float32))
    fold = fold_tensors(rows, ARCHITECTURE, device=CPU)
    batch = BatchMaker(ARCHITECTURE, replace(PLAIN, mixup=0.4), device=CPU, seed=0).batch(fold, torch.arange(64))
    total_BK = fold.target_NK[:64] * fold.weight_N[:64, None]
    torch.testing.assert_close(batch.target_BK * batch.weight_B[:, None], batch.mixing.mixed(total_BK))
    assert float(batch.target_BK.sum(1).sub(1).abs().max()) < 1e-6


def test_an_epoch_draws_every_fraud_and_a_share_of_the_others_anew():
    fold = fold_tensors(ROWS, ARCHITECTURE, device=CPU)
    batches = BatchMaker(ARCHITECTURE, replace(PLAIN, legitimate_share=0.25), device=CPU, seed=0)
    fraud_N = ROWS.label == 1
    epochs = [batches.drawn(fold).numpy() for _ in range(40)]
    expected = int(fraud_N.sum()) + round(0.25 * (~fraud_N).sum())
    assert {len(set(rows)) for rows in epochs} == {len(epochs[0])} == {expected} == {fold.drawn_rows(0.25)}
    seen_N = np.bincount(np.concatenate(epochs), minlength=200)
    assert (seen_N[fraud_N] == 40).all()
    assert seen_N[~fraud_N].min() > 0
    assert any((np.diff(rows) < 0).any() for rows in epochs)


def test_an_epoch_of_all_rows_is_a_plain_shuffle():
    fold = fold_tensors(ROWS, ARCHITECTURE, device=CPU)
    made = BatchMaker(ARCHITECTURE, PLAIN, device=CPU, seed=3).drawn(fold).numpy()
    np.testing.assert_array_equal(made, np.random.default_rng(3).permutation(200))


def test_readers_get_the_same_batches_in_order_and_each_is_made_once():
    made = []

    def make(rows):
        made.append(rows)
        return f"batch of {rows}"

    shared = SharedBatches(make, ["a", "b", "c"], readers=2)
    first = [shared.take(0), shared.take(1)]
    assert first == [shared.take(0), shared.take(1)] == ["batch of a", "batch of b"]
    assert made == ["a", "b"]


def test_a_batch_that_all_readers_have_had_is_dropped():
    shared = SharedBatches(lambda rows: rows, ["a", "b"], readers=1)
    shared.take(0)
    with pytest.raises(KeyError, match="0"):
        shared.take(0)


@pytest.mark.parametrize(("most", "rows"), [(200, 200), (199, 100), (67, 67), (1, 1)])
def test_a_thinned_fold_has_every_so_many_rows_and_no_more_than_asked(most, rows):
    thinned = fold_tensors(ROWS, ARCHITECTURE, device=CPU).thinned(most)
    expected = ROWS.numeric[:: -(-200 // rows)]
    assert len(thinned.label_N) == len(expected) <= most
    np.testing.assert_array_equal(thinned.numeric_NF.numpy(), expected)


def test_a_teachers_labels_are_the_targets_and_the_labels_stay():
    soft = np.linspace(0, 1, 200)
    fold = fold_tensors(ROWS, ARCHITECTURE, device=CPU, soft_labels=soft)
    np.testing.assert_allclose(fold.target_NK[:, 1], soft, atol=1e-7)
    np.testing.assert_array_equal(fold.label_N, ROWS.label == 1)


def test_soft_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"one value a training row \(200\), got 3"):
        fold_tensors(ROWS, ARCHITECTURE, device=CPU, soft_labels=np.zeros(3))
