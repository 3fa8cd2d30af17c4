"""S networks in training: one batch at a time for all of them, each shard of the settings on a core of its own.

Legend: S setting, N row of a fold, B batch row, F numeric column, C categorical column, M numeric input, K class.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from models.losses import LossTable, target_probabilities
from models.network import Architecture, constant_arrays, folded_codes, numeric_inputs
from models.rows import Floats, Rows
from models.training.shard import Batch, Codes, Mixing, Shard, StepSettings

Result = TypeVar("Result")


@dataclass(frozen=True)
class FoldTensors:
    """Rows as tensors on the device; numeric values stay raw, since their bins take many times the room."""

    numeric_NF: torch.Tensor
    codes_NC: torch.Tensor
    target_NK: torch.Tensor
    weight_N: torch.Tensor
    label_N: torch.Tensor


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
    """S networks as shards of the settings, and the generators of all that is random in their training.

    Args:
        arrays: name → weights [S, ...].
        architecture: shared by all settings.
        settings: of a step.
        device: where the tensors are.
        seed: of batches, dropout, hidden codes and mixup.
        pool: where shards work side by side.
        shards: how many there are; no bit of any setting depends on it.
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        architecture: Architecture,
        settings: StepSettings,
        *,
        device: torch.device,
        seed: int,
        pool: Executor,
        shards: int,
    ) -> None:
        self.device = device
        self._settings, self._pool = settings, pool
        self._widths = architecture.embedding, architecture.hidden
        constants = constant_arrays(architecture)
        self._constants = {name: torch.tensor(array, device=device) for name, array in constants.items()}
        chosen = np.array_split(np.arange(len(arrays["output_bias"])), shards)
        self._parts = [slice(int(part[0]), int(part[-1]) + 1) for part in chosen]
        self._shards = [
            Shard({name: array[part] for name, array in arrays.items()}, settings, device=device)
            for part in self._parts
        ]
        self._generator = torch.Generator(device).manual_seed(seed)
        self._shuffler = np.random.default_rng(seed)

    def shuffled(self, rows: int) -> torch.Tensor:
        """A new order of this many rows."""
        return torch.from_numpy(self._shuffler.permutation(rows)).to(self.device)

    def step(self, fold: FoldTensors, rows_B: torch.Tensor, *, table: LossTable, learning_rate: float) -> torch.Tensor:
        """One step of all settings on some rows of a fold; returns their losses [S]."""
        batch = self._batch(fold, rows_B)
        losses = self.by_shard(
            lambda shard, part: shard.step(batch, table=table.part(part), learning_rate=learning_rate)
        )
        return torch.cat(losses)

    def margins(self, fold: FoldTensors, *, batch_size: int = 2048) -> torch.Tensor:
        """Margins of all settings [S, N], without dropout."""
        starts = range(0, len(fold.numeric_NF), batch_size)
        return torch.cat([self._margins(fold, slice(start, start + batch_size)) for start in starts], dim=1)

    def _margins(self, fold: FoldTensors, rows: slice) -> torch.Tensor:
        numeric_BM, codes_BC = numeric_inputs(fold.numeric_NF[rows], self._constants), fold.codes_NC[rows]
        return torch.cat(self.by_shard(lambda shard, _: shard.margins(numeric_BM, codes_BC)))

    def by_shard(self, work: Callable[[Shard, slice], Result]) -> list[Result]:
        """What `work` gives for each shard and the settings it holds, side by side."""
        if len(self._shards) == 1:
            return [work(self._shards[0], self._parts[0])]
        return list(self._pool.map(work, self._shards, self._parts))

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes these weights [S, ...] in place of those of now."""
        for shard, part in zip(self._shards, self._parts, strict=True):
            shard.load({name: array[part] for name, array in arrays.items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights of now as arrays [S, ...]."""
        shards = [shard.arrays() for shard in self._shards]
        return {name: np.concatenate([each[name] for each in shards]) for name in shards[0]}

    def _batch(self, fold: FoldTensors, rows_B: torch.Tensor) -> Batch:
        numeric_BM = numeric_inputs(fold.numeric_NF[rows_B], self._constants)
        target_BK, weight_B = fold.target_NK[rows_B], fold.weight_N[rows_B]
        codes_BC = self._with_unknowns(fold.codes_NC[rows_B])
        mixing = self._mixing(len(rows_B))
        if mixing is not None:
            numeric_BM, mixed_B = mixing.mixed(numeric_BM), mixing.mixed(weight_B)
            # a row of weight 2 is that row twice, so its label is mixed with twice its share
            target_BK, weight_B = mixing.mixed(target_BK * weight_B[:, None]) / mixed_B[:, None], mixed_B
        keep_BE, keep_BH = (self._kept(len(rows_B), width) for width in self._widths)
        codes = [Codes(*torch.unique(column_B, return_inverse=True)) for column_B in codes_BC.unbind(1)]
        return Batch(numeric_BM, codes, target_BK, weight_B, keep_BE, keep_BH, mixing)

    def _mixing(self, rows: int) -> Mixing | None:
        alpha = self._settings.mixup
        return None if alpha == 0 else Mixing(float(self._shuffler.beta(alpha, alpha)), self.shuffled(rows))

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
