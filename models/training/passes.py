"""Forward and backward through S networks with the gradients written where the optimizer reads them.

Legend: S setting, G settings at once, B batch row, M numeric input, D lookup width, E embedding, H hidden, K class.

Three layers do not need a general differentiator: by hand every product goes straight into its buffer, the slope of a
relu is applied in place, and nothing is allocated twice. Settings are taken a few at a time, as many as keep their
activations in cache; on a GPU all at once. Only the loss itself is left to autograd.
"""

from collections.abc import Callable, Iterator

import torch

from models.network import Tensors

LogitLoss = Callable[[torch.Tensor, slice], torch.Tensor]
"""Losses [G] of logits [G, B, K] of a slice of the settings."""

CACHE_FLOATS = 2**20
"""Embedding activations taken at once on a CPU: 4 MiB, a share of the last-level cache."""


class Passes:
    """Passes over batches, with the buffers they share.

    Args:
        low_precision: matrix products in bfloat16, sums and losses in float32.
        device: where the tensors are.
    """

    def __init__(self, *, low_precision: bool, device: torch.device) -> None:
        self._low_precision = low_precision
        self._device = device
        self._buffers: dict[tuple[str, tuple[int, ...]], torch.Tensor] = {}

    def learn(
        self,
        numeric_BM: torch.Tensor,
        lookups_SBD: torch.Tensor | None,
        weights: Tensors,
        gradients: Tensors,
        *,
        loss: LogitLoss,
        keep_BE: torch.Tensor | None = None,
        keep_BH: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Losses [S], and the gradient of the lookups [S, B, D]; those of the weights go into `gradients`.

        `keep_BE` and `keep_BH` are dropout masks, scaled to keep the mean.
        """
        losses = []
        lookup_gradient = None if lookups_SBD is None else torch.empty_like(lookups_SBD)
        for part in _parts(weights["projection_weight"].shape[0], len(numeric_BM), weights, numeric_BM.device):
            weight = {name: each[part] for name, each in weights.items()}
            lookups_GBD = None if lookups_SBD is None else lookups_SBD[part]
            embedding_GBE = self._embedded(numeric_BM, lookups_GBD, weight, keep_BE)
            hidden_GBH = self._layer("hidden", embedding_GBE, weight, keep_BH)
            logits_GBK = torch.baddbmm(weight["output_bias"][:, None, :], hidden_GBH, weight["output_weight"])
            logits_GBK.requires_grad_()
            loss_G = loss(logits_GBK, part)
            losses.append(loss_G.detach())
            (slope_GBK,) = torch.autograd.grad(loss_G.sum(), logits_GBK)
            slope_GBH = self._back("output", slope_GBK, hidden_GBH, weight, gradients, part, keep_BH)
            slope_GBE = self._back("hidden", slope_GBH, embedding_GBE, weight, gradients, part, keep_BE)
            into = {name: gradients[name][part] for name in gradients if name.startswith("projection")}
            self._projected_back(numeric_BM, lookups_GBD, slope_GBE, into)
            if lookup_gradient is not None:
                self._product(slope_GBE, weight["projection_lookup"].transpose(1, 2), lookup_gradient[part])
        return torch.cat(losses), lookup_gradient

    def _embedded(
        self, numeric_BM: torch.Tensor, lookups_GBD: torch.Tensor | None, weight: Tensors, keep_BE: torch.Tensor | None
    ) -> torch.Tensor:
        projection_GME = weight["projection_weight"]
        embedding_GBE = self._buffer("embedding", len(projection_GME), len(numeric_BM), projection_GME.shape[2])
        self._product(numeric_BM.expand(len(projection_GME), *numeric_BM.shape), projection_GME, embedding_GBE)
        if lookups_GBD is not None:
            embedding_GBE.baddbmm_(lookups_GBD, weight["projection_lookup"])
        return _activated(embedding_GBE, weight["projection_bias"], keep_BE)

    def _layer(self, name: str, inputs_GBI: torch.Tensor, weight: Tensors, keep: torch.Tensor | None) -> torch.Tensor:
        matrix_GIO = weight[f"{name}_weight"]
        outputs_GBO = self._buffer(name, *inputs_GBI.shape[:2], matrix_GIO.shape[2])
        self._product(inputs_GBI, matrix_GIO, outputs_GBO)
        return _activated(outputs_GBO, weight[f"{name}_bias"], keep)

    def _back(
        self,
        name: str,
        slope_GBO: torch.Tensor,
        inputs_GBI: torch.Tensor,
        weight: Tensors,
        gradients: Tensors,
        part: slice,
        keep_BI: torch.Tensor | None,
    ) -> torch.Tensor:
        """Gradients of a layer from the slope of its outputs; returns the slope before its inputs' activation."""
        self._product(inputs_GBI.transpose(1, 2), slope_GBO, gradients[f"{name}_weight"][part])
        torch.sum(slope_GBO, dim=1, out=gradients[f"{name}_bias"][part])
        slope_GBI = self._buffer(f"slope of {name}", *inputs_GBI.shape)
        self._product(slope_GBO, weight[f"{name}_weight"].transpose(1, 2), slope_GBI)
        # an input is above zero where it was both active and kept
        torch.ops.aten.threshold_backward.grad_input(slope_GBI, inputs_GBI, 0, grad_input=slope_GBI)
        return slope_GBI if keep_BI is None else slope_GBI.mul_(keep_BI)

    def _projected_back(
        self,
        numeric_BM: torch.Tensor,
        lookups_GBD: torch.Tensor | None,
        slope_GBE: torch.Tensor,
        gradients: Tensors,
    ) -> None:
        """Gradients of the projection from the slope before its activation."""
        numeric_MB = numeric_BM.T
        self._product(numeric_MB.expand(len(slope_GBE), *numeric_MB.shape), slope_GBE, gradients["projection_weight"])
        torch.sum(slope_GBE, dim=1, out=gradients["projection_bias"])
        if lookups_GBD is not None:
            self._product(lookups_GBD.transpose(1, 2), slope_GBE, gradients["projection_lookup"])

    def _product(self, left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> None:
        if self._low_precision:
            out.copy_(torch.bmm(left.bfloat16(), right.bfloat16()))
        else:
            torch.bmm(left, right, out=out)

    def _buffer(self, name: str, *shape: int) -> torch.Tensor:
        key = (name, shape)
        if key not in self._buffers:
            self._buffers[key] = torch.empty(shape, device=self._device)
        return self._buffers[key]


def _activated(values: torch.Tensor, bias_GO: torch.Tensor, keep_BO: torch.Tensor | None) -> torch.Tensor:
    values.add_(bias_GO[:, None, :]).clamp_min_(0)
    return values if keep_BO is None else values.mul_(keep_BO)


def settings_at_once(settings: int, rows: int, width: int, device: torch.device) -> int:
    """How many settings a pass takes at once: as many as keep activations of this width in cache; on a GPU all."""
    return settings if device.type != "cpu" else max(1, min(settings, CACHE_FLOATS // (rows * width)))


def _parts(settings: int, rows: int, weights: Tensors, device: torch.device) -> Iterator[slice]:
    at_once = settings_at_once(settings, rows, weights["hidden_weight"].shape[1], device)
    for start in range(0, settings, at_once):
        yield slice(start, min(start + at_once, settings))
