"""Adam for S networks in one step: dense weights as one flat tensor, lookup tables by the rows a batch touched.

Legend: S setting, V vocabulary, U distinct codes of a batch, B batch row, D lookup width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import torch

from models.network import Tensors

BETAS = (0.9, 0.999)
EPSILON = 1e-8
WHOLE = 64
"""Buffers hold a multiple of this many numbers: torch rounds what is left over of a vector register otherwise."""


@dataclass(frozen=True)
class AdamState:
    """Where training stands: weights by name [S, ...], and what Adam remembers of their gradients.

    Attributes:
        weights: of now.
        means: running means of the gradients.
        squares: running means of their squares.
        steps: steps done.
    """

    weights: Tensors
    means: Tensors
    squares: Tensors
    steps: int = 0

    @classmethod
    def begun(cls, weights: Tensors) -> "AdamState":
        """Before the first step."""
        means, squares = ({name: torch.zeros_like(weight) for name, weight in weights.items()} for _ in range(2))
        return cls(weights, means, squares)

    @classmethod
    def joined(cls, parts: Sequence["AdamState"]) -> "AdamState":
        """That of all settings, from parts of them in order."""

        def together(tensors: Sequence[Tensors]) -> Tensors:
            return {name: torch.cat([each[name] for each in tensors]) for name in tensors[0]}

        weights, means, squares = (
            together([getattr(part, name) for part in parts]) for name in ("weights", "means", "squares")
        )
        return cls(weights, means, squares, parts[0].steps)

    def of(self, settings: slice | torch.Tensor) -> "AdamState":
        """That of some of the settings."""
        weights, means, squares = (
            {name: tensor[settings] for name, tensor in tensors.items()}
            for tensors in (self.weights, self.means, self.squares)
        )
        return AdamState(weights, means, squares, self.steps)

    def named(self, names: Sequence[str]) -> "AdamState":
        """That of some of the weights."""
        weights, means, squares = (
            {name: tensors[name] for name in names} for tensors in (self.weights, self.means, self.squares)
        )
        return AdamState(weights, means, squares, self.steps)

    def with_named(self, other: "AdamState") -> "AdamState":
        """This and other weights of the same settings."""
        return AdamState(
            self.weights | other.weights, self.means | other.means, self.squares | other.squares, self.steps
        )


class StackedAdam:
    """AdamW (Loshchilov & Hutter, 2019) on weights [S, ...] that live side by side in two flat buffers.

    One fused step over two tensors costs a fraction of one step per weight; `gradients` are views that whoever
    computes them writes into. Biases are not decayed.
    """

    def __init__(self, begun: AdamState, *, weight_decay: float) -> None:
        self.weights: Tensors = {}
        self.gradients: Tensors = {}
        self._names: list[list[str]] = []
        groups = []
        for decay, chosen in ((weight_decay, False), (0.0, True)):
            names = [name for name in begun.weights if name.endswith("bias") == chosen]
            flat = _flat(begun.weights, names)
            flat.grad = torch.zeros_like(flat)
            self.weights |= _views(flat, begun.weights, names)
            self.gradients |= _views(flat.grad, begun.weights, names)
            self._names.append(names)
            groups.append({"params": [flat], "weight_decay": decay})
        self._adam = torch.optim.AdamW(groups, lr=1.0, betas=BETAS, eps=EPSILON, fused=True)
        self._remember(begun)

    @property
    def state(self) -> AdamState:
        """Weights and moments of now, as views."""
        means: Tensors = {}
        squares: Tensors = {}
        steps = 0
        for names, flat in self._parameters():
            state = self._adam.state[flat]
            means |= _views(state["exp_avg"], self.weights, names)
            squares |= _views(state["exp_avg_sq"], self.weights, names)
            steps = int(state["step"])
        return AdamState({name: self.weights[name] for name in means}, means, squares, steps)

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

    def _parameters(self) -> list[tuple[list[str], torch.Tensor]]:
        return [(names, group["params"][0]) for names, group in zip(self._names, self._adam.param_groups, strict=True)]

    def _remember(self, begun: AdamState) -> None:
        """Gives Adam the moments it would have after as many steps."""
        for names, flat in self._parameters():
            self._adam.state[flat] = {
                "step": torch.tensor(float(begun.steps), device=flat.device),
                "exp_avg": _flat(begun.means, names),
                "exp_avg_sq": _flat(begun.squares, names),
            }


class RowwiseAdam:
    """Adam on one lookup table of all settings that only visits the rows of the batch (torch's SparseAdam rule).

    The moments of a row age when the row is seen, so that a vocabulary of a million costs what a batch costs.
    """

    def __init__(self, name: str, begun: AdamState) -> None:
        # settings side by side in one row: a code is one gather for all of them
        self.name = name
        self._shape = begun.weights[name].shape
        self.table = _side_by_side(begun.weights[name])
        self._mean, self._square = _side_by_side(begun.means[name]), _side_by_side(begun.squares[name])
        self._steps = begun.steps
        self._codes_U = torch.empty(0, dtype=torch.int64)
        self._rows = torch.empty(0)

    @property
    def state(self) -> AdamState:
        """The table and its moments of now, as views."""
        table, mean, square = ({self.name: self._stacked(each)} for each in (self.table, self._mean, self._square))
        return AdamState(table, mean, square, self._steps)

    @property
    def stacked(self) -> torch.Tensor:
        """The lookups of all settings [S, V, D], a view."""
        return self._stacked(self.table)

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

    def _stacked(self, table: torch.Tensor) -> torch.Tensor:
        settings, size, width = self._shape
        return table.view(size, settings, width).transpose(0, 1)


def sum_of(tensors: list[torch.Tensor]) -> torch.Tensor:
    """The elementwise sum, term by term: torch's own would sum an element in an order that depends on its place."""
    return reduce(torch.add, tensors)


def _gradient(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.grad is None:
        raise RuntimeError("a gradient is needed: backward has not run")
    return tensor.grad


def _flat(tensors: Tensors, names: Sequence[str]) -> torch.Tensor:
    """These tensors one after another, in a whole number of vector registers."""
    flat = torch.cat([tensors[name].flatten() for name in names])
    return torch.nn.functional.pad(flat, (0, -len(flat) % WHOLE))


def _views(flat: torch.Tensor, like: Tensors, names: Sequence[str]) -> Tensors:
    """Parts of a flat tensor in the shapes of tensors of these names."""
    sizes = [like[name].numel() for name in names]
    parts = torch.split(flat[: sum(sizes)], sizes)
    return {name: part.view(like[name].shape) for name, part in zip(names, parts, strict=True)}


def _side_by_side(table_SVD: torch.Tensor) -> torch.Tensor:
    # a copy always: with one setting the transposed table is in order, and would stay the giver's
    return table_SVD.transpose(0, 1).reshape(table_SVD.shape[1], -1).clone()
