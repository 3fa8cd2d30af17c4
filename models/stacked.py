"""S networks in training: one step of all of them on one batch.

Legend: S setting, N row of a fold, B batch row, F numeric column, C categorical column, M numeric input, D lookup
width, K class.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from models.losses import LossTable, smoothed_cross_entropy, target_probabilities
from models.network import (
    Architecture,
    Tensors,
    constant_arrays,
    folded_codes,
    numeric_inputs,
    stacked_embedding,
    stacked_logits,
)
from models.optimizer import RowwiseAdam, StackedAdam, sum_of
from models.passes import Passes
from models.rows import Floats, Rows


@dataclass(frozen=True)
class StepSettings:
    """What a step needs to know of [train]."""

    batch_size: int
    weight_decay: float
    dropout: float
    clip: float
    mixup: float
    unknown_share: float
    low_precision: bool


@dataclass(frozen=True)
class FoldTensors:
    """Rows as tensors on the device; numeric values stay raw, since their bins take many times the room."""

    numeric_NF: torch.Tensor
    codes_NC: torch.Tensor
    target_NK: torch.Tensor
    weight_N: torch.Tensor
    label_N: torch.Tensor


@dataclass(frozen=True)
class _Batch:
    numeric_BM: torch.Tensor
    lookups_SBD: torch.Tensor | None
    target_BK: torch.Tensor
    weight_B: torch.Tensor


def fold_tensors(
    rows: Rows, architecture: Architecture, *, device: torch.device, soft_labels: Floats | None = None
) -> FoldTensors:
    """A fold as tensors, with the labels or a teacher's soft labels as targets.

    Raises:
        ValueError: a code outside its vocabulary, soft labels of another length or outside [0, 1].
    """
    if soft_labels is not None and len(soft_labels) != len(rows.label):
        raise ValueError(f"soft_labels must have one value a training row ({len(rows.label)}), got {len(soft_labels)}")
    targets = rows.label if soft_labels is None else soft_labels
    codes = folded_codes(rows.categorical, architecture.cardinalities, architecture.lookup_rows)
    return FoldTensors(
        numeric_NF=torch.from_numpy(np.array(rows.numeric, dtype=np.float32)).to(device),
        codes_NC=torch.from_numpy(codes).to(device),
        target_NK=target_probabilities(torch.from_numpy(np.array(targets, dtype=np.float32))).to(device),
        weight_N=torch.from_numpy(np.array(rows.weight, dtype=np.float32)).to(device),
        label_N=torch.from_numpy(np.array(rows.label) == 1).to(device),
    )


class StackedNetworks:
    """Weights and optimizers of S networks, and the generators of all that is random in their training."""

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        architecture: Architecture,
        settings: StepSettings,
        *,
        device: torch.device,
        frozen_embedding: bool,
        seed: int,
    ) -> None:
        self.device = device
        self._settings, self._frozen = settings, frozen_embedding
        constants = constant_arrays(architecture)
        self._constants = {name: torch.tensor(array, device=device) for name, array in constants.items()}
        dense = {name: array for name, array in arrays.items() if not name.startswith("lookup_")}
        fixed = {name: dense.pop(name) for name in list(dense) if frozen_embedding and name.startswith("projection")}
        self._fixed = {name: torch.tensor(array, device=device) for name, array in fixed.items()}
        self._dense = StackedAdam(dense, device=device, weight_decay=settings.weight_decay)
        lookups = [arrays[f"lookup_{index}"] for index in range(len(architecture.cardinalities))]
        self._lookups = [RowwiseAdam(each, device=device) for each in lookups]
        self._passes = Passes(low_precision=settings.low_precision, device=device)
        self._generator = torch.Generator(device).manual_seed(seed)
        self._shuffler = np.random.default_rng(seed)

    @property
    def weights(self) -> Tensors:
        """Every weight but the lookups [S, ...]."""
        return {**self._fixed, **self._dense.weights}

    def shuffled(self, rows: int) -> torch.Tensor:
        """A new order of this many rows."""
        return torch.from_numpy(self._shuffler.permutation(rows)).to(self.device)

    def step(self, fold: FoldTensors, rows_B: torch.Tensor, *, table: LossTable, learning_rate: float) -> torch.Tensor:
        """One step of all settings on some rows of a fold; returns their losses [S]."""
        batch = self._batch(fold, rows_B)

        def loss(logits_GBK: torch.Tensor, part: slice) -> torch.Tensor:
            return smoothed_cross_entropy(
                logits_GBK,
                batch.target_BK,
                table.part(part),
                denominator=self._settings.batch_size,
                row_weight_B=batch.weight_B,
            )

        keep_BE, keep_BH = (
            self._kept(len(rows_B), self.weights[name].shape[1]) for name in ("hidden_weight", "output_weight")
        )
        lookups_SBD = batch.lookups_SBD
        loss_S, lookup_gradient = self._passes.learn(
            batch.numeric_BM,
            None if lookups_SBD is None else lookups_SBD.detach(),
            self.weights,
            self._dense.gradients,
            loss=loss,
            keep_BE=keep_BE,
            keep_BH=keep_BH,
        )
        if lookups_SBD is not None and not self._frozen:
            torch.autograd.backward(lookups_SBD, lookup_gradient)
        self._descend(learning_rate)
        return loss_S

    def _descend(self, learning_rate: float) -> None:
        """Clips each setting's gradient by its own norm, and moves its weights."""
        parts: list[StackedAdam | RowwiseAdam] = [self._dense, *([] if self._frozen else self._lookups)]
        norm_S = sum_of([part.squared_norms() for part in parts]).sqrt_()
        factor_S = (self._settings.clip / norm_S.clamp_min(1e-12)).clamp_max_(1.0)
        for part in parts:
            part.scale(factor_S)
            part.step(learning_rate=learning_rate)

    def _batch(self, fold: FoldTensors, rows_B: torch.Tensor) -> _Batch:
        """The rows with all that is random about them but dropout."""
        numeric_BM = numeric_inputs(fold.numeric_NF[rows_B], self._constants)
        target_BK, weight_B = fold.target_NK[rows_B], fold.weight_N[rows_B]
        lookups_SBD = self._looked_up(self._with_unknowns(fold.codes_NC[rows_B]), learn=not self._frozen)
        if self._settings.mixup > 0:
            share = float(self._shuffler.beta(self._settings.mixup, self._settings.mixup))
            partner_B = self.shuffled(len(rows_B))
            numeric_BM = torch.lerp(numeric_BM[partner_B], numeric_BM, share)
            target_BK, weight_B = (torch.lerp(each[partner_B], each, share) for each in (target_BK, weight_B))
            lookups_SBD = None if lookups_SBD is None else torch.lerp(lookups_SBD[:, partner_B], lookups_SBD, share)
        return _Batch(numeric_BM, lookups_SBD, target_BK, weight_B)

    def _kept(self, rows: int, width: int) -> torch.Tensor | None:
        """A dropout mask that all settings share, scaled to keep the mean."""
        kept = 1 - self._settings.dropout
        if kept == 1:
            return None
        return torch.empty(rows, width, device=self.device).bernoulli_(kept, generator=self._generator).div_(kept)

    def _with_unknowns(self, codes_BC: torch.Tensor) -> torch.Tensor:
        share = self._settings.unknown_share
        if share == 0 or codes_BC.shape[1] == 0:
            return codes_BC
        hidden_BC = torch.rand(codes_BC.shape, device=self.device, generator=self._generator) < share
        return codes_BC.masked_fill(hidden_BC, 0)

    def _looked_up(self, codes_BC: torch.Tensor, *, learn: bool) -> torch.Tensor | None:
        if not self._lookups:
            return None
        looked_up = [part.looked_up(codes_BC[:, index], learn=learn) for index, part in enumerate(self._lookups)]
        return torch.cat(looked_up, dim=2)

    @torch.no_grad()
    def margins(self, fold: FoldTensors, *, batch_size: int = 2048) -> torch.Tensor:
        """Margins of all settings [S, N], without dropout."""
        parts = []
        for start in range(0, len(fold.numeric_NF), batch_size):
            part = slice(start, start + batch_size)
            lookups_SBD = self._looked_up(fold.codes_NC[part], learn=False)
            numeric_BM = numeric_inputs(fold.numeric_NF[part], self._constants)
            logits_SBK = stacked_logits(stacked_embedding(numeric_BM, lookups_SBD, self.weights), self.weights)
            parts.append(logits_SBK[:, :, 1] - logits_SBK[:, :, 0])
        return torch.cat(parts, dim=1)

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes these weights [S, ...] in place of those of now."""
        for name, weight in self.weights.items():
            weight.copy_(torch.from_numpy(arrays[name]))
        for index, part in enumerate(self._lookups):
            part.load(arrays[f"lookup_{index}"])

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights of now as arrays [S, ...]."""
        dense = {name: weight.cpu().numpy() for name, weight in self.weights.items()}
        return dense | {f"lookup_{index}": part.array() for index, part in enumerate(self._lookups)}
