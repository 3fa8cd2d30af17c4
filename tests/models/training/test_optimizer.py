"""Adam for many settings at once is torch's own for each of them."""

import numpy as np
import pytest
import torch

from models.training.optimizer import BETAS, EPSILON, AdamState, RowwiseAdam, StackedAdam, sum_of

RNG = np.random.default_rng(0)
ARRAYS = {
    "a_weight": RNG.normal(size=(3, 4, 5)).astype(np.float32),
    "a_bias": RNG.normal(size=(3, 5)).astype(np.float32),
}
GRADIENTS = [{name: RNG.normal(size=array.shape).astype(np.float32) for name, array in ARRAYS.items()} for _ in "abc"]


def begun(**arrays):
    return AdamState.begun({name: torch.tensor(array) for name, array in arrays.items()})


def stacked(steps):
    optimizer = StackedAdam(begun(**ARRAYS), weight_decay=0.1)
    for step in steps:
        for name, gradient in step.items():
            optimizer.gradients[name].copy_(torch.from_numpy(gradient))
        optimizer.step(learning_rate=0.01)
    return optimizer


@pytest.mark.parametrize("setting", range(3))
def test_each_setting_moves_as_under_torchs_adamw_with_biases_undecayed(setting):
    alone = {name: torch.tensor(array[setting], requires_grad=True) for name, array in ARRAYS.items()}
    groups = [
        {"params": [alone["a_weight"]], "weight_decay": 0.1},
        {"params": [alone["a_bias"]], "weight_decay": 0.0},
    ]
    peer = torch.optim.AdamW(groups, lr=0.01, betas=BETAS, eps=EPSILON)
    for step in GRADIENTS:
        for name, gradient in step.items():
            alone[name].grad = torch.from_numpy(gradient[setting])
        peer.step()
    for name, weight in stacked(GRADIENTS).weights.items():
        np.testing.assert_allclose(weight[setting], alone[name].detach(), rtol=1e-5, atol=1e-7)


def test_norms_and_factors_are_each_settings_own():
    optimizer = stacked(GRADIENTS[:1])
    expected = [sum((gradient[s] ** 2).sum() for gradient in GRADIENTS[0].values()) for s in range(3)]
    np.testing.assert_allclose(optimizer.squared_norms(), expected, rtol=1e-5)
    optimizer.scale(torch.tensor([1.0, 0.0, 2.0]))
    np.testing.assert_allclose(optimizer.squared_norms(), expected * np.array([1, 0, 4]), rtol=1e-5)


def test_rows_of_a_table_move_as_under_torchs_sparse_adam_and_others_stay():
    table = RNG.normal(size=(2, 6, 3)).astype(np.float32)
    ours = RowwiseAdam("lookup_0", begun(lookup_0=table))
    peers = [torch.nn.Embedding.from_pretrained(torch.tensor(each), freeze=False, sparse=True) for each in table]
    optimizers = [torch.optim.SparseAdam(peer.parameters(), lr=0.01, betas=BETAS, eps=EPSILON) for peer in peers]
    for codes in (torch.tensor([1, 4, 1]), torch.tensor([4, 2])):
        distinct, inverse = torch.unique(codes, return_inverse=True)
        ours.looked_up(distinct, inverse).square().sum().backward()
        ours.step(learning_rate=0.01)
        for peer, optimizer in zip(peers, optimizers, strict=True):
            optimizer.zero_grad()
            peer(codes).square().sum().backward()
            optimizer.step()
    for setting, peer in enumerate(peers):
        np.testing.assert_allclose(ours.stacked[setting], peer.weight.detach(), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(ours.stacked[setting][[0, 3, 5]], table[setting][[0, 3, 5]])


def test_a_step_before_any_gradient_is_refused():
    with pytest.raises(RuntimeError, match="backward has not run"):
        RowwiseAdam("lookup_0", begun(lookup_0=np.zeros((1, 2, 1), np.float32))).step(learning_rate=0.1)


def test_a_sum_is_elementwise():
    assert sum_of([torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0])]).tolist() == [11, 22]


@pytest.mark.parametrize("beside", [1, 2, 4, 6])
def test_a_setting_moves_by_the_same_bits_whatever_is_fitted_beside_it(beside):
    rng = np.random.default_rng(beside)
    shapes = {"a_weight": (7, 9), "a_bias": (9,), "b_weight": (9, 2), "b_bias": (2,), "c_bias": (5,)}
    arrays = {name: rng.normal(size=(beside, *shape)).astype(np.float32) for name, shape in shapes.items()}
    steps = [{name: rng.normal(size=each.shape).astype(np.float32) for name, each in arrays.items()} for _ in range(40)]
    together, norms = moved(arrays, steps)
    for lane in range(beside):
        alone, own = moved(
            {name: each[lane : lane + 1] for name, each in arrays.items()},
            [{name: each[lane : lane + 1] for name, each in step.items()} for step in steps],
        )
        np.testing.assert_array_equal(norms[:, lane], own[:, 0])
        for name, weight in alone.items():
            np.testing.assert_array_equal(weight[0], together[name][lane])


def moved(arrays, steps):
    """Weights after some steps, and the norm of the gradient before each."""
    optimizer, norms = StackedAdam(begun(**arrays), weight_decay=0.1), []
    for step in steps:
        for name, gradient in step.items():
            optimizer.gradients[name].copy_(torch.from_numpy(gradient))
        norms.append(optimizer.squared_norms().numpy())
        optimizer.step(learning_rate=0.01)
    return {name: weight.numpy() for name, weight in optimizer.weights.items()}, np.stack(norms)
