"""The rows of a fold as tensors, and the batches that every setting steps on, with all that is random about them.

Legend: N row of a fold, B batch row, F numeric column, C categorical column, M numeric input, E embedding, H hidden,
K class.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch

from models.losses import target_probabilities
from models.network import Architecture, constant_arrays, folded_codes, numeric_inputs
from models.rows import Floats, Rows
from models.training.shard import Batch, Codes, Mixing, StepSettings


@dataclass(frozen=True)
class FoldTensors:
    """Rows as tensors on the device; numeric values stay raw, since their bins take many times the room."""

    numeric_NF: torch.Tensor
    codes_NC: torch.Tensor
    target_NK: torch.Tensor
    weight_N: torch.Tensor
    label_N: torch.Tensor

    def drawn_rows(self, legitimate_share: float) -> int:
        """How many rows an epoch sees: every fraud, and so large a share of the others."""
        frauds = int(self.label_N.sum())
        return frauds + round(legitimate_share * (len(self.label_N) - frauds))

    def thinned(self, most: int) -> "FoldTensors":
        """Every so many rows, `most` at most: themselves where they are no more."""
        step = max(1, -(-len(self.label_N) // most))
        return FoldTensors(
            self.numeric_NF[::step],
            self.codes_NC[::step],
            self.target_NK[::step],
            self.weight_N[::step],
            self.label_N[::step],
        )


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


class BatchMaker:
    """Batches of a fold, and the generators of all that is random in them.

    Args:
        architecture: shared by all settings.
        settings: of a step.
        device: where the tensors are.
        seed: of batches, dropout, hidden codes and mixup.
    """

    def __init__(self, architecture: Architecture, settings: StepSettings, *, device: torch.device, seed: int) -> None:
        self.device = device
        self._settings = settings
        self._widths = architecture.embedding, architecture.hidden
        constants = constant_arrays(architecture)
        self._constants = {name: torch.tensor(array, device=device) for name, array in constants.items()}
        self._generator = torch.Generator(device).manual_seed(seed)
        self._shuffler = np.random.default_rng(seed)

    def drawn(self, fold: FoldTensors) -> torch.Tensor:
        """The rows of a new epoch in their order: every fraud, and a new draw of the others where not all are seen."""
        share = self._settings.legitimate_share
        if share == 1:
            return self.shuffled(len(fold.label_N))
        fraud_N = fold.label_N.cpu().numpy()
        others = self._shuffler.permutation(np.flatnonzero(~fraud_N))[: fold.drawn_rows(share) - int(fraud_N.sum())]
        rows = self._shuffler.permutation(np.concatenate([np.flatnonzero(fraud_N), others]))
        return torch.from_numpy(rows).to(self.device)

    def shuffled(self, rows: int) -> torch.Tensor:
        """A new order of this many rows."""
        return torch.from_numpy(self._shuffler.permutation(rows)).to(self.device)

    def inputs(self, fold: FoldTensors, rows: torch.Tensor | slice) -> torch.Tensor:
        """Inputs of the projection of some rows [B, M]."""
        return numeric_inputs(fold.numeric_NF[rows], self._constants)

    def batch(self, fold: FoldTensors, rows_B: torch.Tensor) -> Batch:
        """The next batch: these rows, with hidden codes, mixup and dropout masks drawn for them."""
        numeric_BM = self.inputs(fold, rows_B)
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


class SharedBatches:
    """The batches of an epoch for several readers: each is made once, in order, and dropped when all have had it.

    Args:
        make: gives the batch of some rows; called in the order of the rows.
        rows: of each batch.
        readers: how many come for each batch.
    """

    def __init__(self, make: Callable[[torch.Tensor], Batch], rows: Sequence[torch.Tensor], *, readers: int) -> None:
        self._make, self._rows, self._readers = make, rows, readers
        self._made = 0
        self._waiting: dict[int, tuple[Batch, int]] = {}
        self._lock = Lock()

    def take(self, index: int) -> Batch:
        """The batch of this number, for one reader; every reader takes every batch, in order."""
        with self._lock:
            while self._made <= index:
                self._waiting[self._made] = self._make(self._rows[self._made]), self._readers
                self._made += 1
            batch, readers = self._waiting.pop(index)
            if readers > 1:
                self._waiting[index] = batch, readers - 1
            return batch
