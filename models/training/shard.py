"""Some of the settings of a sweep: their weights, their optimizers and their share of every step.

Settings do not touch one another, so a processor core takes a shard of them and nothing waits inside a step. Splitting
each product over the cores instead costs a meeting of all cores at every one of them, and far more than that where
another job wants a core.

Legend: S setting of this shard, B batch row, C categorical column, M numeric input, D lookup width, K class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from models.losses import LossTable, smoothed_cross_entropy
from models.network import Tensors, looked_up, stacked_embedding, stacked_logits
from models.training.optimizer import AdamState, RowwiseAdam, StackedAdam, sum_of
from models.training.passes import Passes


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
    legitimate_share: float = 1.0


@dataclass(frozen=True)
class Mixing:
    """Mixup of a batch: `share` of each row and the rest of its partner."""

    share: float
    partner_B: torch.Tensor

    def mixed(self, values: torch.Tensor, *, rows: int = 0) -> torch.Tensor:
        """Values mixed along the dimension `rows`."""
        return torch.lerp(values.index_select(rows, self.partner_B), values, self.share)


@dataclass(frozen=True)
class Codes:
    """A column of codes: the distinct ones [U], and which of them each row has [B]."""

    distinct_U: torch.Tensor
    inverse_B: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """Rows with all that is random about them, the same for every setting."""

    numeric_BM: torch.Tensor
    codes: Sequence[Codes]
    target_BK: torch.Tensor
    weight_B: torch.Tensor
    keep_BE: torch.Tensor | None
    keep_BH: torch.Tensor | None
    mixing: Mixing | None


class Shard:
    """Weights and optimizers of some settings.

    Args:
        begun: where their training stands: weights [S, ...], and what is remembered of their gradients.
        settings: of a step.
        table: their losses.
        device: where the tensors are.
    """

    def __init__(self, begun: AdamState, settings: StepSettings, *, table: LossTable, device: torch.device) -> None:
        self._settings, self._table = settings, table
        dense = [name for name in begun.weights if not name.startswith("lookup_")]
        self._dense = StackedAdam(begun.named(dense), weight_decay=settings.weight_decay)
        self._lookups = [RowwiseAdam(f"lookup_{index}", begun) for index in range(len(begun.weights) - len(dense))]
        self._passes = Passes(low_precision=settings.low_precision, device=device)

    def __len__(self) -> int:
        return len(self.weights["output_bias"])

    @property
    def weights(self) -> Tensors:
        """Every weight but the lookups [S, ...]."""
        return self._dense.weights

    @property
    def state(self) -> AdamState:
        """Where training stands."""
        state = self._dense.state
        for lookup in self._lookups:
            state = state.with_named(lookup.state)
        return state

    def step(self, batch: Batch, *, learning_rate: float) -> torch.Tensor:
        """One step on a batch; returns the losses [S]."""

        def loss(logits_GBK: torch.Tensor, part: slice) -> torch.Tensor:
            return smoothed_cross_entropy(
                logits_GBK,
                batch.target_BK,
                self._table.part(part),
                denominator=self._settings.batch_size,
                row_weight_B=batch.weight_B,
            )

        lookups_SBD = self._looked_up(batch)
        loss_S, lookup_gradient = self._passes.learn(
            batch.numeric_BM,
            None if lookups_SBD is None else lookups_SBD.detach(),
            self.weights,
            self._dense.gradients,
            loss=loss,
            keep_BE=batch.keep_BE,
            keep_BH=batch.keep_BH,
        )
        if lookups_SBD is not None:
            torch.autograd.backward(lookups_SBD, lookup_gradient)
        self._descend(learning_rate)
        return loss_S

    @torch.no_grad()
    def margins(self, numeric_BM: torch.Tensor, codes_BC: torch.Tensor) -> torch.Tensor:
        """Margins [S, B], without dropout."""
        lookups_SBD = looked_up(codes_BC, [each.stacked for each in self._lookups])
        logits_SBK = stacked_logits(stacked_embedding(numeric_BM, lookups_SBD, self.weights), self.weights)
        return logits_SBK[:, :, 1] - logits_SBK[:, :, 0]

    def _looked_up(self, batch: Batch) -> torch.Tensor | None:
        """The lookups of a batch [S, B, D], which take part in the step."""
        if not self._lookups:
            return None
        columns = zip(self._lookups, batch.codes, strict=True)
        lookups_SBD = torch.cat(
            [lookup.looked_up(codes.distinct_U, codes.inverse_B) for lookup, codes in columns], dim=2
        )
        return lookups_SBD if batch.mixing is None else batch.mixing.mixed(lookups_SBD, rows=1)

    def _descend(self, learning_rate: float) -> None:
        """Clips each setting's gradient by its own norm, and moves its weights."""
        parts: list[StackedAdam | RowwiseAdam] = [self._dense, *self._lookups]
        norm_S = sum_of([part.squared_norms() for part in parts]).sqrt_()
        factor_S = (self._settings.clip / norm_S.clamp_min(1e-12)).clamp_max_(1.0)
        for part in parts:
            part.scale(factor_S)
            part.step(learning_rate=learning_rate)
