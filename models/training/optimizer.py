"""Adam for S networks in one step: dense weights as one flat tensor, lookup tables by the rows a batch touched.

Legend: S setting, V vocabulary, U distinct codes of a batch, B batch row, D lookup width.
"""

from collections.abc import Mapping
from functools import reduce

import numpy as np
import torch

from models.network import Tensors

BETAS = (0.9, 0.999)
EPSILON = 1e-8
WHOLE = 64
"""Buffers hold a multiple of this many numbers: torch rounds what is left over of a vector register otherwise."""


class StackedAdam:
    """AdamW (Loshchilov & Hutter, 2019) on weights [S, ...] that live side by side in two flat buffers.

    One fused step over two tensors costs a fraction of one step per weight; `gradients` are views that whoever
    computes them writes into. Biases are not decayed.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], *, device: torch.device, weight_decay: float) -> None:
        self.weights: Tensors = {}
        self.gradients: Tensors = {}
        groups = []
        for decay, chosen in ((weight_decay, False), (0.0, True)):
            names = [name for name in arrays if name.endswith("bias") == chosen]
            flat = torch.cat([torch.tensor(arrays[name], device=device).flatten() for name in names])
            flat = torch.nn.functional.pad(flat, (0, -len(flat) % WHOLE))
            gradient = torch.zeros_like(flat)
            flat.grad = gradient
            start = 0
            for name in names:
                shape = arrays[name].shape
                end = start + int(np.prod(shape))
                self.weights[name] = flat[start:end].view(shape)
                self.gradients[name] = gradient[start:end].view(shape)
                start = end
            groups.append({"params": [flat], "weight_decay": decay})
        self._adam = torch.optim.AdamW(groups, lr=1.0, betas=BETAS, eps=EPSILON, fused=True)

    def squared_norms(self) -> torch.Tensor:
        """Squared norm of each setting's gradient [S]."""
        return sum_of([gradient.flatten(1).square().sum(1) for gradient in self.gradients.values()])

    def scale(self, factor_S: torch.Tensor) -> None:
        """Multiplies each setting's gradient by its factor."""
        for gradient in self.gradients.values():
            gradient.mul_(factor_S.view(-1, *[1] * (gradient.ndim - 1)))

    def step(self, *, learning_rate: float) -> None:
        """One step of all settings."""
        for group in self._adam.param_groups:
            group["lr"] = learning_rate
        self._adam.step()


class RowwiseAdam:
    """Adam on one lookup table of all settings that only visits the rows of the batch (torch's SparseAdam rule).

    The moments of a row age when the row is seen, so that a vocabulary of a million costs what a batch costs.
    """

    def __init__(self, table_SVD: np.ndarray, *, device: torch.device) -> None:
        # settings side by side in one row: a code is one gather for all of them
        self._shape = table_SVD.shape
        self.table = torch.tensor(table_SVD.transpose(1, 0, 2).reshape(table_SVD.shape[1], -1), device=device)
        self._mean = torch.zeros_like(self.table)
        self._square = torch.zeros_like(self.table)
        self._steps = 0
        self._codes_U = torch.empty(0, dtype=torch.int64)
        self._rows = torch.empty(0)

    @property
    def stacked(self) -> torch.Tensor:
        """The lookups of all settings [S, V, D], a view."""
        settings, size, width = self._shape
        return self.table.view(size, settings, width).transpose(0, 1)

    def looked_up(self, distinct_U: torch.Tensor, inverse_B: torch.Tensor) -> torch.Tensor:
        """The lookups of a batch [S, B, D] from its distinct codes; they take part in the next step."""
        settings, _, width = self._shape
        self._codes_U, self._rows = distinct_U, self.table[distinct_U].requires_grad_()
        chosen = torch.nn.functional.embedding(inverse_B, self._rows)
        return chosen.view(-1, settings, width).transpose(0, 1)

    def squared_norms(self) -> torch.Tensor:
        """Squared norm of each setting's gradient [S], summed by itself: others change none of its bits."""
        settings, _, width = self._shape
        return _gradient(self._rows).view(-1, settings, width).transpose(0, 1).flatten(1).square().sum(1)

    def scale(self, factor_S: torch.Tensor) -> None:
        """Multiplies each setting's gradient by its factor."""
        settings, _, width = self._shape
        _gradient(self._rows).view(-1, settings, width).mul_(factor_S[None, :, None])

    def step(self, *, learning_rate: float) -> None:
        """One step of the rows of the last batch."""
        self._steps += 1
        gradient, codes = _gradient(self._rows), self._codes_U
        mean = torch.lerp(self._mean[codes], gradient, 1 - BETAS[0])
        square = torch.lerp(self._square[codes], gradient.square(), 1 - BETAS[1])
        self._mean[codes], self._square[codes] = mean, square
        step = mean / (1 - BETAS[0] ** self._steps)
        spread = (square / (1 - BETAS[1] ** self._steps)).sqrt_().add_(EPSILON)
        self.table[codes] = self._rows.detach() - learning_rate * step / spread

    def load(self, table_SVD: np.ndarray) -> None:
        """Takes this table in place of the one of now."""
        self.table = torch.tensor(
            table_SVD.transpose(1, 0, 2).reshape(table_SVD.shape[1], -1), device=self.table.device
        )


def sum_of(tensors: list[torch.Tensor]) -> torch.Tensor:
    """The elementwise sum, term by term: torch's own would sum an element in an order that depends on its place."""
    return reduce(torch.add, tensors)


def _gradient(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.grad is None:
        raise RuntimeError("a gradient is needed: backward has not run")
    return tensor.grad
