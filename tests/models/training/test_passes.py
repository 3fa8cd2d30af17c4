"""Gradients written by hand are those of torch's differentiator."""

import numpy as np
import pytest
import torch

from models.network import stacked_embedding, stacked_logits
from models.training import passes
from models.training.passes import Passes

CPU = torch.device("cpu")
SETTINGS, ROWS, INPUTS, LOOKUPS, EMBEDDING, HIDDEN = 3, 17, 5, 4, 8, 6


def made(*, lookups):
    generator = torch.Generator().manual_seed(1)

    def random(*shape):
        return torch.randn(*shape, generator=generator)

    weights = {
        "projection_weight": random(SETTINGS, INPUTS, EMBEDDING),
        "projection_bias": random(SETTINGS, EMBEDDING),
        "hidden_weight": random(SETTINGS, EMBEDDING, HIDDEN),
        "hidden_bias": random(SETTINGS, HIDDEN),
        "output_weight": random(SETTINGS, HIDDEN, 2),
        "output_bias": random(SETTINGS, 2),
    }
    if lookups:
        weights["projection_lookup"] = random(SETTINGS, LOOKUPS, EMBEDDING)
    looked_up = random(SETTINGS, ROWS, LOOKUPS) if lookups else None
    return random(ROWS, INPUTS), looked_up, weights


def loss(logits, part):
    return (torch.arange(1.0, SETTINGS + 1)[part, None] * torch.log_softmax(logits, -1)[..., 0]).mean(1)


def differentiated(numeric, looked_up, weights, keep_embedding, keep_hidden):
    """Losses and gradients by autograd, through the plain forward pass."""
    leaves = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
    table = None if looked_up is None else looked_up.clone().requires_grad_()
    embedding = stacked_embedding(numeric, table, leaves)
    embedding = embedding if keep_embedding is None else embedding * keep_embedding
    losses = loss(stacked_logits(embedding, leaves, keep_BH=keep_hidden), slice(None))
    losses.sum().backward()
    return losses.detach(), {name: leaf.grad for name, leaf in leaves.items()}, None if table is None else table.grad


@pytest.mark.parametrize("lookups", [True, False])
@pytest.mark.parametrize("dropout", [True, False])
@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_losses_and_every_gradient_are_those_of_autograd(lookups, dropout, at_once, monkeypatch):
    monkeypatch.setattr(passes, "CACHE_FLOATS", at_once * ROWS * EMBEDDING)
    numeric, looked_up, weights = made(lookups=lookups)
    keep = [2.0 * (torch.arange(ROWS * width).reshape(ROWS, width) % 2) for width in (EMBEDDING, HIDDEN)]
    keep_embedding, keep_hidden = keep if dropout else (None, None)
    expected = differentiated(numeric, looked_up, weights, keep_embedding, keep_hidden)
    gradients = {name: torch.full_like(weight, np.nan) for name, weight in weights.items()}
    found = Passes(low_precision=False, device=CPU).learn(
        numeric, looked_up, weights, gradients, loss=loss, keep_BE=keep_embedding, keep_BH=keep_hidden
    )
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    for name, gradient in expected[1].items():
        np.testing.assert_allclose(gradients[name], gradient, rtol=1e-4, atol=1e-5, err_msg=name)
    if lookups:
        np.testing.assert_allclose(found[1], expected[2], rtol=1e-4, atol=1e-5)
    else:
        assert found[1] is None


def test_buffers_of_a_full_batch_leave_nothing_in_the_smaller_one_after_it():
    numeric, looked_up, weights = made(lookups=True)
    both = Passes(low_precision=False, device=CPU)
    kept = []
    for rows in (slice(None), slice(7)):
        gradients = {name: torch.empty_like(weight) for name, weight in weights.items()}
        both.learn(numeric[rows], looked_up[:, rows], weights, gradients, loss=loss)
        kept.append(gradients)
    fresh = {name: torch.empty_like(weight) for name, weight in weights.items()}
    Passes(low_precision=False, device=CPU).learn(numeric[:7], looked_up[:, :7], weights, fresh, loss=loss)
    for name, gradient in fresh.items():
        np.testing.assert_array_equal(kept[1][name], gradient)


def test_low_precision_is_near_full_precision():
    numeric, looked_up, weights = made(lookups=True)
    losses = [
        Passes(low_precision=low, device=CPU).learn(
            numeric,
            looked_up,
            weights,
            {name: torch.empty_like(weight) for name, weight in weights.items()},
            loss=loss,
        )[0]
        for low in (False, True)
    ]
    assert not torch.equal(*losses)
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.05)
